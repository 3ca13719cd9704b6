#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/balance.hpp"
#include "core/plan.hpp"
#include "core/retry.hpp"
#include "proxy/backend_connection.hpp"
#include "proxy/local_ptr.hpp"
#include "proxy/tally.hpp"

/// The plan as one worker works with it: ids resolved to the worker's own backends and counters.
namespace sluice::proxy {

/// A pool that a new plan leaves as it is stays the same object, with its balancer and budget.
struct LivePool : LocalCounted {
  LivePool(std::string pool, std::vector<LocalPtr<LiveBackend>> backends, core::Balancer chooses)
      : name(std::move(pool)), members(std::move(backends)), balancer(std::move(chooses)) {}

  std::string name;
  std::vector<LocalPtr<LiveBackend>> members;
  core::Balancer balancer;
  core::RetryBudget retries;
};

struct LiveRoute {
  RouteTally* tally = nullptr;
  std::vector<RoutePoolTally*> shares;  ///< per share of the split
  RoutePoolTally* unserved = nullptr;   ///< requests that reached no pool
};

struct LiveTopology : LocalCounted {
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
  using Key = std::pair<std::string, std::string>;

  LocalPtr<LiveBackend> get(const std::string& pool, const std::string& address);
  /// The backend, or nullptr.
  LiveBackend* find(const std::string& pool, const std::string& address);
  /// Marks those of `before`, the topology in force until now, that `now` leaves out as gone.
  void retire(const LiveTopology& before, const LiveTopology& now);
  /// Forgets those that have been gone for `after` with nothing left on them.
  void forget_gone(TimePoint now, std::chrono::minutes after);
  /// Pools in alphabetical order, and so the backends in each.
  const auto& all() const { return backends_; }
  /// Calls `take` with each backend of a pool.
  template <class Take>
  void for_each_of(const std::string& pool, Take take) const {
    for (auto at = backends_.lower_bound(Name{pool, ""});
         at != backends_.end() && at->first.first == pool; ++at) {
      take(*at->second);
    }
  }

 private:
  using Name = std::pair<std::string_view, std::string_view>;
  /// Finds without making strings.
  struct Before {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
    static Name name(const Key& key) { return {key.first, key.second}; }
    static Name name(const Name& name) { return name; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return name(a) < name(b);
    }
  };
  static void retire(LiveBackend& backend);

  std::map<Key, LocalPtr<LiveBackend>, Before> backends_;
};

/// `before`: the topology in force, when there is one: what stays the same is taken over from it.
LocalPtr<LiveTopology> build_live_topology(std::shared_ptr<const core::Topology> topology,
                                           BackendRegistry& backends, Tally& tally,
                                           const LiveTopology* before = nullptr);

}  // namespace sluice::proxy
