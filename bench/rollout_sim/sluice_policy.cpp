#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "bench/rollout_sim/policy.hpp"
#include "core/rollout.hpp"

/// Ours: the state machine that the proxy runs, as it is.
namespace sluice::sim {
namespace {

core::RolloutRecord record_of(const Scenario& scenario) {
  core::RolloutRecord record;
  record.route = "shop";
  record.id = "build";
  record.from = "v1";
  record.to = "v2";
  record.started_by = "simulator";
  record.policy = scenario.policy;
  record.by_units = scenario.units > 0;
  return record;
}

class SluicePolicy : public Policy {
 public:
  explicit SluicePolicy(const Scenario& scenario)
      : rollout_(record_of(scenario)), old_up_(scenario.old_is_up ? backends : 0) {
    rollout_.begin(0);
  }

  Decision tick(const View& view) override {
    core::RolloutSurroundings around;
    around.now_ms = view.now_ms;
    around.new_up = view.new_up;
    around.new_size = backends;
    around.old_up = old_up_;
    around.old_overdue = static_cast<std::uint64_t>(view.old_overdue);
    around.old_p99_ms = view.old_p99_ms;
    std::vector<core::Observation> observations = std::exchange(view.known.observations, {});
    for (core::Observation& seen : observations) seen.period = period_;
    rollout_.observe(std::move(observations), {}, around);
    Decision decision;
    for (const core::RolloutStep& step : rollout_.tick(around)) obey(step, decision);
    decision.holds = is_suspicious();
    period_ = rollout_.record().ledger.period();
    return decision;
  }

  void weight_in_force(std::uint32_t weight, std::int64_t now_ms) override {
    rollout_.weight_in_force(weight, now_ms);
  }

  std::uint32_t period() const override { return period_; }

 private:
  /// Holds because of a stream, not for want of requests.
  bool is_suspicious() const {
    if (rollout_.record().state != RolloutState::holding) return false;
    for (std::size_t index = 0; index < stream_count; ++index) {
      if (rollout_.record().reason == to_string(static_cast<Stream>(index))) return true;
    }
    return false;
  }

  void obey(const core::RolloutStep& step, Decision& decision) const {
    if (step.kind == core::RolloutOrderKind::eject) {
      // "n2" is backend 2.
      decision.eject = static_cast<std::uint8_t>(step.backend.at(1) - '0');
    }
    if (step.kind != core::RolloutOrderKind::weight) return;
    decision.weight = step.weight;
    decision.reason = rollout_.record().reason;
    if (step.weight == everything) decision.end = End::promoted;
    if (rollout_.record().state == RolloutState::rolling_back) decision.end = End::rolled_back;
  }

  core::Rollout rollout_;
  std::size_t old_up_;
  std::uint32_t period_ = 0;  ///< of the outcomes of this tick
};

}  // namespace

PolicyKind sluice_policy() {
  return {"sluice",
          [](const Scenario& scenario) { return std::make_unique<SluicePolicy>(scenario); }, true};
}

}  // namespace sluice::sim
