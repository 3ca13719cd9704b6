#pragma once

#include <map>
#include <memory>
#include <string>
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

struct LivePool {
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
  std::vector<LivePool> pools;
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
};

/// All backends a worker knows, by pool and address. One that is gone is kept until nothing is left
/// on it.
class BackendRegistry {
 public:
  using Key = std::pair<std::string, std::string>;

  LocalPtr<LiveBackend> get(const std::string& pool, const std::string& address);
  /// The backend, or nullptr.
  LiveBackend* find(const std::string& pool, const std::string& address);
  /// Marks all that are not in `topology` as gone.
  void retire_all_but(const LiveTopology& topology);
  /// Forgets those that have been gone for `after` with nothing left on them.
  void forget_gone(TimePoint now, std::chrono::minutes after);
  const std::map<Key, LocalPtr<LiveBackend>>& all() const { return backends_; }

 private:
  std::map<Key, LocalPtr<LiveBackend>> backends_;
};

LocalPtr<LiveTopology> build_live_topology(std::shared_ptr<const core::Topology> topology,
                                           BackendRegistry& backends, Tally& tally);

}  // namespace sluice::proxy
