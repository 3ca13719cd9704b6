#pragma once

#include <string>
#include <vector>

#include "proxy/program/verbs.hpp"

/// The verbs that change something. Each gives its exit code; a malformed argument is thrown as
/// CLI::ParseError before anything is asked.
namespace sluice::proxy::program {

struct SplitOrder {
  std::string route;
  std::vector<std::string> weights;  ///< "pool=weight"; empty: show the split
  std::string if_match;              ///< revision; "": whatever it is
};
int change_split(const Connection& connection, const SplitOrder& order, const Terminal& terminal);

struct DrainArguments {
  std::string pool;
  std::string backend;   ///< "": the whole pool
  std::string deadline;  ///< "30s"; "": none
  bool wait = false;
};
int drain(const Connection& connection, const DrainArguments& drain, const Terminal& terminal);
int undrain(const Connection& connection, const DrainArguments& drain, const Terminal& terminal);

struct BackendsOrder {
  std::string action;                  ///< "add", "remove", "set"; "": show them
  std::vector<std::string> addresses;  ///< "address" or "address@weight"
  DrainArguments drain;                ///< the pool, and how to remove
};
int change_backends(const Connection& connection, const BackendsOrder& order,
                    const Terminal& terminal);

}  // namespace sluice::proxy::program
