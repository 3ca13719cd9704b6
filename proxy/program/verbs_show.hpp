#pragma once

#include <string>

#include "proxy/program/verbs.hpp"

/// The verbs that only look. Each gives its exit code.
namespace sluice::proxy::program {

int show_status(const Connection& connection, const Terminal& terminal);
/// Every route, or the one that is named.
int show_routes(const Connection& connection, const std::string& route, const Terminal& terminal);
/// Every pool, or the one that is named.
int show_pools(const Connection& connection, const std::string& pool, const Terminal& terminal);
int show_metrics(const Connection& connection, const Terminal& terminal);
/// exit_refused when the proxy is not ready.
int show_readiness(const Connection& connection, const Terminal& terminal);

struct EventsOrder {
  std::string since;  ///< event id; "": only what is new
  std::string types;  ///< names with commas between; "": all
};
/// Shows events as they happen, until the proxy ends the stream.
int show_events(const Connection& connection, const EventsOrder& order, const Terminal& terminal);

}  // namespace sluice::proxy::program
