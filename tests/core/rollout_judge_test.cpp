#include <gmock/gmock.h>

#include "tests/core/rollout_bench.hpp"

namespace sluice::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = RolloutState;

TEST(RolloutJudge, TenPercentErrorsAreRolledBackWithinAFewBadRequests) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.run(seconds(5));
  bench.load.new_bad = 0.1;
  bench.load.old_bad = 0.001;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(3)));
  EXPECT_EQ(bench.why_of("rollback"), "errors");
  EXPECT_EQ(bench.weights.back(), 0U);
  EXPECT_EQ(bench.told.back(), "rolled_back");
  const RolloutStatus status = bench.rollout.status();
  const StreamStatus& errors = status.streams[index_of(Stream::errors)];
  EXPECT_LE(errors.new_pool.bad, 10U);
}

TEST(RolloutJudge, SlowTailIsRolledBack) {
  RolloutBench bench;
  bench.load.old_slow = 0.01;
  bench.load.new_slow = 0.01;
  ASSERT_TRUE(bench.reaches_weight(2500));
  bench.load.new_slow = 0.1;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(10)));
  EXPECT_EQ(bench.why_of("rollback"), "p99");
}

/// Pitfall P27.
TEST(RolloutJudge, DetectorsAreArmedWhileHoldingAtAGatePausedAndBaking) {
  RolloutSettings gated = short_policy();
  gated.gates = {{.before = 2500, .manual = true}};
  RolloutBench holding;
  ASSERT_TRUE(holding.reaches_weight(500));
  holding.rollout.hook_failed("the pager is dead");
  ASSERT_TRUE(holding.holds_for("hook"));
  RolloutBench at_gate(gated);
  ASSERT_TRUE(at_gate.holds_for("gate"));
  RolloutBench paused;
  ASSERT_TRUE(paused.reaches_weight(500));
  ASSERT_EQ(paused.say(RolloutVerb::pause), "");
  RolloutBench baking;
  ASSERT_TRUE(baking.reaches(State::baking));
  for (RolloutBench* bench : {&holding, &at_gate, &paused, &baking}) {
    const auto before = to_string(bench->state());
    bench->load.new_bad = 0.1;
    EXPECT_TRUE(bench->reaches(State::rolled_back, seconds(8))) << before;
    EXPECT_EQ(bench->why_of("rollback"), "errors") << before;
  }
}

TEST(RolloutJudge, DetectorsAreArmedWhileStagedWithAShare) {
  RolloutRecord record = short_record();
  record.weight = 500;
  RolloutBench bench(record);
  bench.rollout.begin(bench.around.now_ms);
  bench.around.new_up = 4;
  bench.load.new_bad = 0.5;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(30)));
  EXPECT_EQ(bench.weight(), 0U);
}

/// Pitfall P26.
TEST(RolloutJudge, NothingGoesBackToABrokenOld) {
  RolloutSettings policy = short_policy();
  policy.deadline = minutes(2);
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.reaches_weight(500));
  const auto orders = bench.weights.size();
  bench.around.old_up = 0;
  bench.load.new_bad = 0.5;
  bench.run(minutes(3));
  EXPECT_EQ(bench.state(), State::holding);
  EXPECT_EQ(bench.reason(), "old_down");
  EXPECT_EQ(bench.weights.size(), orders);
  bench.around.old_up = 1;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(1)));
  EXPECT_EQ(bench.weights.back(), 0U);
}

TEST(RolloutJudge, NoStepBackOntoABrokenOld) {
  RolloutBench bench;
  bench.around.new_up = bench.around.new_size = 1;
  ASSERT_TRUE(bench.reaches_weight(5000));
  const auto orders = bench.weights.size();
  bench.around.old_up = 0;
  bench.raise_evidence(120);
  EXPECT_EQ(bench.weights.size(), orders);
  EXPECT_EQ(bench.reason(), "old_down");
}

TEST(RolloutJudge, StagedThatIsLateLeavesItsShareWhenOldIsBroken) {
  RolloutRecord record = short_record();
  record.weight = 500;
  RolloutBench bench(record);
  bench.rollout.begin(bench.around.now_ms);
  bench.around.new_up = 4;
  bench.around.old_up = 0;
  bench.run(minutes(2));
  EXPECT_THAT(bench.weights, IsEmpty());
}

TEST(RolloutJudge, OneBadBackendOfFiveIsTakenOutAndTheRolloutHolds) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  bench.load.new_bad = 0.1;
  bench.load.bad_backend = "n3";
  ASSERT_TRUE(bench.run_until([&] { return !bench.ejected.empty(); }, seconds(10)));
  bench.load.new_bad = 0;
  bench.run(minutes(5));
  EXPECT_THAT(bench.ejected, ElementsAre("n3"));
  EXPECT_EQ(bench.state(), State::holding);
  EXPECT_EQ(bench.reason(), "one_backend");
  EXPECT_EQ(bench.weight(), 2500U);
  bench.around.new_size = 4;
  EXPECT_TRUE(bench.reaches_weight(5000, minutes(1))) << "removed from the pool";
}

TEST(RolloutJudge, AWeightThatIsSeenBeforeItIsToldBeginsItsStepWhenItIsTold) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.answers_weights = false;
  ASSERT_TRUE(bench.run_until([&] { return bench.weights.back() == 2500; }, minutes(1)));
  // A reload of something else goes through what is in force.
  bench.rollout.weight_changed(2500, bench.around.now_ms);
  EXPECT_EQ(bench.rollout.record().weight, 500U);
  bench.told.clear();
  bench.answers_weights = true;
  bench.put_in_force(2500);
  EXPECT_EQ(bench.rollout.record().weight, 2500U);
  EXPECT_EQ(bench.rollout.record().step_since_ms, bench.around.now_ms);
  EXPECT_THAT(bench.told, ElementsAre("step"));
}

TEST(RolloutJudge, AnEndByTheSettingsMovesNothing) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  const std::size_t moves = bench.weights.size();
  bench.rollout.end("no place for it", bench.around.now_ms);
  bench.run(seconds(5));
  EXPECT_EQ(bench.state(), State::rolled_back);
  EXPECT_EQ(bench.reason(), "reload");
  EXPECT_EQ(bench.weights.size(), moves);
  EXPECT_EQ(bench.decisions.back().decision, "end");
}

TEST(RolloutJudge, ABackendThatWasRepairedIsJudgedAnewWithoutItsPast) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  bench.load.new_bad = 0.1;
  bench.load.bad_backend = "n3";
  ASSERT_TRUE(bench.run_until([&] { return !bench.ejected.empty(); }, seconds(10)));
  bench.load.new_bad = 0;
  bench.run(minutes(1));
  bench.rollout.readmitted("n3");
  bench.around.new_up = bench.around.new_size;
  EXPECT_THAT(bench.rollout.record().ejected, IsEmpty());
  ASSERT_TRUE(bench.reaches_weight(5000, minutes(1))) << "its past is no evidence any more";
  bench.load.new_bad = 0.1;
  EXPECT_TRUE(bench.run_until([&] { return bench.ejected.size() == 2; }, seconds(10)))
      << "what it does now is";
}

TEST(RolloutJudge, TenPercentOverAllBackendsIsTheVersion) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  bench.load.new_bad = 0.1;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(10)));
  EXPECT_THAT(bench.ejected, IsEmpty());
}

TEST(RolloutJudge, OnlyBackendOfAPoolIsTheVersion) {
  RolloutBench bench;
  bench.around.new_up = bench.around.new_size = 1;
  bench.load.bad_backend = "n1";
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.load.new_bad = 0.1;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(3)));
  EXPECT_THAT(bench.ejected, IsEmpty());
}

/// A user who failed on it before fails on it again, in another period.
TEST(RolloutJudge, LateErrorOfAnEjectedBackendIsNoEvidenceWhenUsersAreJudged) {
  RolloutRecord record = short_record();
  record.by_units = true;
  record.ejected = {"n3"};
  record.state = State::stepping;
  record.step = 2;
  record.weight = 2500;
  RolloutBench bench(record);
  Observation seen;
  seen.weight = 0.25;
  seen.new_pool.requests[0] = 10;
  seen.new_pool.bad[0] = 1;
  seen.new_pool.repeats[0] = 1;
  seen.by_backend = {{"n3", {1}}};
  bench.rollout.observe({seen}, {}, bench.around);
  bench.quiet_tick();
  EXPECT_NEAR(bench.rollout.evidence(), 1, 1e-6);
  EXPECT_NE(bench.state(), State::rolling_back);
}

TEST(RolloutJudge, OutageOfBothIsNotRolledBack) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  bench.load.old_bad = bench.load.new_bad = 0.8;
  bench.run(seconds(30));
  EXPECT_EQ(bench.count_of("rollback") + bench.count_of("step_back"), 0U);
}

/// NEW's failures are seen at once, OLD's after a timeout: until then they are overdue.
TEST(RolloutJudge, OutageOfBothInWhichOldFailsSlowerIsNotRolledBack) {
  for (const bool is_shared : {true, false}) {
    RolloutBench bench;
    ASSERT_TRUE(bench.reaches_weight(2500));
    for (int i = 0; i < 50; ++i) {
      if (is_shared) bench.around.old_overdue += 75;
      bench.count(is_shared ? 0 : 75, 0, 25, 25);
      bench.quiet_tick();
    }
    EXPECT_EQ(bench.count_of("rollback"), is_shared ? 0U : 1U);
    if (!is_shared) continue;
    bench.count(std::exchange(bench.around.old_overdue, 0), 3750, 0, 0);
    bench.run(seconds(1));
    EXPECT_EQ(bench.count_of("rollback") + bench.count_of("step_back"), 0U);
  }
}

TEST(RolloutJudge, EightFailuresInARowAreACatastropheWhileOldServes) {
  for (const std::uint64_t failures : {7U, 8U}) {
    RolloutBench bench;
    ASSERT_TRUE(bench.reaches_weight(5000));
    bench.count(100, 0, 1, 0);
    bench.quiet_tick();
    for (std::uint64_t i = 0; i < failures; ++i) bench.count(10, 0, 1, 1);
    bench.quiet_tick();
    bench.count(100, 0, 0, 0);
    bench.quiet_tick();
    EXPECT_EQ(bench.why_of("rollback"), failures == 8 ? "catastrophe" : "");
  }
}

TEST(RolloutJudge, CatastropheCanBeOff) {
  RolloutSettings policy = short_policy();
  policy.catastrophe = 0;
  policy.steps = {5000, 9500};
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.reaches_weight(5000));
  bench.count(100, 0, 8, 8);
  for (int i = 0; i < 3; ++i) bench.quiet_tick();
  EXPECT_EQ(bench.count_of("rollback"), 0U);
}

TEST(RolloutJudge, NoCatastropheWhenOldFailsAsWell) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.count(1000, 0, 1, 0);
  bench.quiet_tick();
  for (int i = 0; i < 20; ++i) {
    bench.count(190, 190, 10, 10);
    bench.quiet_tick();
  }
  EXPECT_EQ(bench.count_of("rollback"), 0U);
}

TEST(RolloutJudge, WhatOldServedBeforeTheRunBeganSaysNothing) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.count(100'000, 0, 0, 0);
  bench.quiet_tick();
  for (int i = 0; i < 20; ++i) {
    bench.count(190, 190, 10, 10);
    bench.quiet_tick();
  }
  EXPECT_EQ(bench.why_of("rollback"), "");
}

TEST(RolloutJudge, EveryBackendOfNewDownIsACatastropheInEveryState) {
  RolloutBench stepping;
  RolloutBench paused;
  RolloutBench baking;
  ASSERT_TRUE(stepping.reaches_weight(500));
  ASSERT_TRUE(paused.reaches_weight(500));
  paused.say(RolloutVerb::pause);
  ASSERT_TRUE(baking.reaches(State::baking));
  for (RolloutBench* bench : {&stepping, &paused, &baking}) {
    bench->around.new_up = 0;
    bench->tick();
    EXPECT_EQ(bench->why_of("rollback"), "new_down");
  }
}

}  // namespace
}  // namespace sluice::core
