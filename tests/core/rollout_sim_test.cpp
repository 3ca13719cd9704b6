#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "bench/rollout_sim/figures.hpp"
#include "bench/rollout_sim/policy.hpp"
#include "bench/rollout_sim/runs.hpp"
#include "bench/rollout_sim/scenario.hpp"

/// The short version of the simulator: the bars that a few seeded runs can show.
namespace sluice::sim {
namespace {

Scenario scenario_of(const std::string& name) {
  for (const Scenario& scenario : all_scenarios()) {
    if (scenario.name == name) return scenario;
  }
  throw std::invalid_argument(name);
}

PolicyKind policy_of(const std::string& name) {
  for (const PolicyKind& kind : all_policies()) {
    if (kind.name == name) return kind;
  }
  throw std::invalid_argument(name);
}

Figures run(const std::string& scenario, const std::string& policy, std::uint64_t runs) {
  return run_all(scenario_of(scenario), policy_of(policy), {.runs = runs, .seed = 4});
}

class SoundReleaseTest : public testing::TestWithParam<const char*> {};

TEST_P(SoundReleaseTest, IsNotRolledBack) {
  Scenario scenario = scenario_of(GetParam());
  scenario.rate = 200;
  EXPECT_EQ(run_all(scenario, sluice_policy(), {.runs = 2, .seed = 4}).rolled_back, 0U);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, SoundReleaseTest,
                         testing::Values("identical, 0.1 % errors", "identical, p99 1 s",
                                         "shared outage, NEW fails faster",
                                         "shared slowness x5, 30 s", "bursty errors",
                                         "sticky, one looping client",
                                         "one bad NEW backend of five", "NEW better"));

TEST(RolloutSimTest, AVersionThatFailsATenthIsFoundAfterAFewErrors) {
  const Figures ours = run("at 5 %: 10 % errors", "sluice", 200);
  EXPECT_EQ(ours.rolled_back, ours.runs);
  EXPECT_LE(ours.detect_median_s.value(), 1.5);
  EXPECT_LE(ours.errors_by_then_median.value(), 6);
}

TEST(RolloutSimTest, OthersLetTwentyTimesAsManyErrorsThrough) {
  const Figures ours = run("at 5 %: 10 % errors", "sluice", 100);
  for (const char* other : {"Flagger 60 s/1", "Argo 60 s/0"}) {
    EXPECT_GE(run("at 5 %: 10 % errors", other, 3).errors_mean, 20 * ours.errors_mean) << other;
  }
}

TEST(RolloutSimTest, ASlowTailIsFoundInSeconds) {
  EXPECT_LE(run("at 5 %: p99 x5", "sluice", 20).detect_median_s.value(), 10);
  EXPECT_LE(run("at 5 %: p99 x5 from a moment on", "sluice", 10).detect_median_s.value(), 10);
}

TEST(RolloutSimTest, WithoutTrafficItHolds) {
  const Figures ours = run("no traffic", "sluice", 1);
  EXPECT_EQ(ours.rolled_back + ours.promoted, 0U);
}

TEST(RolloutSimTest, NeverGoesBackToAnOldPoolThatIsDown) {
  EXPECT_EQ(run("OLD down", "sluice", 1).rolled_back, 0U);
}

TEST(RolloutSimTest, EveryPolicySeesTheSameRequestsOnAnyNumberOfThreads) {
  const Scenario scenario = scenario_of("at 5 %: 10 % errors");
  const Figures one = run_all(scenario, sluice_policy(), {.runs = 20, .seed = 9, .threads = 1});
  const Figures two = run_all(scenario, sluice_policy(), {.runs = 20, .seed = 9, .threads = 2});
  EXPECT_EQ(one.errors_mean, two.errors_mean);
  EXPECT_EQ(one.detect_median_s, two.detect_median_s);
}

// Their documentation: a query without values is a failed check, and an error.
TEST(RivalPoliciesTest, TakeTheLackOfTrafficForAFailure) {
  const Figures flagger = run("no traffic", "Flagger 60 s/1", 1);
  EXPECT_EQ(flagger.rolled_back, 1U);
  EXPECT_DOUBLE_EQ(flagger.detect_median_s.value(), 120);
  const Figures argo = run("no traffic", "Argo 60 s/0", 1);
  EXPECT_EQ(argo.rolled_back, 1U);
  EXPECT_DOUBLE_EQ(argo.detect_median_s.value(), 40);
}

TEST(RivalPoliciesTest, PromoteAtTheirOwnPace) {
  EXPECT_DOUBLE_EQ(run("identical, 0 % errors", "Flagger 60 s/1", 1).promote_median_s.value(), 600);
}

TEST(FiguresTest, TheIntervalIsClopperAndPearsons) {
  const Interval none = clopper_pearson(0, 20, 0.025);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.168433, 1e-6);
  const Interval some = clopper_pearson(3, 10, 0.025);
  EXPECT_NEAR(some.low, 0.066740, 1e-6);
  EXPECT_NEAR(some.high, 0.652453, 1e-6);
  EXPECT_EQ(clopper_pearson(20, 20, 0.025).high, 1);
}

TEST(FiguresTest, QuantilesLieBetweenNumbers) {
  EXPECT_FALSE(quantile({}, 0.5));
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({4, 2}, 0.5), 3);
}

}  // namespace
}  // namespace sluice::sim
