#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/rollout_sim/policy.hpp"

/// Flagger's canary release, from its documentation.
///
/// docs.flagger.app/usage/how-it-works: the analysis runs each `interval` (60 s unless set) and
/// rolls back after `threshold` failed checks; the example has stepWeight 5 and maxWeight 50,
/// request-success-rate at least 99 and request-duration (p99) at most 500, both over 1m.
/// docs.flagger.app/usage/deployment-strategies, "Gated canary promotion stages": a failed check
/// halts the advancement and raises the counter of failed checks, which nothing lowers; the counter
/// is looked at before the next check, so that a rollback takes interval * threshold; after
/// maxWeight the canary is promoted. docs.flagger.app/faq, "Metrics": the two queries. A query
/// without a value ("no values found ... probably is not receiving traffic") is a failed check:
/// pkg/controller/scheduler_metrics.go.
namespace sluice::sim {
namespace {

constexpr std::uint32_t step_weight = 500;
constexpr std::uint32_t max_weight = 5000;
constexpr double least_success = 0.99;
constexpr double p99_share = 0.01;

struct FlaggerSettings {
  std::int64_t interval_ms = 60'000;
  unsigned threshold = 1;
  double success_window_s = 60;
  double duration_window_s = 60;
};

class FlaggerPolicy : public Policy {
 public:
  FlaggerPolicy(const FlaggerSettings& settings, bool is_pinned)
      : settings_(settings), is_pinned_(is_pinned) {}

  Decision tick(const View& view) override {
    if (view.now_ms < next_check_ms_) return {};
    next_check_ms_ = view.now_ms + settings_.interval_ms;
    if (failed_checks_ >= settings_.threshold) {
      return {.weight = 0, .end = End::rolled_back, .reason = "failed_checks"};
    }
    if (weight_ > 0 && !is_healthy(view.monitor)) {
      ++failed_checks_;
      return {.holds = true};
    }
    if (weight_ >= max_weight) return {.weight = everything, .end = End::promoted};
    if (is_pinned_ && weight_ == pinned_weight) return {};
    weight_ += step_weight;
    return {.weight = weight_};
  }

 private:
  bool is_healthy(const Monitor& monitor) const {
    const Counters success = Monitor::window(monitor.of_new, settings_.success_window_s);
    const Counters duration = Monitor::window(monitor.of_new, settings_.duration_window_s);
    if (success.requests == 0 || duration.requests == 0) return false;
    const auto requests = static_cast<double>(success.requests);
    const double served = requests - static_cast<double>(success.failed);
    return served >= least_success * requests &&
           static_cast<double>(duration.over_500ms) <=
               p99_share * static_cast<double>(duration.requests);
  }

  FlaggerSettings settings_;
  bool is_pinned_;
  std::uint32_t weight_ = 0;
  unsigned failed_checks_ = 0;
  std::int64_t next_check_ms_ = 0;
};

PolicyKind kind_of(const std::string& name, const FlaggerSettings& settings) {
  return {name, [settings](const Scenario& scenario) {
            return std::make_unique<FlaggerPolicy>(settings, scenario.is_pinned);
          }};
}

}  // namespace

std::vector<PolicyKind> flagger_policies() {
  // The second one: docs.flagger.app/tutorials, with threshold 5.
  return {
      kind_of("Flagger 60 s/1", {}),
      kind_of("Flagger 10 s/5", {.interval_ms = 10'000, .threshold = 5, .duration_window_s = 30})};
}

}  // namespace sluice::sim
