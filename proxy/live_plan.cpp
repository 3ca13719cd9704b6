#include "proxy/live_plan.hpp"

#include <algorithm>
#include <utility>

namespace sluice::proxy {
namespace {

constexpr std::size_t least_looks = 16;
constexpr std::size_t part_of_gone = 64;

}  // namespace

void LiveTopology::refresh(std::string_view pool) {
  const std::size_t index = core::pool_index(*topology, pool);
  if (index < pools.size()) pools[index]->balancer.refresh();
}

LocalPtr<LiveBackend> BackendRegistry::get(const std::string& pool, const std::string& address) {
  const auto found = backends_.find(PlaceView{pool, address});
  if (found != backends_.end()) return found->second;
  return backends_.emplace(Place{pool, address}, make_local<LiveBackend>(pool, address))
      .first->second;
}

LiveBackend* BackendRegistry::find(const std::string& pool, const std::string& address) {
  const auto found = backends_.find(PlaceView{pool, address});
  return found == backends_.end() ? nullptr : found->second.get();
}

bool BackendRegistry::note(const BackendCondition& condition) {
  LiveBackend* backend = find(condition.pool, condition.address);
  if (backend == nullptr) return false;
  const bool changes = backend->up != condition.up || backend->draining != condition.draining;
  backend->up = condition.up;
  backend->addresses = condition.addresses;
  if (condition.draining && !backend->draining) {
    backend->draining = true;
    backend->close_idle();
    backend->close_unsent();
  }
  backend->draining = condition.draining;
  if (!condition.up) backend->close_idle();
  return changes;
}

void BackendRegistry::retire(LiveBackend& backend) {
  if (backend.gone) return;
  backend.gone = true;
  backend.gone_since = Clock::now();
  if (!std::exchange(backend.listed, true)) gone_.push_back(&backend);
  backend.draining = true;
  backend.close_idle();
  backend.close_unsent();
}

void BackendRegistry::forget_gone(TimePoint now, std::chrono::minutes after) {
  const std::size_t wanted = std::max(least_looks, gone_.size() / part_of_gone);
  for (std::size_t looks = std::min(gone_.size(), wanted); looks > 0; --looks) {
    LiveBackend& backend = *gone_.front();
    gone_.pop_front();
    if (!backend.gone) {
      backend.listed = false;
      continue;
    }
    const auto found = backends_.find(PlaceView{backend.pool, backend.address});
    const bool is_unused = backend.is_quiet() && !found->second.is_shared();
    if (is_unused && now - backend.gone_since > after) {
      backends_.erase(found);
    } else {
      gone_.push_back(&backend);
    }
  }
}

}  // namespace sluice::proxy
