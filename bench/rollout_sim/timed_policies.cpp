#include <array>
#include <cmath>
#include <cstdint>
#include <memory>

#include "bench/rollout_sim/policy.hpp"

/// Policies on the steps of ours, at the earliest possible moments: a test that is looked at too
/// often, and one that knows the truth.
namespace sluice::sim {
namespace {

constexpr std::array<std::uint32_t, 5> steps{100, 500, 2500, 5000, 9500};
constexpr std::int64_t step_ms = 30'000;
constexpr std::int64_t bake_ms = 300'000;

class Steps {
 public:
  explicit Steps(bool is_pinned) : is_pinned_(is_pinned) {}

  Decision at(std::int64_t now_ms) {
    if (now_ms < next_ms_) return {};
    if (is_pinned_) {
      next_ms_ = INT64_MAX;
      return {.weight = pinned_weight};
    }
    if (step_ == steps.size()) return {.weight = everything, .end = End::promoted};
    next_ms_ = now_ms + (step_ + 1 == steps.size() ? bake_ms : step_ms);
    return {.weight = steps[step_++]};
  }

 private:
  bool is_pinned_;
  std::size_t step_ = 0;
  std::int64_t next_ms_ = 0;
};

/// The z-test of two proportions, one-sided at 0.001, on all errors so far, each second.
class ZTestPolicy : public Policy {
 public:
  explicit ZTestPolicy(bool is_pinned) : steps_(is_pinned) {}

  Decision tick(const View& view) override {
    if (view.now_ms % 1000 == 0 && is_worse(view.monitor)) {
      return {.weight = 0, .end = End::rolled_back, .reason = "z_test"};
    }
    return steps_.at(view.now_ms);
  }

 private:
  static bool is_worse(const Monitor& monitor) {
    constexpr double z_of_alpha = 3.090232306167813;
    const Counters& of_old = monitor.of_old.back();
    const Counters& of_new = monitor.of_new.back();
    if (of_old.requests == 0 || of_new.requests == 0) return false;
    const auto old_count = static_cast<double>(of_old.requests);
    const auto new_count = static_cast<double>(of_new.requests);
    const auto old_failed = static_cast<double>(of_old.failed);
    const auto new_failed = static_cast<double>(of_new.failed);
    const double rate = (old_failed + new_failed) / (old_count + new_count);
    const double deviation = std::sqrt(rate * (1 - rate) * (1 / old_count + 1 / new_count));
    return deviation > 0 &&
           new_failed / new_count - old_failed / old_count > z_of_alpha * deviation;
  }

  Steps steps_;
};

/// Rolls back as soon as a single request has gone wrong that OLD would have served, when NEW is
/// worse.
class OraclePolicy : public Policy {
 public:
  explicit OraclePolicy(const Scenario& scenario)
      : steps_(scenario.is_pinned), is_worse_(scenario.truth == Truth::worse) {}

  Decision tick(const View& view) override {
    if (is_worse_ && view.known.new_did_harm) {
      return {.weight = 0, .end = End::rolled_back, .reason = "truth"};
    }
    return steps_.at(view.now_ms);
  }

 private:
  Steps steps_;
  bool is_worse_;
};

}  // namespace

PolicyKind z_test_policy() {
  return {"z-test each second", [](const Scenario& scenario) {
            return std::make_unique<ZTestPolicy>(scenario.is_pinned);
          }};
}

PolicyKind oracle_policy() {
  return {"oracle",
          [](const Scenario& scenario) { return std::make_unique<OraclePolicy>(scenario); }};
}

}  // namespace sluice::sim
