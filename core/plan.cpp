#include "core/plan.hpp"

#include <algorithm>
#include <utility>

namespace sluice::core {
namespace {

template <class Named>
Topology::Ids ids_of(const std::vector<Named>& all) {
  Topology::Ids ids;
  ids.reserve(all.size());
  for (std::size_t id = 0; id < all.size(); ++id) ids.emplace(all[id].name, id);
  return ids;
}

std::size_t place_of(const Topology::Ids& ids, std::string_view name) {
  const auto found = ids.find(name);
  return found == ids.end() ? ids.size() : found->second;
}

/// A force rule may name a pool that the split leaves out: it becomes a share of weight 0.
void add_forced_pools(RouteSettings& route) {
  for (const ForceSettings& rule : route.force) {
    const bool is_share =
        std::any_of(route.split.begin(), route.split.end(),
                    [&](const ShareSettings& share) { return share.pool == rule.pool; });
    if (!is_share) route.split.push_back({rule.pool, 0});
  }
}

ShareIndex share_of(const RouteSettings& route, const std::string& pool) {
  const auto found = std::find_if(route.split.begin(), route.split.end(),
                                  [&](const ShareSettings& share) { return share.pool == pool; });
  return static_cast<ShareIndex>(found - route.split.begin());
}

std::vector<RoutePlan> build_routes(Settings& settings) {
  std::vector<RoutePlan> routes;
  routes.reserve(settings.routes.size());
  for (RouteSettings& route : settings.routes) {
    add_forced_pools(route);
    RoutePlan& plan = routes.emplace_back();
    plan.timeouts = route.timeouts;
    plan.steers = !route.force.empty() || route.sticky.kind != StickyKind::none;
    plan.salt = sticky_hash(0, route.name);
    for (const ForceSettings& rule : route.force) {
      plan.force.push_back({rule.cookie, rule.name, rule.value, share_of(route, rule.pool)});
    }
    plan.settings = route;
  }
  return routes;
}

std::vector<Network> parse_networks(const std::vector<std::string>& texts) {
  std::vector<Network> networks;
  for (const std::string& text : texts) {
    if (auto network = parse_network(text)) networks.push_back(*network);
  }
  return networks;
}

}  // namespace

Topology::Topology(Settings in_force)
    : settings(std::move(in_force)),
      pool_ids(ids_of(settings.pools)),
      route_ids(ids_of(settings.routes)),
      routes(build_routes(settings)),
      router(settings.routes),
      trusted_proxies(parse_networks(settings.server.trusted_proxies)) {}

Plan build_plan(std::uint64_t generation, Settings in_force) {
  Plan plan;
  plan.generation = generation;
  plan.topology = std::make_shared<const Topology>(std::move(in_force));
  for (std::size_t route = 0; route < plan.topology->routes.size(); ++route) {
    plan.splits.push_back(
        build_split(*plan.topology, route, plan.topology->routes[route].settings.split));
  }
  return plan;
}

std::shared_ptr<const Split> build_split(const Topology& topology, std::size_t route,
                                         const std::vector<ShareSettings>& weights,
                                         std::shared_ptr<const Trial> trial) {
  std::vector<Share> shares;
  for (const ShareSettings& share : topology.routes[route].settings.split) {
    const auto found =
        std::find_if(weights.begin(), weights.end(),
                     [&](const ShareSettings& weight) { return weight.pool == share.pool; });
    shares.push_back({static_cast<std::uint32_t>(pool_index(topology, share.pool)),
                      found == weights.end() ? 0 : found->weight});
  }
  return std::make_shared<const Split>(std::move(shares), std::move(trial));
}

std::size_t route_index(const Topology& topology, std::string_view name) {
  return place_of(topology.route_ids, name);
}

std::size_t pool_index(const Topology& topology, std::string_view name) {
  return place_of(topology.pool_ids, name);
}

}  // namespace sluice::core
