#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "proxy/live_plan.hpp"

namespace sluice::proxy {

/// A worker takes a plan, in small steps: a large one takes longer than requests can wait, so they
/// are served in between.
///
///     members -> conditions -> pools -> routes -> in force -> late conditions -> retire -> release
///
/// Until the new plan is in force, requests see the one before; from then on they see the new one.
/// Conditions that take a backend out of service wait for that: the new plan may be what makes
/// room for it, as when it moves the traffic off a pool that drains. One change at a time, on the
/// worker's thread.
class PlanChange {
 public:
  /// What of a worker it changes.
  struct Ground {
    BackendRegistry& backends;
    Tally& tally;
    LocalPtr<LivePlan>& in_force;  ///< null before the first plan
  };
  /// Without a plan only the conditions change. The ground and `conditions` outlive it.
  PlanChange(Ground ground, std::shared_ptr<const core::Plan> plan,
             const std::vector<BackendCondition>& conditions);
  PlanChange(const PlanChange&) = delete;
  PlanChange& operator=(const PlanChange&) = delete;

  /// Makes steps until `until`, one at least. True when none is left.
  bool go_on(TimePoint until);

 private:
  /// The members of a pool that is not as it was.
  struct ChangedPool {
    std::size_t index = 0;
    LocalPtr<LivePool> before;  ///< null when it is new
    std::size_t next = 0;       ///< the member of `before` that probably comes next
    std::vector<LocalPtr<LiveBackend>> members;
  };

  // One step of a stage each; false when the stage has none left.
  bool add_member();
  bool apply_condition();
  bool apply_late_condition();
  bool build_pool();
  bool build_route();
  bool put_in_force();
  bool retire_member();
  bool release_pool();

  bool begin_pool(const PoolSettings& settings);
  LocalPtr<LiveBackend> member(ChangedPool& pool, const PoolSettings& settings,
                               const std::string& address);
  bool takes_out(const BackendCondition& condition) const;
  void apply(const BackendCondition& condition);
  bool is_kept(const LocalPtr<LivePool>& pool) const;
  void refresh_balancers();

  Ground ground_;
  std::shared_ptr<const core::Plan> plan_;
  const std::vector<BackendCondition>& conditions_;
  LocalPtr<LiveTopology> before_;  ///< null when there is none, or when it stays in force
  LocalPtr<LiveTopology> next_;    ///< null when the topology stays
  std::uint64_t number_ = 0;       ///< of this change, among those of the registry
  std::size_t stage_ = 0;
  std::size_t at_ = 0;      ///< in what the stage goes through
  std::size_t member_ = 0;  ///< of the pool there
  std::vector<ChangedPool> changed_;
  std::vector<const BackendCondition*> late_;
  std::set<std::string_view> unrefreshed_;  ///< pools with conditions that are others now
};

}  // namespace sluice::proxy
