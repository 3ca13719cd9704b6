#include "proxy/live_plan.hpp"

#include <set>
#include <utility>

namespace sluice::proxy {
namespace {

LivePool build_pool(const PoolSettings& settings, BackendRegistry& backends) {
  std::vector<LocalPtr<LiveBackend>> members;
  std::vector<core::Balancer::Member> weighted;
  for (const BackendSettings& backend : settings.backends) {
    LocalPtr<LiveBackend> live = backends.get(settings.name, backend.address);
    live->idle_timeout = settings.idle_timeout;
    live->gone = false;
    weighted.push_back({live.get(), backend.weight});
    members.push_back(std::move(live));
  }
  return {
      settings.name, std::move(members), core::Balancer(settings.balance, std::move(weighted)), {}};
}

LiveRoute build_route(const core::RoutePlan& route, Tally& tally) {
  LiveRoute live;
  const std::string& name = route.settings.name;
  live.tally = &tally.route(name);
  live.unserved = &tally.route_pool(name, "");
  for (const ShareSettings& share : route.settings.split) {
    live.shares.push_back(&tally.route_pool(name, share.pool));
  }
  return live;
}

}  // namespace

LocalPtr<LiveBackend> BackendRegistry::get(const std::string& pool, const std::string& address) {
  LocalPtr<LiveBackend>& slot = backends_[{pool, address}];
  if (!slot) slot = make_local<LiveBackend>(pool, address);
  return slot;
}

LiveBackend* BackendRegistry::find(const std::string& pool, const std::string& address) {
  const auto found = backends_.find({pool, address});
  return found == backends_.end() ? nullptr : found->second.get();
}

void BackendRegistry::retire_all_but(const LiveTopology& topology) {
  std::set<const LiveBackend*> kept;
  for (const LivePool& pool : topology.pools) {
    for (const LocalPtr<LiveBackend>& member : pool.members) kept.insert(member.get());
  }
  for (auto& [key, backend] : backends_) {
    if (kept.contains(backend.get()) || backend->gone) continue;
    backend->gone = true;
    backend->gone_since = Clock::now();
    backend->draining = true;
    backend->close_idle();
    backend->close_unsent();
  }
}

void BackendRegistry::forget_gone(TimePoint now, std::chrono::minutes after) {
  std::erase_if(backends_, [&](const auto& entry) {
    const LocalPtr<LiveBackend>& backend = entry.second;
    return backend->gone && backend->is_quiet() && !backend.is_shared() &&
           now - backend->gone_since > after;
  });
}

LocalPtr<LiveTopology> build_live_topology(std::shared_ptr<const core::Topology> topology,
                                           BackendRegistry& backends, Tally& tally) {
  auto live = make_local<LiveTopology>();
  for (const PoolSettings& pool : topology->settings.pools) {
    live->pools.push_back(build_pool(pool, backends));
  }
  for (const core::RoutePlan& route : topology->routes) {
    live->routes.push_back(build_route(route, tally));
  }
  live->topology = std::move(topology);
  return live;
}

}  // namespace sluice::proxy
