#include <gmock/gmock.h>

#include "tests/core/rollout_bench.hpp"

/// A record that is taken out at any moment and put into another machine, as after kill -9.
namespace sluice::core {
namespace {

using testing::ElementsAre;
using State = RolloutState;

void restore(RolloutBench& bench) {
  bench.rollout = Rollout(bench.rollout.record());
}

void expect_same(const RolloutBench& left, const RolloutBench& right) {
  EXPECT_EQ(left.state(), right.state());
  EXPECT_EQ(left.reason(), right.reason());
  EXPECT_EQ(left.step(), right.step());
  EXPECT_EQ(left.weight(), right.weight());
  const std::vector<StreamStatus> wanted = left.rollout.status().streams;
  const std::vector<StreamStatus> found = right.rollout.status().streams;
  for (std::size_t index = 0; index < stream_count; ++index) {
    EXPECT_NEAR(found[index].evidence / wanted[index].evidence, 1, 1e-9) << "stream " << index;
  }
}

TEST(RolloutRestored, GoesOnTheSameWay) {
  RolloutBench bench;
  bench.load.old_bad = bench.load.new_bad = 0.002;
  bench.load.old_slow = bench.load.new_slow = 0.01;
  ASSERT_TRUE(bench.reaches_weight(2500));
  bench.rollout.hook_failed("the pager is dead");
  bench.run(seconds(45));
  bench.quiet_tick();
  RolloutBench other = bench;
  restore(other);
  EXPECT_EQ(other.rollout.record(), bench.rollout.record());
  expect_same(bench, other);
  for (int i = 0; i < 3000 && bench.state() != State::promoted; ++i) {
    if (i == 300) {
      bench.rollout.hook_failed("");
      other.rollout.hook_failed("");
    }
    bench.tick();
    other.tick();
    expect_same(bench, other);
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_EQ(other.state(), State::promoted);
  EXPECT_EQ(bench.weights, other.weights);
}

TEST(RolloutRestored, EvidenceAgainstOneBackendStaysLeftOut) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  bench.load.new_bad = 0.1;
  bench.load.bad_backend = "n3";
  ASSERT_TRUE(bench.run_until([&] { return !bench.ejected.empty(); }, seconds(10)));
  bench.quiet_tick();
  RolloutBench other = bench;
  restore(other);
  for (int i = 0; i < 200; ++i) {
    bench.tick();
    other.tick();
    expect_same(bench, other);
  }
  EXPECT_THAT(other.ejected, ElementsAre("n3"));
  EXPECT_EQ(other.reason(), "one_backend");
}

/// Hundreds of weights and periods.
TEST(RolloutRestored, LongRampHasTheSameEvidence) {
  RolloutSettings policy = short_policy();
  policy.slew = 200;
  policy.steps = {9500};
  RolloutBench bench(policy);
  bench.load.old_bad = bench.load.new_bad = 0.0003;
  bench.run(minutes(18));
  bench.quiet_tick();
  RolloutBench other = bench;
  restore(other);
  expect_same(bench, other);
}

TEST(RolloutRestored, StillRollsBackOnWhatWasSeenBeforeAndAfter) {
  RolloutBench bench;
  bench.around.new_up = bench.around.new_size = 1;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.raise_evidence(20);
  restore(bench);
  EXPECT_GE(bench.rollout.evidence(), 20);
  bench.load.new_bad = 0.1;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(3)));
}

TEST(RolloutRestored, OrderThatWasLostIsGivenAgain) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.answers_weights = false;
  ASSERT_TRUE(bench.run_until([&] { return bench.weights.back() == 2500; }));
  restore(bench);
  bench.answers_weights = true;
  bench.tick();
  EXPECT_EQ(bench.weight(), 2500U);
  EXPECT_EQ(bench.step(), 2U);
}

TEST(RolloutRestored, RollbackThatWasLostIsGivenAgain) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.answers_weights = false;
  ASSERT_EQ(bench.say(RolloutVerb::abort), "");
  restore(bench);
  bench.answers_weights = true;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(1)));
  EXPECT_EQ(bench.weight(), 0U);
}

TEST(RolloutRestored, StepBackThatWasLostIsGivenAgain) {
  RolloutBench bench;
  bench.around.new_up = bench.around.new_size = 1;
  ASSERT_TRUE(bench.reaches_weight(5000));
  bench.answers_weights = false;
  bench.raise_evidence(100);
  ASSERT_EQ(bench.weights.back(), 2500U);
  restore(bench);
  bench.answers_weights = true;
  bench.run(seconds(1));
  EXPECT_EQ(bench.weight(), 2500U);
}

TEST(RolloutRestored, GateIsAskedAgain) {
  RolloutSettings policy = short_policy();
  policy.gates = {{.before = 500, .hook = "http://127.0.0.1:7000/approve"}};
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.holds_for("gate"));
  const auto since = bench.rollout.record().gates_since_ms;
  restore(bench);
  bench.tick();
  EXPECT_EQ(bench.gate_asks, 2U) << "the answer may have been lost";
  EXPECT_EQ(bench.rollout.record().gates_since_ms, since);
}

/// What the step has shown is not forgotten, or its timeout would find it without evidence.
TEST(RolloutRestored, SoundStepThatWaitsAtAGateIsNotInconclusive) {
  RolloutSettings policy = short_policy();
  policy.on_inconclusive = Inconclusive::rollback;
  policy.gates = {{.before = 2500, .manual = true}};
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.holds_for("gate"));
  bench.run(minutes(2));
  restore(bench);
  bench.run(seconds(1));
  EXPECT_EQ(bench.state(), State::holding) << bench.rollout.record().words;
  EXPECT_EQ(bench.reason(), "gate");
}

TEST(RolloutRestored, PauseStays) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  ASSERT_EQ(bench.say(RolloutVerb::pause), "");
  restore(bench);
  bench.run(seconds(30));
  EXPECT_EQ(bench.state(), State::paused);
  EXPECT_EQ(bench.weight(), 500U);
  ASSERT_EQ(bench.say(RolloutVerb::resume), "");
  EXPECT_TRUE(bench.reaches_weight(2500, seconds(10)));
}

TEST(RolloutRestored, RetentionAndDrainGoOn) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches(State::promoted));
  bench.run(seconds(20));
  restore(bench);
  EXPECT_TRUE(bench.reaches(State::draining, seconds(11)));
  restore(bench);
  bench.around.old_is_quiet = true;
  bench.tick();
  EXPECT_EQ(bench.state(), State::done);
}

TEST(RolloutRestored, TheReleaseThatWaitsIsKeptUntilItIsTaken) {
  RolloutBench bench;
  bench.rollout.take_changed();
  bench.rollout.queue({{"v3", "", "build-2"}, "anna"});
  bench.rollout.queue({{"v4", "", "build-3"}, "bert"});
  EXPECT_TRUE(bench.rollout.take_changed());
  restore(bench);
  EXPECT_EQ(bench.rollout.status().queued, "build-3");
  const auto next = bench.rollout.take_queued();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->order.to, "v4");
  EXPECT_EQ(next->who, "bert");
  EXPECT_EQ(bench.rollout.status().queued, "");
  EXPECT_FALSE(bench.rollout.take_queued());
}

TEST(RolloutRestored, ChangesAreToldOnce) {
  RolloutBench bench;
  EXPECT_TRUE(bench.rollout.take_changed());
  EXPECT_FALSE(bench.rollout.take_changed());
  bench.tick();
  EXPECT_TRUE(bench.rollout.take_changed());
}

TEST(RolloutRestored, CountsAloneAreNoChange) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.tick();
  bench.rollout.take_changed();
  const std::uint64_t before = bench.rollout.status().requests_new;
  for (int tick = 0; tick < 20; ++tick) {
    bench.tick();
    EXPECT_FALSE(bench.rollout.take_changed()) << tick;
  }
  EXPECT_GT(bench.rollout.status().requests_new, before);
}

}  // namespace
}  // namespace sluice::core
