#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

/// The parts of validate(): each adds what is wrong to `problems`, under the key `where`.
namespace sluice::core {

/// Names of things that a setting may refer to.
using Names = std::unordered_set<std::string_view>;

/// True for a name of a pool or route: 1 to 64 letters, digits, '-' and '_'.
bool is_plain_name(std::string_view text);

/// A name that is_plain_name() refuses.
void check_name(std::string_view name, const std::string& where, std::vector<Problem>& problems);

/// Deadlines below zero; those equal to `inherited`, if given, were reported there.
void check_timeouts(const TimeoutSettings& timeouts, const TimeoutSettings* inherited,
                    const std::string& where, std::vector<Problem>& problems);

/// Addresses that do not parse, name port 0 or stand twice, weights out of range. An empty pool is
/// allowed: its backends may come at run time; until then it cannot serve.
void check_backends(const std::vector<BackendSettings>& backends, const std::string& where,
                    std::vector<Problem>& problems);

/// All of a pool but whether its name is taken.
void check_pool(const PoolSettings& pool, const std::string& where, std::vector<Problem>& problems);

/// Pools that do not exist or stand twice, weights out of range, a sum of zero, no share at all.
void check_split(const std::vector<ShareSettings>& split, const Names& pools,
                 const std::string& where, std::vector<Problem>& problems);

/// A duration below `least` or above a year. False after a problem.
bool check_duration(milliseconds value, milliseconds least, const std::string& where,
                    std::vector<Problem>& problems);

/// The policy of a rollout: what no rollout could follow, or what would end each of them badly.
void check_rollout(const RolloutSettings& rollout, const std::string& where,
                   std::vector<Problem>& problems);

/// The part of check_rollout() about whom a rollout asks and tells: gates, hooks and queries.
void check_rollout_contacts(const RolloutSettings& rollout, const std::string& where,
                            std::vector<Problem>& problems);

/// All of a route but whether its name is taken and whether another one says the same.
void check_route(const RouteSettings& route, const Names& pools, const TimeoutSettings& inherited,
                 std::vector<Problem>& problems);

/// Routes that match exactly the same requests as an earlier one.
void check_distinct_routes(const std::vector<RouteSettings>& routes,
                           std::vector<Problem>& problems);

/// Listeners, admin and server: what is bound, whom to trust.
void check_addresses(const Settings& settings, std::vector<Problem>& problems);

}  // namespace sluice::core
