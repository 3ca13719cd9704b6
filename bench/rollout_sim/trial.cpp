#include "bench/rollout_sim/trial.hpp"

#include <cmath>
#include <memory>
#include <optional>

#include "bench/rollout_sim/arrivals.hpp"
#include "bench/rollout_sim/random.hpp"
#include "core/latency.hpp"
#include "sluice/rollout_settings.hpp"

namespace sluice::sim {
namespace {

/// What OLD has served before the rollout.
constexpr int requests_before = 20'000;

/// OLD's quantiles, as the proxy keeps them.
class OldLatency {
 public:
  /// OLD as it is at time 0.
  void begin(const Arrivals& arrivals, Random& random) {
    for (int i = 0; i < requests_before; ++i) {
      Request request;
      request.luck = {random.uniform(), random.uniform(), random.uniform()};
      arrivals.decide({&request, 1});
      if (is_success(request.old_fate)) so_far_.observe(request.old_fate.us * std::uint64_t{1000});
    }
    gauge_.follow(so_far_, 0);
  }
  /// True when the limits are to be asked for again: they hardly move in a second.
  bool follow(const Known& known, std::int64_t now_ms) {
    constexpr std::int64_t interval_ms = 1000;
    for (const std::uint32_t us : known.old_latencies_us) {
      so_far_.observe(us * std::uint64_t{1000});
    }
    if (now_ms % interval_ms != 0) return false;
    gauge_.follow(so_far_, interval_ms);
    return true;
  }
  Limits limits(const RolloutLatencySettings& settings) const {
    constexpr std::array<double, 3> parts{0.5, 0.9, 0.99};
    Limits limits{.are_known = true};
    for (std::size_t index = 0; index < parts.size(); ++index) {
      const auto limit_ns = gauge_.quantile(parts[index]);
      if (!limit_ns) return {};
      const auto us = static_cast<double>(*limit_ns) / 1000;
      limits.old_us[index] = static_cast<std::uint32_t>(us);
      limits.new_us[index] = static_cast<std::uint32_t>(
          us * (1 + settings.tolerance) + static_cast<double>(settings.slack.count()) * 1000);
    }
    return limits;
  }

 private:
  core::LatencyHistogram so_far_;
  core::LatencyGauge gauge_;
};

class Trial {
 public:
  Trial(const Scenario& scenario, const PolicyKind& kind, std::uint64_t seed)
      : scenario_(scenario),
        judges_latency_(kind.judges_latency),
        arrivals_(scenario, seed),
        traffic_(scenario, kind.judges_latency),
        policy_(kind.make(scenario)) {
    if (!judges_latency_ || scenario.rate <= 0) return;
    Random random(core::mixed(seed));
    latency_.begin(arrivals_, random);
    limits_ = latency_.limits(scenario.policy.latency);
  }

  TrialResult run() {
    const auto ticks = static_cast<std::int64_t>(scenario_.horizon_s * 1e6 / tick_us);
    for (std::int64_t tick = 0; tick <= ticks; ++tick) {
      const std::int64_t now_ms = tick * tick_ms;
      begin_tick(now_ms);
      if (result_.end != End::none) break;
      if (decide(now_ms)) {
        result_.end_s = static_cast<double>(now_ms) / 1000;
        result_.delay_s = result_.end_s - arrivals_.onset_s();
        result_.harm_by_then = traffic_.harm();
      }
      traffic_.give(arrivals_, arrivals_.next_tick(), limits_);
      known_ = &traffic_.take();
    }
    result_.harm = traffic_.harm();
    if (result_.end == End::none) result_.harm_by_then = result_.harm;
    return result_;
  }

 private:
  void begin_tick(std::int64_t now_ms) {
    if (!ordered_) return;
    traffic_.set_weight(*ordered_ / static_cast<double>(everything));
    policy_->weight_in_force(*ordered_, now_ms);
    ordered_.reset();
  }

  /// True when the rollout is decided; the decision is in force a tick later.
  bool decide(std::int64_t now_ms) {
    monitor_.follow(*known_);
    overdue_ += known_->overdue;
    if (judges_latency_ && latency_.follow(*known_, now_ms)) {
      limits_ = latency_.limits(scenario_.policy.latency);
    }
    View view{.now_ms = now_ms, .known = *known_, .monitor = monitor_};
    view.old_overdue = overdue_;
    if (limits_.are_known) view.old_p99_ms = limits_.old_us.back() / 1000;
    view.new_up = traffic_.new_up();
    const Decision decision = policy_->tick(view);
    ordered_ = decision.weight;
    result_.has_held = result_.has_held || decision.holds;
    if (decision.eject) {
      result_.has_ejected = true;
      traffic_.eject(*decision.eject);
    }
    traffic_.begin_period(policy_->period());
    result_.end = decision.end;
    result_.reason = decision.reason;
    return result_.end != End::none;
  }

  const Scenario& scenario_;
  bool judges_latency_;
  Arrivals arrivals_;
  Traffic traffic_;
  std::unique_ptr<Policy> policy_;
  OldLatency latency_;
  Limits limits_;
  Known nothing_;
  Known* known_ = &nothing_;
  Monitor monitor_;
  std::int64_t overdue_ = 0;
  std::optional<std::uint32_t> ordered_;
  TrialResult result_;
};

}  // namespace

TrialResult run_trial(const Scenario& scenario, const PolicyKind& kind, std::uint64_t seed) {
  return Trial(scenario, kind, seed).run();
}

}  // namespace sluice::sim
