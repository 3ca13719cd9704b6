#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/rollout_sim/policy.hpp"

/// Argo Rollouts' canary with background analysis, from its documentation.
///
/// argo-rollouts.readthedocs.io/en/stable/features/analysis, "Background Analysis": setWeight 20,
/// 40, 60, 80 with a pause of 10m after each; the analysis runs besides the steps, measures at its
/// start and then each `interval`, and has no end of its own; the rollout aborts when it has
/// failed. The measurement: sum(irate(good[5m])) / sum(irate(all[5m])), success when result[0] >=
/// 0.95, so one with another result is a failed one. features/analysis, "Failure Conditions and
/// Failure Limit": failureLimit is the number of failed measurements that is still allowed, 0
/// unless set; the one after it fails the analysis. features/analysis, "NaN and Infinity": NaN,
/// which is 0/0, fulfils no condition that does not name it. A query without a result has no
/// result[0], which is an error, and consecutiveErrorLimit is 4 unless set
/// (features/specification); after an error the next try is 10 s later (analysis/analysis.go).
/// irate() takes the last two samples; they are 15 s apart, as Istio's example of a Prometheus has
/// it. The query is taken to ask for the canary's service only, which is in Argo's favour.
namespace sluice::sim {
namespace {

constexpr std::array<std::uint32_t, 4> set_weights{2000, 4000, 6000, 8000};
constexpr std::int64_t pause_ms = 600'000;
constexpr std::int64_t error_retry_ms = 10'000;
constexpr unsigned consecutive_error_limit = 4;
constexpr std::size_t scrape_ticks = 15'000 / tick_ms;
constexpr double least_success = 0.95;

struct ArgoSettings {
  std::int64_t interval_ms = 60'000;
  unsigned failure_limit = 0;
};

enum class Phase : std::uint8_t { successful, failed, error };

class ArgoPolicy : public Policy {
 public:
  ArgoPolicy(const ArgoSettings& settings, bool is_pinned)
      : settings_(settings), is_pinned_(is_pinned) {}

  Decision tick(const View& view) override {
    if (view.now_ms >= next_measurement_ms_ && !measures_well(view)) {
      return {.weight = 0, .end = End::rolled_back, .reason = "analysis"};
    }
    if (view.now_ms < next_step_ms_) return {};
    if (is_pinned_) {
      next_step_ms_ = INT64_MAX;
      return {.weight = pinned_weight};
    }
    if (step_ == set_weights.size()) return {.weight = everything, .end = End::promoted};
    next_step_ms_ = view.now_ms + pause_ms;
    return {.weight = set_weights[step_++]};
  }

 private:
  static Phase measure(const Monitor& monitor) {
    const std::vector<Counters>& samples = monitor.of_new;
    const std::size_t last = (samples.size() - 1) / scrape_ticks * scrape_ticks;
    if (last < scrape_ticks) return Phase::error;
    const Counters& before = samples[last - scrape_ticks];
    const Counters& after = samples[last];
    // Of the good ones there is a series when there has been one.
    if (before.requests == before.failed) return Phase::error;
    const auto requests = static_cast<double>(after.requests - before.requests);
    const double good = requests - static_cast<double>(after.failed - before.failed);
    const bool is_success = requests > 0 && good >= least_success * requests;
    return is_success ? Phase::successful : Phase::failed;
  }

  /// False when the analysis has failed.
  bool measures_well(const View& view) {
    next_measurement_ms_ = view.now_ms + settings_.interval_ms;
    switch (measure(view.monitor)) {
      case Phase::successful:
        errors_in_a_row_ = 0;
        return true;
      case Phase::failed:
        errors_in_a_row_ = 0;
        return ++failed_ <= settings_.failure_limit;
      case Phase::error:
        next_measurement_ms_ = view.now_ms + error_retry_ms;
        return ++errors_in_a_row_ <= consecutive_error_limit;
    }
    return true;
  }

  ArgoSettings settings_;
  bool is_pinned_;
  std::size_t step_ = 0;
  std::int64_t next_step_ms_ = 0;
  std::int64_t next_measurement_ms_ = 0;
  unsigned failed_ = 0;
  unsigned errors_in_a_row_ = 0;
};

PolicyKind kind_of(const std::string& name, const ArgoSettings& settings) {
  return {name, [settings](const Scenario& scenario) {
            return std::make_unique<ArgoPolicy>(settings, scenario.is_pinned);
          }};
}

}  // namespace

std::vector<PolicyKind> argo_policies() {
  return {kind_of("Argo 60 s/0", {}),
          kind_of("Argo 5 min/3", {.interval_ms = 300'000, .failure_limit = 3})};
}

}  // namespace sluice::sim
