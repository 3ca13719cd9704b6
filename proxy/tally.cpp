#include "proxy/tally.hpp"

#include <algorithm>

namespace sluice::proxy {
namespace {

template <class Reason>
void add(CountsBy<Reason>& to, const CountsBy<Reason>& from) {
  for (std::size_t index = 0; index < to.size(); ++index) to[index] += from[index];
}

template <class Reason>
std::vector<LabelledCount> labelled(const CountsBy<Reason>& counts) {
  std::vector<LabelledCount> result;
  for (std::size_t index = 0; index < counts.size(); ++index) {
    if (counts[index] != 0) {
      result.emplace_back(to_string(static_cast<Reason>(index)), counts[index]);
    }
  }
  return result;
}

void add(RoutePoolTally& to, const RoutePoolTally& from) {
  for (const auto& [code, requests] : from.codes.list()) to.codes.add(code, requests);
  to.duration.merge(from.duration);
  to.response_head.merge(from.response_head);
  to.in_flight += from.in_flight;
  add<RetryReason>(to.retries, from.retries);
}

void add(ListenerTally& to, const ListenerTally& from) {
  to.active += from.active;
  to.idle += from.idle;
  to.upgraded += from.upgraded;
  to.accepted += from.accepted;
}

}  // namespace

std::string_view to_string(RetryReason reason) {
  switch (reason) {
    case RetryReason::connect:
      return "connect";
    case RetryReason::stale:
      return "stale";
    case RetryReason::reset:
      return "reset";
    case RetryReason::drained:
      return "drained";
    case RetryReason::count_:
      break;
  }
  return "";
}

std::string_view to_string(RejectReason reason) {
  switch (reason) {
    case RejectReason::malformed:
      return "malformed";
    case RejectReason::no_route:
      return "no_route";
    case RejectReason::too_slow:
      return "too_slow";
    case RejectReason::body_too_large:
      return "body_too_large";
    case RejectReason::target_too_long:
      return "target_too_long";
    case RejectReason::head_too_large:
      return "head_too_large";
    case RejectReason::none_can_serve:
      return "none_can_serve";
    case RejectReason::too_many_connections:
      return "too_many_connections";
    case RejectReason::count_:
      break;
  }
  return "";
}

RejectReason reject_reason_of(unsigned status) {
  switch (status) {
    case 404:
      return RejectReason::no_route;
    case 408:
      return RejectReason::too_slow;
    case 413:
      return RejectReason::body_too_large;
    case 414:
      return RejectReason::target_too_long;
    case 431:
      return RejectReason::head_too_large;
    default:
      return RejectReason::malformed;
  }
}

std::vector<std::pair<unsigned, std::uint64_t>> CodeCounts::list() const {
  std::vector<std::pair<unsigned, std::uint64_t>> all;
  if (first_.first != no_code) all.push_back(first_);
  all.insert(all.end(), others_.begin(), others_.end());
  return all;
}

void CodeCounts::add_rare(unsigned code, std::uint64_t requests) {
  if (first_.first == no_code) {
    first_ = {code, requests};
    return;
  }
  const auto known = std::find_if(others_.begin(), others_.end(),
                                  [code](const auto& one) { return one.first == code; });
  if (known != others_.end()) {
    known->second += requests;
  } else {
    others_.emplace_back(code, requests);
  }
}

RoutePoolTally& Tally::route_pool(const std::string& route, const std::string& pool) {
  RoutePoolTally& tally = route_pools_[{route, pool}];
  tally.route = route;
  tally.pool = pool;
  return tally;
}

RouteTally& Tally::route(const std::string& route) {
  RouteTally& tally = routes_[route];
  tally.route = route;
  return tally;
}

ListenerTally& Tally::listener(const std::string& listener) {
  ListenerTally& tally = listeners_[listener];
  tally.listener = listener;
  return tally;
}

void Tally::merge(const Tally& other) {
  for (const auto& [key, tally] : other.route_pools_) {
    add(route_pool(tally.route, tally.pool), tally);
  }
  for (const auto& [name, tally] : other.routes_) {
    RouteTally& mine = route(name);
    add<RejectReason>(mine.rejected, tally.rejected);
    for (const auto& [pools, requests] : tally.spills) mine.spills[pools] += requests;
  }
  for (const auto& [name, tally] : other.listeners_) add(listener(name), tally);
}

void Tally::forget_present() {
  for (auto& [key, tally] : route_pools_) tally.in_flight = 0;
  for (auto& [name, tally] : listeners_) tally.active = tally.idle = tally.upgraded = 0;
}

void Tally::write_to(Snapshot& snapshot) const {
  for (const auto& [key, tally] : route_pools_) {
    snapshot.routes.push_back({tally.route, tally.pool, tally.codes.list(), tally.duration,
                               tally.response_head, tally.in_flight,
                               labelled<RetryReason>(tally.retries)});
  }
  for (const auto& [name, tally] : routes_) {
    for (const auto& [reason, requests] : labelled<RejectReason>(tally.rejected)) {
      snapshot.rejected.push_back({name, reason, requests});
    }
    for (const auto& [pools, requests] : tally.spills) {
      snapshot.spills.push_back({name, pools.first, pools.second, requests});
    }
  }
  for (const auto& [name, tally] : listeners_) {
    snapshot.listeners.push_back({name, tally.active, tally.idle, tally.upgraded, tally.accepted});
  }
}

}  // namespace sluice::proxy
