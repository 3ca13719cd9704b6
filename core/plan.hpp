#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/address.hpp"
#include "core/router.hpp"
#include "core/split.hpp"
#include "core/split_list.hpp"
#include "sluice/settings.hpp"

/// The whole configuration in force, immutable and indexed: names are dense ids here. A weight
/// change makes a new Plan over the same Topology.
namespace sluice::core {

/// A compiled force rule.
struct ForceRule {
  bool cookie = false;
  std::string name;
  std::string value;
  ShareIndex share = 0;
};

struct RoutePlan {
  // What every request asks comes first, to lie together: with thousands of routes each cache line
  // is waited for.
  TimeoutSettings timeouts;  ///< those of the settings
  bool steers = false;       ///< there are force rules or a sticky unit
  std::uint64_t salt = 0;    ///< of the sticky hash
  std::vector<ForceRule> force;
  RouteSettings settings;
};

/// Everything but the weights. Ids are indices: of pools into `settings.pools`, of backends into
/// the pool's backends, of routes into `routes`.
struct Topology {
  /// Ids by name. The names stand in `settings`.
  using Ids = std::unordered_map<std::string_view, std::size_t>;

  explicit Topology(Settings in_force);
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  Settings settings;
  Ids pool_ids;
  Ids route_ids;
  std::vector<RoutePlan> routes;
  Router router;
  std::vector<Network> trusted_proxies;
};

struct Plan {
  std::uint64_t generation = 0;
  std::shared_ptr<const Topology> topology;
  SplitList splits;  ///< per route; never null
};

/// The plan of valid settings (`validate` has nothing to say of them).
Plan build_plan(std::uint64_t generation, Settings in_force);

/// The split of `route` with `weights`, over the shares of the topology; pools left out get 0.
/// Requires that every pool named is a share of the route.
std::shared_ptr<const Split> build_split(const Topology& topology, std::size_t route,
                                         const std::vector<ShareSettings>& weights,
                                         std::shared_ptr<const Trial> trial = nullptr);

/// The index of the route or pool with this name, or the size of the list. One look-up.
std::size_t route_index(const Topology& topology, std::string_view name);
std::size_t pool_index(const Topology& topology, std::string_view name);

}  // namespace sluice::core
