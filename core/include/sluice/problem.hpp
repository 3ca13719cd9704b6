#pragma once

#include <string>
#include <vector>

#include "sluice/settings.hpp"

namespace sluice {

/// One thing that is wrong with a configuration.
struct Problem {
  /// The key it is about, as a dotted path of the TOML file with array indices:
  /// "route.shop.split.shop-v3", "pool.shop-v1.backends[1].weight", "listener[0].address".
  std::string where;
  /// One sentence: what was found and what is allowed.
  std::string what;
  bool operator==(const Problem&) const = default;
};

/// Everything that is wrong with `settings`: names that do not exist, addresses that do not parse,
/// two listeners on one address, weights whose sum is zero, duplicate routes, zero intervals, ...
/// Empty when they can be run. Allowed are a pool without backends, which may come at run time, and
/// a force rule whose pool is not in the split: it counts as a share of weight 0. Pure.
std::vector<Problem> validate(const Settings& settings);

}  // namespace sluice
