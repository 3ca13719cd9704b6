#pragma once

#include <boost/container/small_vector.hpp>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/balance.hpp"
#include "core/plan.hpp"
#include "core/retry.hpp"
#include "proxy/backend_connection.hpp"
#include "proxy/local_ptr.hpp"
#include "proxy/place_map.hpp"
#include "proxy/tally.hpp"

/// The plan as one worker works with it: ids resolved to the worker's own backends and counters.
namespace sluice::proxy {

/// A pool that a new plan leaves as it is stays the same object, with its balancer and budget.
struct alignas(64) LivePool : LocalCounted {
  LivePool(std::string pool, std::vector<LocalPtr<LiveBackend>> backends, core::Balancer chooses)
      : balancer(std::move(chooses)), name(std::move(pool)), members(std::move(backends)) {}

  core::RetryBudget retries;  ///< beside what a choice reads
  core::Balancer balancer;
  std::string name;
  std::vector<LocalPtr<LiveBackend>> members;
};

/// One share of a split.
struct LiveShare {
  RoutePoolTally* tally = nullptr;
  LivePool* pool = nullptr;  ///< of the same topology
};

/// With up to two shares one cache line.
struct alignas(64) LiveRoute {
  RouteTally* tally = nullptr;
  boost::container::small_vector<LiveShare, 2> shares;  ///< as those of the split
};

struct LiveTopology : LocalCounted {
  /// The balancer of a pool looks anew at who is admitted.
  void refresh(std::string_view pool);

  std::shared_ptr<const core::Topology> topology;
  std::vector<LocalPtr<LivePool>> pools;  ///< never null
  std::vector<LiveRoute> routes;
};

/// What a request pins for its whole life.
struct LivePlan : LocalCounted {
  std::shared_ptr<const core::Plan> plan;
  LocalPtr<LiveTopology> topology;
};

/// The condition of one backend, as the control thread posts it.
struct BackendCondition {
  std::string pool;
  std::string address;
  bool up = false;
  bool draining = false;
  std::vector<SocketAddress> addresses;
  bool operator==(const BackendCondition&) const = default;
};

/// All backends a worker knows, by pool and address. One that is gone is kept until nothing is left
/// on it.
class BackendRegistry {
 public:
  /// A number that no change of the plan had before.
  std::uint64_t begin_change() { return ++changes_; }
  LocalPtr<LiveBackend> get(const std::string& pool, const std::string& address);
  /// The backend, or nullptr.
  LiveBackend* find(const std::string& pool, const std::string& address);
  /// Takes note of how a backend is. True when the balancer of its pool has to hear of it.
  bool note(const BackendCondition& condition);
  /// Marks one that no plan has any more as gone.
  void retire(LiveBackend& backend);
  /// Forgets those that have been gone for `after` with nothing left on them. Looks at a few at a
  /// time, so it is to be called often.
  void forget_gone(TimePoint now, std::chrono::minutes after);
  /// Pools in alphabetical order, and so the backends in each.
  const auto& all() const { return backends_; }
  /// Calls `take` with each backend of a pool.
  template <class Take>
  void for_each_of(const std::string& pool, Take take) const {
    for (auto at = backends_.lower_bound(PlaceView{pool, ""});
         at != backends_.end() && at->first.first == pool; ++at) {
      take(*at->second);
    }
  }

 private:
  SortedPlaceMap<LocalPtr<LiveBackend>> backends_;
  std::deque<LiveBackend*> gone_;  ///< some of which may have come back; each once
  std::uint64_t changes_ = 0;
};

}  // namespace sluice::proxy
