#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/choice.hpp"
#include "core/head.hpp"
#include "core/hop.hpp"
#include "proxy/body_reader.hpp"
#include "proxy/head_parser.hpp"
#include "proxy/live_plan.hpp"
#include "proxy/record.hpp"
#include "proxy/relay.hpp"

namespace sluice::proxy {

/// One request on its way through the proxy. Taken from its worker's RequestPool and given back, so
/// that strings and lists keep their capacity, and a client that sends nothing holds none of it.
struct Request {
  HeadScan scan;
  core::RequestHead head;  ///< views into the client's buffer; valid until the head is consumed

  // What is needed after that.
  core::BodyFraming framing;
  BodyReader body;
  ReplayBuffer replay;
  core::Steering steering;
  LocalPtr<LivePlan> plan;              ///< pinned from routing to the end
  std::optional<std::uint32_t> match;   ///< the route that the router found
  std::size_t route = 0;                ///< index into the plan
  bool has_route = false;               ///< the request is that route's: it counts there
  RoutePoolTally* served_by = nullptr;  ///< counters of the route and the pool last chosen
  std::string backend_head;             ///< as it goes to a backend
  std::string upgrade;                  ///< protocol asked for, or ""
  std::string set_cookie;               ///< sticky cookie to set, or ""
  std::string max_forwards;             ///< the value that goes on
  std::string out;                      ///< text towards the client
  unsigned minor = 1;
  bool is_head = false;
  bool is_idempotent = false;
  bool persists = false;      ///< the client keeps the connection open after this
  bool accepts_json = false;  ///< for our own answers
  core::ResponseHead answer;  ///< views into the backend's buffer; valid until it is consumed
  Record record;

  const core::RoutePlan& route_plan() const { return plan->plan->topology->routes[route]; }
  const TimeoutSettings& timeouts() const { return route_plan().timeouts; }
  const core::Split& split() const { return *plan->plan->splits[route]; }
  /// Of the sticky hash.
  std::uint64_t salt() const {
    const core::Trial* trial = split().trial();
    return trial != nullptr ? trial->salt : route_plan().salt;
  }
  LiveRoute& live_route() const { return plan->topology->routes[route]; }
};

}  // namespace sluice::proxy
