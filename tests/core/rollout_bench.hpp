#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/rollout.hpp"

namespace sluice::core {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// What comes to the route in one tick, spread evenly: a rate of 0.1 is every tenth request.
struct RolloutLoad {
  double requests = 100;  ///< of both versions
  double old_bad = 0;     ///< share that fails
  double new_bad = 0;
  double old_slow = 0;  ///< share beyond OLD's p99
  double new_slow = 0;
  std::string bad_backend = {};  ///< where all failures of NEW are; "": on all in turn
};

/// A short policy: 5, 25, 50 and 95 %, ten seconds and a hundred requests each.
inline RolloutSettings short_policy() {
  RolloutSettings policy;
  policy.steps = {500, 2500, 5000, 9500};
  policy.step_time = seconds(10);
  policy.step_timeout = minutes(1);
  policy.min_requests = 100;
  policy.bake = seconds(20);
  policy.retain_old = seconds(30);
  policy.deadline = minutes(30);
  return policy;
}

inline RolloutRecord short_record(RolloutSettings policy = short_policy()) {
  RolloutRecord record;
  record.route = "shop";
  record.id = "build-42";
  record.from = "shop-v1";
  record.to = "shop-v2";
  record.started_by = "alice";
  record.salt = 7;
  record.policy = std::move(policy);
  return record;
}

/// A rollout with a clock, surroundings and traffic. Five backends on either side, ticks of 100 ms,
/// 1000 requests a second without an error, unless a test says otherwise.
class RolloutBench {
 public:
  static constexpr std::int64_t tick_ms = 100;
  static constexpr std::array<const char*, 5> backends{"n1", "n2", "n3", "n4", "n5"};

  explicit RolloutBench(RolloutSettings policy = short_policy())
      : RolloutBench(short_record(std::move(policy))) {
    obey(rollout.begin(around.now_ms));
  }
  /// Goes on where the record stands.
  explicit RolloutBench(RolloutRecord record) : rollout(std::move(record)) {
    around.now_ms = 1'000'000;
    around.new_up = around.new_size = around.old_up = backends.size();
    around.old_p99_ms = 100;
  }

  Rollout rollout;
  RolloutSurroundings around;
  RolloutLoad load;
  RolloutExtras extras;         ///< of each tick
  bool answers_weights = true;  ///< orders are in force at once
  std::optional<bool> hook_agrees = {};
  std::vector<std::uint32_t> weights = {};  ///< all that were ordered
  std::vector<std::string> told = {};
  std::vector<RolloutDecision> decisions = {};
  std::vector<std::string> ejected = {};
  unsigned gate_asks = 0;
  unsigned drains = 0;
  unsigned undrains = 0;

  RolloutState state() const { return rollout.record().state; }
  const std::string& reason() const { return rollout.record().reason; }
  std::uint32_t weight() const { return rollout.record().weight; }
  std::size_t step() const { return rollout.record().step; }

  /// One tick with its traffic.
  void tick() {
    around.now_ms += tick_ms;
    rollout.observe({next_counts()}, extras, around);
    obey(rollout.tick(around));
  }
  void run(milliseconds time) {
    for (std::int64_t passed = 0; passed < time.count(); passed += tick_ms) tick();
  }
  /// Stops at the first tick after which `is_over()`; false when there is none within `limit`.
  template <class Condition>
  bool run_until(Condition is_over, milliseconds limit = minutes(10)) {
    for (std::int64_t passed = 0; passed < limit.count() && !is_over(); passed += tick_ms) tick();
    return is_over();
  }
  bool reaches(RolloutState wanted, milliseconds limit = minutes(10)) {
    return run_until([&] { return state() == wanted; }, limit);
  }
  bool reaches_weight(std::uint32_t wanted, milliseconds limit = minutes(10)) {
    return run_until([&] { return weight() == wanted; }, limit);
  }
  bool holds_for(const std::string& why, milliseconds limit = minutes(2)) {
    return run_until([&] { return state() == RolloutState::holding && reason() == why; }, limit);
  }

  /// Counts by hand, under the weight in force.
  void count(std::uint64_t old_requests, std::uint64_t old_bad, std::uint64_t new_requests,
             std::uint64_t new_bad) {
    Observation seen;
    seen.weight = static_cast<double>(weight()) / 10'000;
    fill(seen.old_pool, old_requests, old_bad);
    fill(seen.new_pool, new_requests, new_bad);
    spread(seen, new_bad);
    rollout.observe({seen}, {}, around);
  }
  /// One failure of NEW after the other, with a success beside it, until E is there.
  void raise_evidence(double to) {
    for (int i = 0; i < 500 && rollout.evidence() < to; ++i) {
      count(3, 0, 2, 1);
      quiet_tick();
    }
    ASSERT_GE(rollout.evidence(), to);
    ASSERT_LT(rollout.evidence(), 1000);
  }
  /// A tick without traffic.
  RolloutSteps quiet_tick() {
    around.now_ms += tick_ms;
    RolloutSteps steps = rollout.tick(around);
    obey(steps);
    return steps;
  }

  /// An operator's word; "" or why not.
  std::string say(RolloutVerb verb) {
    auto steps = rollout.steer(verb, "bob", around);
    if (!steps) return steps.error();
    obey(*steps);
    return "";
  }
  void put_in_force(std::uint32_t weight) { obey(rollout.weight_in_force(weight, around.now_ms)); }

  std::size_t count_of(const std::string& decision) const {
    return static_cast<std::size_t>(
        std::count_if(decisions.begin(), decisions.end(),
                      [&](const RolloutDecision& one) { return one.decision == decision; }));
  }
  /// Why the last of these was decided; "" when none was.
  std::string why_of(const std::string& decision) const {
    const auto last =
        std::find_if(decisions.rbegin(), decisions.rend(),
                     [&](const RolloutDecision& one) { return one.decision == decision; });
    return last == decisions.rend() ? "" : last->reason;
  }

 private:
  /// Whole numbers that add up to the exact sum.
  static std::uint64_t whole(double& carry, double more) {
    carry += more;
    const double part = std::floor(carry + 1e-9);
    carry -= part;
    return static_cast<std::uint64_t>(part);
  }

  static void fill(VersionCounts& counts, std::uint64_t requests, std::uint64_t bad) {
    counts.requests.fill(requests - bad);
    counts.requests[index_of(Stream::errors)] = requests;
    counts.requests[index_of(Stream::client_errors)] = requests;
    counts.bad[index_of(Stream::errors)] = bad;
  }

  void spread(Observation& seen, std::uint64_t bad) {
    for (std::uint64_t i = 0; i < bad; ++i) {
      const std::string turn = backends[next_backend_++ % backends.size()];
      const std::string& backend = load.bad_backend.empty() ? turn : load.bad_backend;
      BackendBad one{backend, {}};
      one.bad[index_of(Stream::errors)] = 1;
      add_backends(seen.by_backend, {one});
    }
  }

  Observation next_counts() {
    Observation seen;
    seen.weight = static_cast<double>(weight()) / 10'000;
    const auto all = whole(all_, load.requests);
    const auto of_new = whole(new_, static_cast<double>(all) * seen.weight);
    const auto of_old = all - of_new;
    const auto old_bad = whole(old_bad_, static_cast<double>(of_old) * load.old_bad);
    const auto new_bad = whole(new_bad_, static_cast<double>(of_new) * load.new_bad);
    fill(seen.old_pool, of_old, old_bad);
    fill(seen.new_pool, of_new, new_bad);
    spread(seen, new_bad);
    const std::size_t p99 = index_of(Stream::p99);
    seen.old_pool.bad[p99] = whole(old_slow_, static_cast<double>(of_old) * load.old_slow);
    seen.new_pool.bad[p99] = whole(new_slow_, static_cast<double>(of_new) * load.new_slow);
    for (std::uint64_t i = 0; i < seen.new_pool.bad[p99]; ++i) {
      BackendBad one{backends[next_backend_++ % backends.size()], {}};
      one.bad[p99] = 1;
      add_backends(seen.by_backend, {one});
    }
    return seen;
  }

  void obey(const RolloutSteps& steps) {
    for (RolloutDecision& one : rollout.take_decisions()) decisions.push_back(std::move(one));
    for (const RolloutStep& step : steps) obey(step);
    for (RolloutDecision& one : rollout.take_decisions()) decisions.push_back(std::move(one));
  }

  void obey(const RolloutStep& step) {
    switch (step.kind) {
      case RolloutOrderKind::weight:
        weights.push_back(step.weight);
        if (answers_weights) put_in_force(step.weight);
        break;
      case RolloutOrderKind::tell:
        told.push_back(step.event);
        break;
      case RolloutOrderKind::ask_gate:
        ++gate_asks;
        rollout.gate_answer(step.gate, hook_agrees, "the hook said so", around.now_ms);
        break;
      case RolloutOrderKind::drain:
        ++drains;
        break;
      case RolloutOrderKind::undrain:
        ++undrains;
        break;
      case RolloutOrderKind::eject:
        ejected.push_back(step.backend);
        --around.new_up;
        break;
    }
  }

  double all_ = 0;
  double new_ = 0;
  double old_bad_ = 0;
  double new_bad_ = 0;
  double old_slow_ = 0;
  double new_slow_ = 0;
  std::size_t next_backend_ = 0;
};

}  // namespace sluice::core
