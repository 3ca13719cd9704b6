#include "proxy/live_plan.hpp"

#include <unordered_set>
#include <utility>

namespace sluice::proxy {
namespace {

/// Finds the backends of a pool that mostly has those it had, in the same order.
class Members {
 public:
  Members(const std::string& pool, BackendRegistry& backends, const LivePool* before)
      : pool_(pool), backends_(backends), before_(before) {}

  LocalPtr<LiveBackend> get(const std::string& address) {
    // The next one, or the one behind when that was removed.
    const std::size_t size = before_ == nullptr ? 0 : before_->members.size();
    for (std::size_t at = next_; at < size && at < next_ + 2; ++at) {
      if (before_->members[at]->address != address) continue;
      next_ = at + 1;
      return before_->members[at];
    }
    return backends_.get(pool_, address);
  }

 private:
  const std::string& pool_;
  BackendRegistry& backends_;
  const LivePool* before_;
  std::size_t next_ = 0;
};

LocalPtr<LivePool> build_pool(const PoolSettings& settings, BackendRegistry& backends,
                              const LivePool* before) {
  std::vector<LocalPtr<LiveBackend>> members;
  std::vector<core::Balancer::Member> weighted;
  members.reserve(settings.backends.size());
  weighted.reserve(settings.backends.size());
  Members known(settings.name, backends, before);
  for (const BackendSettings& backend : settings.backends) {
    LocalPtr<LiveBackend> live = known.get(backend.address);
    live->idle_timeout = settings.idle_timeout;
    live->gone = false;
    weighted.push_back({live.get(), backend.weight});
    members.push_back(std::move(live));
  }
  return make_local<LivePool>(settings.name, std::move(members),
                              core::Balancer(settings.balance, std::move(weighted)));
}

/// The pool of `before` with this name, or nullptr; sets `is_same` when it has the same settings.
LocalPtr<LivePool> pool_before(const PoolSettings& settings, const LiveTopology* before,
                               bool& is_same) {
  is_same = false;
  if (before == nullptr) return {};
  const std::size_t index = core::pool_index(*before->topology, settings.name);
  if (index == before->pools.size()) return {};
  is_same = before->topology->settings.pools[index] == settings;
  return before->pools[index];
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
  const auto found = backends_.find(Name{pool, address});
  if (found != backends_.end()) return found->second;
  return backends_.emplace(Key{pool, address}, make_local<LiveBackend>(pool, address))
      .first->second;
}

LiveBackend* BackendRegistry::find(const std::string& pool, const std::string& address) {
  const auto found = backends_.find(Name{pool, address});
  return found == backends_.end() ? nullptr : found->second.get();
}

void BackendRegistry::retire(const LiveTopology& before, const LiveTopology& now) {
  for (const LocalPtr<LivePool>& old : before.pools) {
    const std::size_t index = core::pool_index(*now.topology, old->name);
    const LivePool* fresh = index < now.pools.size() ? now.pools[index].get() : nullptr;
    if (fresh == old.get()) continue;
    std::unordered_set<const LiveBackend*> kept;
    if (fresh != nullptr) {
      for (const LocalPtr<LiveBackend>& member : fresh->members) kept.insert(member.get());
    }
    for (const LocalPtr<LiveBackend>& member : old->members) {
      if (!kept.contains(member.get())) retire(*member);
    }
  }
}

void BackendRegistry::retire(LiveBackend& backend) {
  if (backend.gone) return;
  backend.gone = true;
  backend.gone_since = Clock::now();
  backend.draining = true;
  backend.close_idle();
  backend.close_unsent();
}

void BackendRegistry::forget_gone(TimePoint now, std::chrono::minutes after) {
  std::erase_if(backends_, [&](const auto& entry) {
    const LocalPtr<LiveBackend>& backend = entry.second;
    return backend->gone && backend->is_quiet() && !backend.is_shared() &&
           now - backend->gone_since > after;
  });
}

LocalPtr<LiveTopology> build_live_topology(std::shared_ptr<const core::Topology> topology,
                                           BackendRegistry& backends, Tally& tally,
                                           const LiveTopology* before) {
  auto live = make_local<LiveTopology>();
  live->pools.reserve(topology->settings.pools.size());
  live->routes.reserve(topology->routes.size());
  for (const PoolSettings& pool : topology->settings.pools) {
    bool is_same = false;
    LocalPtr<LivePool> old = pool_before(pool, before, is_same);
    live->pools.push_back(is_same ? std::move(old) : build_pool(pool, backends, old.get()));
  }
  for (const core::RoutePlan& route : topology->routes) {
    live->routes.push_back(build_route(route, tally));
  }
  live->topology = std::move(topology);
  return live;
}

}  // namespace sluice::proxy
