#include "tests/core/rollout_bench.hpp"

namespace sluice::core {
namespace {

using State = RolloutState;

/// Half of the traffic is on the only backend of NEW, so that nothing is put down to a machine.
RolloutBench half_way() {
  RolloutBench bench;
  bench.around.new_up = bench.around.new_size = 1;
  EXPECT_TRUE(bench.reaches_weight(5000));
  return bench;
}

TEST(RolloutSuspicion, TwentyHolds) {
  RolloutBench bench = half_way();
  bench.raise_evidence(20);
  EXPECT_EQ(bench.state(), State::holding);
  EXPECT_EQ(bench.reason(), "errors");
  bench.load.requests = 0;
  bench.run(minutes(5));
  EXPECT_EQ(bench.reason(), "errors");
  EXPECT_EQ(bench.weight(), 5000U);
}

TEST(RolloutSuspicion, FreshLookAsLongAndFullAsAStepEndsIt) {
  RolloutBench bench = half_way();
  bench.raise_evidence(20);
  bench.run(seconds(9));
  EXPECT_EQ(bench.weight(), 5000U);
  EXPECT_TRUE(bench.reaches_weight(9500, seconds(15)));
  EXPECT_GE(bench.rollout.evidence(), 20);
  EXPECT_EQ(bench.count_of("step_back"), 0U);
}

TEST(RolloutSuspicion, FreshLookGathersForLongerThanAStepWhenTrafficIsThin) {
  RolloutBench bench = half_way();
  bench.raise_evidence(20);
  bench.load.requests = 1;
  EXPECT_TRUE(bench.reaches_weight(9500, minutes(4))) << bench.rollout.record().words;
}

TEST(RolloutSuspicion, LookThatSeesMoreOfItBeginsAnew) {
  RolloutBench bench = half_way();
  bench.raise_evidence(20);
  bench.load.old_bad = 0.01;
  bench.load.new_bad = 0.013;
  bench.run(seconds(25));
  EXPECT_NE(bench.weight(), 9500U);
}

TEST(RolloutSuspicion, HundredGoesBackOneStepAndTwiceAtMost) {
  RolloutBench bench;
  bench.around.new_up = bench.around.new_size = 1;
  ASSERT_TRUE(bench.reaches(State::baking));
  bench.raise_evidence(100);
  EXPECT_EQ(bench.weights.back(), 5000U);
  EXPECT_EQ(bench.state(), State::holding);
  EXPECT_EQ(bench.step(), 3U);
  bench.load.requests = 0;
  bench.run(seconds(9));
  EXPECT_EQ(bench.weight(), 5000U) << "settles first";
  bench.raise_evidence(200);
  bench.run(seconds(2));
  EXPECT_EQ(bench.weight(), 2500U);
  bench.run(minutes(1));
  EXPECT_GE(bench.rollout.evidence(), 100);
  EXPECT_EQ(bench.weight(), 2500U);
  EXPECT_EQ(bench.count_of("step_back"), 2U);
}

TEST(RolloutSuspicion, StepBackIsNotRepeatedForWhatWasSeenBeforeIt) {
  RolloutBench bench;
  bench.around.new_up = bench.around.new_size = 1;
  ASSERT_TRUE(bench.reaches(State::baking));
  bench.raise_evidence(100);
  ASSERT_EQ(bench.weight(), 5000U);
  bench.run(seconds(30));
  EXPECT_EQ(bench.count_of("step_back"), 1U);
}

TEST(RolloutSuspicion, PausedWeightStaysBelowTheBound) {
  RolloutBench bench = half_way();
  bench.say(RolloutVerb::pause);
  bench.raise_evidence(120);
  bench.run(seconds(30));
  EXPECT_EQ(bench.weight(), 5000U);
  EXPECT_EQ(bench.state(), State::paused);
}

TEST(RolloutGuard, NewAloneBeyondTheErrorRateIsRolledBack) {
  RolloutSettings policy = short_policy();
  policy.errors.tolerance = 10;
  policy.guard.max_error_rate = 0.05;
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.load.old_bad = 0.02;
  bench.load.new_bad = 0.12;
  EXPECT_TRUE(bench.reaches(State::rolled_back, minutes(1)));
  EXPECT_EQ(bench.why_of("rollback"), "max_error_rate");
}

TEST(RolloutGuard, BreachThatBothShareHolds) {
  RolloutSettings policy = short_policy();
  policy.guard.max_error_rate = 0.02;
  RolloutBench bench(policy);
  bench.load.old_bad = bench.load.new_bad = 0.1;
  EXPECT_TRUE(bench.holds_for("shared_breach"));
  bench.run(minutes(1));
  EXPECT_EQ(bench.count_of("rollback"), 0U);
  EXPECT_EQ(bench.weight(), 500U);
}

/// OLD has many more good requests from before, and few of those that fail.
TEST(RolloutGuard, BreachThatBothShareHoldsAfterAGoodTime) {
  for (const std::uint32_t weight : {2500U, 9500U}) {
    RolloutSettings policy = short_policy();
    policy.guard.max_error_rate = 0.02;
    RolloutBench bench(policy);
    ASSERT_TRUE(bench.reaches_weight(weight));
    bench.load.old_bad = bench.load.new_bad = 0.3;
    bench.run(seconds(15));
    EXPECT_EQ(bench.count_of("rollback"), 0U) << bench.rollout.record().words;
  }
}

TEST(RolloutGuard, TailBeyondTheLimitIsRolledBackUnlessOldHasItToo) {
  for (const bool is_shared : {false, true}) {
    RolloutSettings policy = short_policy();
    policy.guard.max_p99 = milliseconds(800);
    RolloutBench bench(policy);
    bench.load.requests = 400;
    bench.extras.guard_slow_new = 2;
    bench.extras.guard_slow_old = is_shared ? 38 : 0;
    if (is_shared) {
      EXPECT_TRUE(bench.holds_for("shared_breach"));
      bench.run(seconds(20));
    }
    EXPECT_EQ(bench.reaches(State::rolled_back, seconds(30)), !is_shared);
    EXPECT_EQ(bench.why_of("rollback"), is_shared ? "" : "max_p99");
  }
}

/// Outcomes of NEW are held back; the slow ones among them must not come before the others.
TEST(RolloutGuard, SlowAnswersAreComparedWithTheRequestsTheyBelongTo) {
  RolloutSettings policy = short_policy();
  policy.guard.max_p99 = milliseconds(800);
  RolloutRecord record = short_record(policy);
  record.state = State::stepping;
  record.step = 1;
  record.weight = 500;
  RolloutBench bench(record);
  bench.around.old_p99_ms = 1000;
  bench.load.requests = 0;
  bench.count(100, 0, 6, 0);
  bench.tick();
  bench.count(100, 0, 94, 0);
  bench.rollout.observe({}, {.guard_slow_new = 6}, bench.around);
  bench.run(seconds(2));
  EXPECT_EQ(bench.count_of("rollback"), 0U) << bench.rollout.record().words;
}

}  // namespace
}  // namespace sluice::core
