#include <gmock/gmock.h>

#include "tests/core/rollout_bench.hpp"

namespace sluice::core {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using State = RolloutState;
using Weights = std::vector<std::uint32_t>;

constexpr std::array every_reaction{Inconclusive::hold, Inconclusive::advance,
                                    Inconclusive::rollback};

/// Pitfall P14.
TEST(RolloutAdvance, NoTrafficNeitherAdvancesNorRollsBack) {
  for (const Inconclusive reaction : every_reaction) {
    for (const std::uint64_t wanted : {0U, 100U}) {
      RolloutSettings policy = short_policy();
      policy.on_inconclusive = reaction;
      policy.min_requests = wanted;
      policy.deadline = minutes(3);
      RolloutBench bench(policy);
      bench.load.requests = 0;
      bench.run(minutes(5));
      EXPECT_EQ(bench.weights, Weights{500});
      EXPECT_EQ(bench.state(), State::holding);
      EXPECT_EQ(bench.reason(), wanted > 0 ? "no_traffic" : "inconclusive");
    }
  }
}

TEST(RolloutAdvance, InconclusiveStepDoesAsThePolicySays) {
  for (const Inconclusive reaction : every_reaction) {
    RolloutSettings policy = short_policy();
    policy.on_inconclusive = reaction;
    RolloutBench bench(policy);
    bench.load.requests = 1;
    bench.run(seconds(58));
    EXPECT_EQ(bench.weight(), 500U);
    EXPECT_EQ(bench.reason(), "too_few_requests");
    bench.run(seconds(4));
    const bool holds = reaction == Inconclusive::hold;
    const bool advances = reaction == Inconclusive::advance;
    EXPECT_EQ(bench.weight(), holds ? 500U : advances ? 2500U : 0U);
    EXPECT_EQ(bench.why_of("rollback"), holds || advances ? "" : "inconclusive");
  }
}

TEST(RolloutAdvance, HoldSaysHowLongItWillTake) {
  RolloutBench bench;
  bench.load.requests = 20;
  ASSERT_TRUE(bench.holds_for("too_few_requests"));
  EXPECT_THAT(bench.rollout.record().words, HasSubstr("of 100 requests"));
  EXPECT_THAT(bench.rollout.record().words, HasSubstr("more at this rate"));
}

TEST(RolloutAdvance, ThinStepsAreWarnedAboutOnce) {
  RolloutBench bench;
  bench.load.requests = 1;
  bench.run(seconds(50));
  EXPECT_EQ(bench.count_of("warn"), 1U);
  EXPECT_EQ(bench.why_of("warn"), "thin_traffic");
  RolloutBench busy;
  busy.run(seconds(50));
  EXPECT_EQ(busy.count_of("warn"), 0U);
}

TEST(RolloutAdvance, ThinTrafficWithoutAnErrorIsEnoughInTheEnd) {
  RolloutSettings policy = short_policy();
  policy.step_timeout = minutes(20);
  policy.deadline = minutes(60);
  RolloutBench bench(policy);
  bench.load.requests = 10;
  EXPECT_TRUE(bench.reaches_weight(2500, minutes(5))) << bench.rollout.record().words;
}

TEST(RolloutAdvance, OneErrorOfFewRequestsIsNoEvidenceEitherWay) {
  RolloutBench bench;
  bench.load.requests = 1;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.count(0, 0, 1, 1);
  bench.run(minutes(10));
  EXPECT_EQ(bench.weights, Weights{500});
}

TEST(RolloutAdvance, RateAboveTheLimitAdvancesOnlyWhenOldIsNoBetter) {
  for (const double old_rate : {0.004, 0.02}) {
    RolloutBench bench;
    bench.load.old_bad = old_rate;
    bench.load.new_bad = 0.02;
    const bool has_advanced = bench.reaches_weight(2500, seconds(55));
    EXPECT_EQ(has_advanced, old_rate == 0.02) << bench.rollout.record().words;
  }
}

TEST(RolloutAdvance, LateCountsOfAnEarlierWeightAreNotOfTheStep) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(2500));
  Observation late;
  late.weight = 0.05;
  late.new_pool.requests.fill(1000);
  bench.rollout.observe({late}, {}, bench.around);
  bench.quiet_tick();
  EXPECT_EQ(bench.rollout.status().requests_step, 0U);
  EXPECT_GE(bench.rollout.status().requests_new, 1000U);
}

TEST(RolloutAdvance, CountsBeforeTheWeightIsInForceAreNotOfTheStep) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.answers_weights = false;
  ASSERT_TRUE(bench.run_until([&] { return bench.weights.back() == 2500; }));
  bench.run(seconds(5));
  bench.put_in_force(2500);
  EXPECT_EQ(bench.rollout.status().requests_step, 0U);
}

TEST(RolloutAdvance, FailedHookHoldsUntilItIsTold) {
  RolloutBench bench;
  ASSERT_TRUE(bench.reaches_weight(500));
  bench.rollout.hook_failed("the pager is dead");
  bench.run(minutes(5));
  EXPECT_EQ(bench.reason(), "hook");
  EXPECT_EQ(bench.rollout.record().words, "the pager is dead");
  EXPECT_EQ(bench.weights, Weights{500});
  bench.rollout.hook_failed("");
  EXPECT_TRUE(bench.reaches_weight(2500, seconds(1)));
}

TEST(RolloutAdvance, QueryActsAfterBadSamplesInARow) {
  for (const RolloutReaction action : {RolloutReaction::hold, RolloutReaction::rollback}) {
    RolloutSettings policy = short_policy();
    policy.queries = {{.expr = "max(cpu)", .bad_when = "> 0.85", .samples = 3, .action = action}};
    RolloutBench bench(policy);
    ASSERT_TRUE(bench.reaches_weight(500));
    for (const bool is_bad : {true, true, false, true, true}) {
      bench.rollout.query_sample(0, is_bad);
      bench.tick();
      EXPECT_EQ(bench.state(), State::stepping);
    }
    // Failures of the query in between are no samples.
    bench.run(seconds(2));
    bench.rollout.query_sample(0, true);
    bench.tick();
    if (action == RolloutReaction::rollback) {
      EXPECT_EQ(bench.why_of("rollback"), "query");
      continue;
    }
    EXPECT_EQ(bench.reason(), "query");
    bench.run(minutes(2));
    EXPECT_EQ(bench.weights, Weights{500});
    bench.rollout.query_sample(0, false);
    EXPECT_TRUE(bench.reaches_weight(2500, seconds(1)));
  }
}

TEST(RolloutAdvance, NothingAdvancesInAFreezeAndNewIsStillJudged) {
  RolloutSettings policy = short_policy();
  policy.freeze = {"Mon 00:00 - Mon 01:00"};
  RolloutBench bench(policy);
  bench.around.minute_of_week = 30;
  ASSERT_TRUE(bench.holds_for("freeze"));
  bench.run(minutes(5));
  EXPECT_THAT(bench.weights, IsEmpty());
  bench.around.minute_of_week = 60;
  ASSERT_TRUE(bench.reaches_weight(2500, minutes(1)));
  bench.around.minute_of_week = 30;
  bench.load.new_bad = 0.1;
  EXPECT_TRUE(bench.reaches(State::rolled_back, seconds(5)));
}

TEST(RolloutAdvance, NothingIsPromotedInAFreeze) {
  RolloutSettings policy = short_policy();
  policy.freeze = {"Mon 00:00 - Mon 01:00"};
  RolloutBench bench(policy);
  bench.around.minute_of_week = 60;
  ASSERT_TRUE(bench.reaches(State::baking));
  bench.around.minute_of_week = 30;
  bench.run(minutes(5));
  EXPECT_EQ(bench.weight(), 9500U);
  EXPECT_EQ(bench.reason(), "freeze");
}

TEST(RolloutAdvance, InconclusiveStepAdvancesNeitherInAFreezeNorPastAGate) {
  for (const bool is_frozen : {true, false}) {
    RolloutSettings policy = short_policy();
    policy.on_inconclusive = Inconclusive::advance;
    if (is_frozen) policy.freeze = {"Mon 00:00 - Mon 01:00"};
    if (!is_frozen) policy.gates = {{.before = 2500, .manual = true}};
    RolloutBench bench(policy);
    bench.around.minute_of_week = 60;
    bench.load.requests = 1;
    ASSERT_TRUE(bench.reaches_weight(500));
    bench.around.minute_of_week = 30;
    bench.run(minutes(3));
    EXPECT_EQ(bench.weight(), 500U) << (is_frozen ? "freeze" : "gate");
  }
}

TEST(RolloutAdvance, ManualGateWaitsForApproval) {
  RolloutSettings policy = short_policy();
  policy.gates = {{.before = 2500, .manual = true}, {.before = 10'000, .manual = true}};
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.holds_for("gate"));
  bench.run(minutes(5));
  EXPECT_EQ(bench.weight(), 500U);
  EXPECT_EQ(bench.gate_asks, 0U);
  ASSERT_EQ(bench.say(RolloutVerb::approve), "");
  bench.tick();
  EXPECT_EQ(bench.weight(), 2500U);
  ASSERT_TRUE(bench.run_until([&] { return bench.reason() == "gate"; }));
  EXPECT_EQ(bench.weight(), 9500U);
  ASSERT_EQ(bench.say(RolloutVerb::approve), "");
  EXPECT_TRUE(bench.reaches(State::promoted, seconds(1)));
}

TEST(RolloutAdvance, HookOfAGateIsAskedAgainUntilItAnswers) {
  RolloutSettings policy = short_policy();
  policy.gates = {{.before = 2500, .hook = "http://127.0.0.1:7000/approve"}};
  RolloutBench bench(policy);
  ASSERT_TRUE(bench.holds_for("gate"));
  bench.run(seconds(60));
  EXPECT_GE(bench.gate_asks, 10U);
  EXPECT_LE(bench.gate_asks, 15U);
  bench.hook_agrees = true;
  EXPECT_TRUE(bench.reaches_weight(2500, seconds(6)));
}

TEST(RolloutAdvance, ClosedGateEndsAsThePolicySays) {
  for (const bool refuses : {false, true}) {
    for (const auto reaction : {RolloutReaction::hold, RolloutReaction::rollback}) {
      RolloutSettings policy = short_policy();
      policy.gates = {{.before = 2500,
                       .hook = "http://127.0.0.1:7000/approve",
                       .timeout = minutes(2),
                       .on_timeout = reaction}};
      RolloutBench bench(policy);
      if (refuses) bench.hook_agrees = false;
      ASSERT_TRUE(bench.holds_for("gate"));
      bench.run(refuses ? seconds(1) : minutes(2) + seconds(1));
      const bool holds = reaction == RolloutReaction::hold;
      EXPECT_EQ(bench.state(), holds ? State::holding : State::rolled_back);
      EXPECT_EQ(bench.reason(), "gate");
      const auto asks = bench.gate_asks;
      bench.run(minutes(1));
      EXPECT_EQ(bench.gate_asks, asks);
    }
  }
}

/// The most that NEW gained within any minute.
TEST(RolloutAdvance, SlewIsNeverFasterThanAllowedAndReachesTheStep) {
  RolloutSettings policy = short_policy();
  policy.slew = 600;
  policy.step_time = seconds(40);
  RolloutBench bench(policy);
  std::vector<std::uint32_t> seen;
  ASSERT_TRUE(bench.run_until(
      [&] {
        seen.push_back(bench.weight());
        return bench.weight() == 9500;
      },
      minutes(25)));
  for (const std::uint32_t step : policy.steps) {
    EXPECT_NE(std::find(seen.begin(), seen.end(), step), seen.end()) << step;
  }
  std::uint32_t most = 0;
  for (std::size_t i = 600; i < seen.size(); ++i) most = std::max(most, seen[i] - seen[i - 600]);
  EXPECT_LE(most, 600U + 10U) << "and the last second's part";
}

}  // namespace
}  // namespace sluice::core
