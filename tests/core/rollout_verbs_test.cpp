#include <gmock/gmock.h>

#include "tests/core/rollout_bench.hpp"

namespace sluice::core {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using State = RolloutState;
using Verb = RolloutVerb;
using Weights = std::vector<std::uint32_t>;

/// A rollout in each state that it can be found in.
RolloutBench in_state(State wanted) {
  RolloutSettings policy = short_policy();
  if (wanted == State::mirroring) policy.mirror.time = minutes(1);
  RolloutBench bench(policy);
  if (wanted == State::staged) return bench;
  EXPECT_TRUE(bench.run_until([&] { return bench.weight() == 500 || bench.state() == wanted; }));
  if (wanted == State::holding) bench.rollout.hook_failed("the pager is dead");
  if (wanted == State::paused) bench.say(Verb::pause);
  if (wanted == State::rolling_back || wanted == State::rolled_back) bench.say(Verb::abort);
  bench.around.old_is_quiet = wanted == State::done;
  EXPECT_TRUE(bench.reaches(wanted)) << to_string(wanted);
  return bench;
}

constexpr std::array before_promotion{State::staged,  State::mirroring, State::stepping,
                                      State::holding, State::paused,    State::baking};
constexpr std::array after_promotion{State::promoted, State::draining};
constexpr std::array going_back_or_over{State::rolling_back, State::rolled_back, State::done};

TEST(RolloutVerbs, AbortRollsBackFromEveryStateBeforeThePromotion) {
  for (const State state : before_promotion) {
    RolloutBench bench = in_state(state);
    const bool has_traffic = bench.weight() > 0;
    EXPECT_EQ(bench.say(Verb::abort), "") << to_string(state);
    EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(1))) << to_string(state);
    EXPECT_EQ(bench.weights.empty() ? 0 : bench.weights.back(), 0U);
    EXPECT_EQ(bench.weights.empty(), !has_traffic);
    EXPECT_EQ(bench.reason(), "operator");
  }
}

TEST(RolloutVerbs, UndoRollsBackWhileOldIsKept) {
  for (const State state : after_promotion) {
    RolloutBench bench = in_state(state);
    EXPECT_EQ(bench.say(Verb::undo), "") << to_string(state);
    EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(1)));
    EXPECT_EQ(bench.weights.back(), 0U);
    EXPECT_EQ(bench.undrains, state == State::draining ? 1U : 0U);
    EXPECT_EQ(bench.why_of("rollback"), "undo");
  }
}

TEST(RolloutVerbs, RefusalsSayTheStateAndWhatIsPossible) {
  RolloutBench stepping = in_state(State::stepping);
  EXPECT_THAT(stepping.say(Verb::undo), HasSubstr("is stepping; undo is possible after"));
  EXPECT_THAT(stepping.say(Verb::undo), HasSubstr("say abort"));
  EXPECT_THAT(stepping.say(Verb::resume), HasSubstr("resume is possible while it is paused"));
  EXPECT_THAT(stepping.say(Verb::retry), HasSubstr("retry is possible once it is rolled back"));
  EXPECT_THAT(stepping.say(Verb::approve), HasSubstr("no gate of the rollout build-42 waits"));
  RolloutBench staged = in_state(State::staged);
  EXPECT_THAT(staged.say(Verb::promote), HasSubstr("is staged; promote is possible while"));
  for (const State state : {State::promoted, State::draining, State::rolled_back, State::done}) {
    RolloutBench bench = in_state(state);
    const auto name = std::string(to_string(state));
    EXPECT_EQ(bench.say(Verb::abort),
              "the rollout build-42 is " + name + "; abort is possible before the promotion");
    EXPECT_THAT(bench.say(Verb::pause), HasSubstr("before the promotion"));
    EXPECT_THAT(bench.say(Verb::promote_full), HasSubstr("before the promotion"));
  }
  for (const State state : going_back_or_over) {
    RolloutBench bench = in_state(state);
    EXPECT_THAT(bench.say(Verb::undo), HasSubstr("undo is possible after the promotion"));
  }
}

TEST(RolloutVerbs, RefusedVerbChangesNothing) {
  RolloutBench bench = in_state(State::promoted);
  const RolloutRecord before = bench.rollout.record();
  for (const Verb verb : {Verb::abort, Verb::pause, Verb::resume, Verb::promote, Verb::retry}) {
    EXPECT_NE(bench.say(verb), "") << to_string(verb);
  }
  EXPECT_EQ(bench.rollout.record(), before);
}

/// Pitfall P26.
TEST(RolloutVerbs, AbortAndUndoNeedAnOldThatServes) {
  for (const State state : {State::stepping, State::paused, State::baking, State::promoted}) {
    RolloutBench bench = in_state(state);
    const auto orders = bench.weights.size();
    bench.around.old_up = 0;
    const Verb verb = state == State::promoted ? Verb::undo : Verb::abort;
    EXPECT_THAT(bench.say(verb), HasSubstr("no backend of shop-v1 can serve"));
    EXPECT_EQ(bench.state(), state);
    EXPECT_EQ(bench.weights.size(), orders);
  }
  RolloutBench staged = in_state(State::staged);
  staged.around.old_up = 0;
  EXPECT_EQ(staged.say(Verb::abort), "") << "nothing has to go back";
}

TEST(RolloutVerbs, PauseKeepsTheWeightAndResumeGoesOnWhereItWas) {
  for (const State state : before_promotion) {
    if (state == State::paused) continue;
    RolloutBench bench = in_state(state);
    const auto weight = bench.weight();
    ASSERT_EQ(bench.say(Verb::pause), "");
    ASSERT_EQ(bench.say(Verb::pause), "") << "once more changes nothing";
    bench.run(minutes(2));
    EXPECT_EQ(bench.state(), State::paused);
    EXPECT_EQ(bench.weight(), weight);
    ASSERT_EQ(bench.say(Verb::resume), "");
    const bool is_moving = state != State::staged && state != State::mirroring;
    EXPECT_EQ(bench.state(), is_moving ? State::stepping : state);
    bench.rollout.hook_failed("");
    EXPECT_TRUE(bench.run_until([&] { return bench.weight() != weight; }, minutes(2)));
  }
}

TEST(RolloutVerbs, PausedBeforeItsFirstWeightEndsAtTheDeadline) {
  RolloutBench bench = in_state(State::staged);
  bench.say(Verb::pause);
  EXPECT_TRUE(bench.reaches(State::rolled_back, minutes(31)));
  EXPECT_EQ(bench.why_of("rollback"), "deadline");
  EXPECT_THAT(bench.weights, IsEmpty());
}

TEST(RolloutVerbs, PromoteGoesToTheNextStepWithoutItsEvidence) {
  RolloutBench bench = in_state(State::stepping);
  bench.load.requests = 0;
  ASSERT_EQ(bench.say(Verb::promote), "");
  bench.run(minutes(3));
  EXPECT_EQ(bench.weights, (Weights{500, 2500})) << "one step only";
}

TEST(RolloutVerbs, PromoteWaitsWhileOldCannotServe) {
  RolloutBench bench = in_state(State::stepping);
  bench.around.old_up = 0;
  ASSERT_EQ(bench.say(Verb::promote), "");
  bench.run(seconds(30));
  EXPECT_EQ(bench.weight(), 500U);
  EXPECT_EQ(bench.reason(), "old_down");
}

TEST(RolloutVerbs, FullPromotionSkipsTheRestAndCanBeUndone) {
  for (const State state : before_promotion) {
    RolloutBench bench = in_state(state);
    ASSERT_EQ(bench.say(Verb::promote_full), "") << to_string(state);
    EXPECT_EQ(bench.state(), State::promoted);
    EXPECT_EQ(bench.weights.back(), 10'000U);
    ASSERT_EQ(bench.say(Verb::undo), "");
    EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(1)));
  }
}

TEST(RolloutVerbs, ApprovalIsForTheGateThatWaits) {
  RolloutSettings policy = short_policy();
  policy.gates = {{.before = 2500, .manual = true}, {.before = 5000, .manual = true}};
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.holds_for("gate"));
  ASSERT_EQ(bench.say(Verb::promote), "");
  ASSERT_TRUE(bench.reaches_weight(2500, seconds(1)));
  ASSERT_TRUE(bench.holds_for("gate"));
  ASSERT_EQ(bench.say(Verb::approve), "");
  EXPECT_TRUE(bench.reaches_weight(5000, seconds(1)));
}

TEST(RolloutVerbs, RetryBeginsAnewWithFreshEvidence) {
  RolloutBench bench = in_state(State::stepping);
  bench.load.new_bad = 0.1;
  ASSERT_TRUE(bench.reaches(State::rolled_back));
  const RolloutRecord before = bench.rollout.record();
  bench.load.new_bad = 0;
  ASSERT_EQ(bench.say(Verb::retry), "");
  const RolloutRecord& record = bench.rollout.record();
  EXPECT_EQ(record.attempt, 2U);
  EXPECT_EQ(record.state, State::staged);
  EXPECT_EQ(record.step, 0U);
  EXPECT_EQ(record.id, before.id);
  EXPECT_EQ(record.policy, before.policy);
  EXPECT_EQ(record.started_by, "bob");
  EXPECT_EQ(record.started_ms, bench.around.now_ms);
  EXPECT_NE(record.salt, before.salt) << "not the same users again";
  EXPECT_GT(record.revision, before.revision);
  EXPECT_NEAR(bench.rollout.evidence(), 1, 1e-9);
  EXPECT_EQ(bench.rollout.status().requests_new, 0U);
  EXPECT_TRUE(bench.reaches(State::promoted));
}

/// Observes while NEW has 5 % that an operator gave it.
RolloutBench observer() {
  RolloutSettings policy = short_policy();
  policy.mode = RolloutMode::observe;
  RolloutRecord record = short_record(policy);
  record.weight = 500;
  RolloutBench bench(record);
  bench.rollout.begin(bench.around.now_ms);
  return bench;
}

TEST(RolloutObserver, NeverMovesAWeight) {
  RolloutBench bench = observer();
  bench.run(minutes(5));
  EXPECT_NE(bench.say(Verb::promote), "");
  EXPECT_NE(bench.say(Verb::promote_full), "");
  bench.load.new_bad = 0.2;
  bench.run(minutes(1));
  bench.around.new_up = 0;
  bench.run(minutes(1));
  EXPECT_THAT(bench.weights, IsEmpty());
  EXPECT_EQ(bench.count_of("rollback"), 0U);
}

TEST(RolloutObserver, SaysOnceThatItWouldRollBack) {
  for (const bool is_paused : {false, true}) {
    RolloutBench bench = observer();
    bench.run(seconds(5));
    if (is_paused) bench.say(Verb::pause);
    bench.load.new_bad = 0.2;
    bench.run(minutes(1));
    EXPECT_EQ(bench.count_of("would_roll_back"), 1U) << (is_paused ? "paused" : "holding");
    EXPECT_EQ(bench.why_of("would_roll_back"), "errors");
  }
}

TEST(RolloutObserver, MovesNoWeightWhenNewIsNeverHealthyOrItIsAborted) {
  for (const bool aborts : {false, true}) {
    RolloutBench bench = observer();
    bench.around.new_up = 4;
    bench.run(seconds(30));
    if (aborts) bench.say(Verb::abort);
    bench.run(minutes(2));
    EXPECT_THAT(bench.weights, IsEmpty()) << (aborts ? "abort" : "timeout");
  }
}

}  // namespace
}  // namespace sluice::core
