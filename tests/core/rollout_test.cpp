#include "core/rollout.hpp"

#include <gmock/gmock.h>

#include "tests/core/rollout_bench.hpp"

namespace sluice::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = RolloutState;
using Weights = std::vector<std::uint32_t>;

TEST(Rollout, SoundReleaseGoesTheWholeWay) {
  RolloutBench bench;
  std::vector<State> states;
  ASSERT_TRUE(bench.run_until([&] {
    if (states.empty() || states.back() != bench.state()) states.push_back(bench.state());
    bench.around.old_is_quiet = bench.drains > 0;
    return bench.state() == State::done;
  }));
  std::erase(states, State::holding);
  states.erase(std::unique(states.begin(), states.end()), states.end());
  EXPECT_EQ(states, (std::vector<State>{State::staged, State::stepping, State::baking,
                                        State::promoted, State::draining, State::done}));
  EXPECT_EQ(bench.weights, (Weights{500, 2500, 5000, 9500, 10'000}));
  std::erase(bench.told, "held");
  EXPECT_THAT(bench.told,
              ElementsAre("started", "step", "step", "step", "step", "promoted", "drained"));
  EXPECT_EQ(bench.drains, 1U);
}

TEST(Rollout, BeginsWhenEveryBackendOfNewIsHealthy) {
  RolloutBench bench;
  bench.around.new_up = 4;
  bench.run(seconds(59));
  EXPECT_EQ(bench.state(), State::staged);
  EXPECT_THAT(bench.weights, IsEmpty());
  bench.around.new_up = 5;
  bench.tick();
  EXPECT_EQ(bench.state(), State::stepping);
  EXPECT_EQ(bench.weight(), 500U);
}

TEST(Rollout, NeverHealthyIsRolledBackWithoutAWeight) {
  RolloutBench bench;
  bench.around.new_up = 4;
  ASSERT_TRUE(bench.reaches(State::rolled_back, seconds(61)));
  EXPECT_EQ(bench.why_of("rollback"), "new_unhealthy");
  EXPECT_THAT(bench.weights, IsEmpty());
  EXPECT_THAT(bench.told, ElementsAre("started", "rolled_back"));
}

TEST(Rollout, EmptyPoolIsNotHealthy) {
  RolloutBench bench;
  bench.around.new_up = bench.around.new_size = 0;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(61)));
  EXPECT_THAT(bench.weights, IsEmpty());
}

TEST(Rollout, DeadlineHoldsWhileStaged) {
  RolloutSettings policy = short_policy();
  policy.step_timeout = minutes(10);
  policy.deadline = minutes(2);
  RolloutBench bench(policy);
  bench.around.new_up = 4;
  EXPECT_TRUE(bench.reaches(State::rolled_back, minutes(2) + seconds(1)));
}

TEST(Rollout, MirrorStageComesBeforeTheFirstWeight) {
  RolloutSettings policy = short_policy();
  policy.mirror.time = seconds(20);
  RolloutBench bench(policy);
  bench.tick();
  EXPECT_EQ(bench.state(), State::mirroring);
  EXPECT_TRUE(bench.rollout.wants_mirror());
  bench.run(seconds(19));
  EXPECT_THAT(bench.weights, IsEmpty());
  bench.run(seconds(2));
  EXPECT_FALSE(bench.rollout.wants_mirror());
  EXPECT_EQ(bench.weights, Weights{500});
}

TEST(Rollout, NewThatDiesWhileMirroredIsRolledBack) {
  RolloutSettings policy = short_policy();
  policy.mirror.time = seconds(20);
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.reaches(State::mirroring));
  bench.around.new_up = 0;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(1)));
  EXPECT_EQ(bench.why_of("rollback"), "new_down");
  EXPECT_THAT(bench.weights, IsEmpty());
}

TEST(Rollout, StepTakesItsTime) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  const auto since = bench.around.now_ms;
  ASSERT_TRUE(bench.reaches_weight(5000));
  EXPECT_GE(bench.around.now_ms - since, 10'000);
  EXPECT_LT(bench.around.now_ms - since, 12'000);
}

TEST(Rollout, BakeTakesItsTimeAndOldIsRetained) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches(State::baking));
  EXPECT_EQ(bench.weight(), 9500U);
  const auto baked_since = bench.around.now_ms;
  ASSERT_TRUE(bench.reaches(State::promoted));
  EXPECT_GE(bench.around.now_ms - baked_since, 20'000);
  EXPECT_EQ(bench.weight(), 10'000U);
  const auto promoted = bench.around.now_ms;
  ASSERT_TRUE(bench.reaches(State::draining));
  EXPECT_GE(bench.around.now_ms - promoted, 30'000);
  bench.run(minutes(1));
  EXPECT_EQ(bench.state(), State::draining);
  bench.around.old_is_quiet = true;
  bench.tick();
  EXPECT_EQ(bench.state(), State::done);
}

TEST(Rollout, HoldingGoesOnWhenWhatStoodAgainstItIsOver) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.around.new_up = 4;
  bench.tick();
  EXPECT_EQ(bench.state(), State::holding);
  EXPECT_EQ(bench.reason(), "new_unhealthy");
  bench.run(seconds(30));
  EXPECT_EQ(bench.weight(), 500U);
  EXPECT_EQ(std::count(bench.told.begin(), bench.told.end(), "held"), 1);
  bench.around.new_up = 5;
  EXPECT_TRUE(bench.reaches_weight(2500, seconds(2)));
  EXPECT_EQ(bench.count_of("resume"), 1U);
}

TEST(Rollout, DeadlineTakesTheTrafficBack) {
  RolloutSettings policy = short_policy();
  policy.deadline = minutes(3);
  for (const bool is_paused : {false, true}) {
    RolloutBench bench(policy);
    ASSERT_TRUE(bench.reaches_weight(500));
    if (is_paused) bench.say(RolloutVerb::pause);
    if (!is_paused) bench.rollout.hook_failed("the pager is dead");
    bench.run(seconds(178));
    EXPECT_EQ(bench.state(), is_paused ? State::paused : State::holding);
    EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(4)));
    EXPECT_EQ(bench.why_of("rollback"), "deadline");
    EXPECT_EQ(bench.weight(), 0U);
  }
}

TEST(Rollout, PromotedNewThatIsGoneIsTakenBackOntoASoundOld) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches(State::promoted));
  bench.around.new_up = 0;
  bench.around.old_up = 0;
  bench.run(seconds(5));
  EXPECT_EQ(bench.state(), State::promoted);
  bench.around.old_up = 1;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(1)));
  EXPECT_EQ(bench.weights.back(), 0U);
}

TEST(Rollout, RolledBackAndDoneAreFinal) {
  RolloutBench aborted;
  ASSERT_TRUE(aborted.reaches_weight(500));
  ASSERT_EQ(aborted.say(RolloutVerb::abort), "");
  ASSERT_TRUE(aborted.reaches(State::rolled_back));
  RolloutBench done;
  done.around.old_is_quiet = true;
  ASSERT_TRUE(done.reaches(State::done));
  for (RolloutBench* bench : {&aborted, &done}) {
    const State end = bench->state();
    const auto orders = bench->weights.size();
    bench->load.new_bad = 1;
    bench->around.new_up = 0;
    bench->run(minutes(40));
    EXPECT_EQ(bench->state(), end);
    EXPECT_EQ(bench->weights.size(), orders);
  }
}

TEST(Rollout, RollbackIsUrgentAndWaitsUntilItIsInForce) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.answers_weights = false;
  const auto steps = bench.rollout.steer(RolloutVerb::abort, "bob", bench.around);
  ASSERT_TRUE(steps.ok());
  ASSERT_EQ(steps->size(), 1U);
  EXPECT_EQ(steps->front().kind, RolloutOrderKind::weight);
  EXPECT_TRUE(steps->front().is_urgent);
  bench.run(seconds(5));
  EXPECT_EQ(bench.state(), State::rolling_back);
  bench.put_in_force(0);
  bench.tick();
  EXPECT_EQ(bench.state(), State::rolled_back);
}

TEST(Rollout, RollbackOvertakesAWeightOnItsWay) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  bench.answers_weights = false;
  ASSERT_TRUE(bench.run_until([&] { return bench.weights.back() == 5000; }));
  bench.around.new_up = 0;
  bench.tick();
  EXPECT_EQ(bench.weights.back(), 0U);
  bench.put_in_force(5000);
  bench.tick();
  EXPECT_EQ(bench.state(), State::rolling_back);
  bench.put_in_force(0);
  bench.tick();
  EXPECT_EQ(bench.state(), State::rolled_back);
  EXPECT_EQ(bench.weight(), 0U);
}

TEST(Rollout, NoSecondOrderWhileOneIsOnItsWay) {
  RolloutBench bench;
  bench.answers_weights = false;
  bench.run(minutes(2));
  EXPECT_EQ(bench.weights, Weights{500});
}

TEST(Rollout, ShareThatNewHasAlreadySkipsTheStepsBelow) {
  RolloutRecord record = short_record();
  record.weight = 3000;
  RolloutBench bench(record);
  bench.rollout.begin(bench.around.now_ms);
  bench.tick();
  EXPECT_EQ(bench.weights, Weights{5000});
  EXPECT_EQ(bench.step(), 3U);
}

/// The revision after each tick never falls, and is another one when state, step or weight is.
TEST(Rollout, RevisionGrowsWithEveryChange) {
  RolloutBench bench;
  bench.answers_weights = false;
  RolloutRecord last = bench.rollout.record();
  const auto check = [&] {
    const RolloutRecord& now = bench.rollout.record();
    const bool is_same =
        now.state == last.state && now.step == last.step && now.weight == last.weight;
    EXPECT_GE(now.revision, last.revision);
    EXPECT_TRUE(is_same || now.revision > last.revision) << "step " << now.step;
    last = now;
  };
  for (int i = 0; i < 3000 && bench.state() != State::draining; ++i) {
    bench.tick();
    check();
    if (!bench.weights.empty()) bench.put_in_force(bench.weights.back());
    check();
  }
  EXPECT_EQ(bench.state(), State::draining);
}

TEST(Rollout, DecisionsAreBoundedAndTheFirstSaysHowItBegan) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  for (int i = 0; i < 100; ++i) {
    bench.say(RolloutVerb::pause);
    bench.say(RolloutVerb::resume);
  }
  const auto& kept = bench.rollout.record().decisions;
  EXPECT_EQ(kept.size(), 64U);
  EXPECT_EQ(kept.front().decision, "start");
  EXPECT_EQ(kept.back().decision, "resume");
  EXPECT_GE(bench.count_of("pause"), 100U);
}

TEST(Rollout, StatusSaysWhatComesNextInEveryActiveState) {
  RolloutSettings policy = short_policy();
  policy.mirror.time = seconds(5);
  RolloutBench bench(policy);
  bench.run_until([&] {
    const RolloutStatus status = bench.rollout.status();
    EXPECT_EQ(status.next.empty(), !is_active(status.state)) << to_string(status.state);
    bench.around.old_is_quiet = bench.drains > 0;
    return bench.state() == State::done;
  });
  EXPECT_EQ(bench.state(), State::done);
}

}  // namespace
}  // namespace sluice::core
