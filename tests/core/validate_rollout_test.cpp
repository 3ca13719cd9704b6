#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "core/validate.hpp"
#include "tests/core/policy_problems.hpp"

namespace sluice::core {
namespace {

TEST(ValidateRolloutTest, HasNothingToSayOfTheDefaultsAndOfAGoodPolicy) {
  EXPECT_EQ(places_after([](RolloutSettings&) {}), Places{});
  EXPECT_EQ(places_after([](RolloutSettings& r) { r = {}; }), Places{});
}

TEST(ValidateRolloutTest, IsPartOfARoute) {
  RouteSettings route;
  route.name = "shop";
  route.split = {{"v1", 1}};
  route.rollout.steps = {};
  std::vector<Problem> problems;
  check_route(route, {"v1"}, {}, problems);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].where, "route.shop.rollout.steps");
}

TEST(ValidateRolloutTest, ReportsEverythingAtOnce) {
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.steps = {0};
              r.alpha = 0;
              r.bake = milliseconds{-1};
              r.latency.quantiles = {95};
              r.freeze = {"weekend"};
              r.gates.resize(1);
              r.queries[0].expr = "";
            }),
            (Places{"r.steps[0]", "r.alpha", "r.bake", "r.latency.quantiles[0]", "r.freeze[0]",
                    "r.gate[0].before", "r.query[0].expr"}));
}

TEST(ValidateRolloutStepsTest, ThereIsOneAtLeast) {
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.steps = {};
              r.gates = {};
            }),
            Places{"r.steps"});
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.steps = {9'999};
              r.gates = {};
            }),
            Places{});
}

TEST(ValidateRolloutStepsTest, LieBetween0And100) {
  const auto steps = [](std::vector<std::uint32_t> values) {
    return [values](RolloutSettings& r) {
      r.steps = values;
      r.gates = {};
    };
  };
  EXPECT_EQ(places_after(steps({1, 9'999})), Places{});
  EXPECT_EQ(places_after(steps({0, 500})), Places{"r.steps[0]"});
  EXPECT_EQ(places_after(steps({500, 10'000})), Places{"r.steps[1]"});
  EXPECT_EQ(places_after(steps({500, 4'000'000'000})), Places{"r.steps[1]"});
  EXPECT_EQ(sentence_after(steps({500, 10'000})),
            "The step is 100 %; allowed are steps above 0 and below 100 %: the last one is the "
            "bake, which needs OLD as control.");
}

TEST(ValidateRolloutStepsTest, Rise) {
  const auto change = [](RolloutSettings& r) { r.steps = {100, 2'500, 2'500, 500, 9'500}; };
  EXPECT_EQ(places_after(change), (Places{"r.steps[2]", "r.steps[3]"}));
  EXPECT_EQ(problems_after(change)[1].what,
            "The step is 5 % and comes after 25 %; each step must be above the one before it.");
}

TEST(ValidateRolloutNumbersTest, AlphaIsSmall) {
  for (const double alpha : {1e-9, 0.001, 0.1}) {
    EXPECT_EQ(places_after([&](RolloutSettings& r) { r.alpha = alpha; }), Places{}) << alpha;
  }
  for (const double alpha : {0.0, -0.001, 0.1001, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(places_after([&](RolloutSettings& r) { r.alpha = alpha; }), Places{"r.alpha"})
        << alpha;
  }
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.alpha = 0.10001; }),
            "The number is 0.10001; allowed are numbers above 0 up to 0.1.");
}

/// Whether `right` and none of `wrong` is fine for the number `member` of the part `part`.
template <class Part>
void expect_numbers(Part RolloutSettings::*part, double Part::*member, const std::string& where,
                    const std::vector<std::vector<double>>& right_and_wrong) {
  for (const double right : right_and_wrong[0]) {
    EXPECT_EQ(places_after([&](RolloutSettings& r) { r.*part.*member = right; }), Places{})
        << where << ' ' << right;
  }
  for (const double wrong : right_and_wrong[1]) {
    EXPECT_EQ(places_after([&](RolloutSettings& r) { r.*part.*member = wrong; }), Places{where})
        << where << ' ' << wrong;
  }
}

TEST(ValidateRolloutNumbersTest, LieInTheirRanges) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  expect_numbers(&RolloutSettings::errors, &RolloutErrorSettings::tolerance, "r.errors.tolerance",
                 {{1, 1.1, 10}, {0.999, 0, -1, nan, infinity}});
  expect_numbers(&RolloutSettings::errors, &RolloutErrorSettings::max_rate, "r.errors.max_rate",
                 {{0.0001, 0.999}, {0, 1, -0.1, nan}});
  expect_numbers(&RolloutSettings::latency, &RolloutLatencySettings::tolerance,
                 "r.latency.tolerance", {{0, 0.2, 5}, {-0.01, nan, infinity}});
  expect_numbers(&RolloutSettings::mirror, &MirrorSettings::share, "r.mirror.share",
                 {{0.001, 1}, {0, 1.001, -1, nan}});
}

TEST(ValidateRolloutNumbersTest, TheShieldBudgetIsAShare) {
  for (const double budget : {0.0, 0.1, 1.0}) {
    EXPECT_EQ(places_after([&](RolloutSettings& r) { r.shield_budget = budget; }), Places{});
  }
  for (const double budget : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(places_after([&](RolloutSettings& r) { r.shield_budget = budget; }),
              Places{"r.shield_budget"});
  }
}

TEST(ValidateRolloutGuardTest, EachBoundIsOffOrReal) {
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.guard = {}; }), Places{});
  for (const double rate : {0.0, 1.0, -0.1}) {
    EXPECT_EQ(places_after([&](RolloutSettings& r) { r.guard.max_error_rate = rate; }),
              Places{"r.guard.max_error_rate"});
  }
  for (const int p99 : {0, -1}) {
    EXPECT_EQ(places_after([&](RolloutSettings& r) { r.guard.max_p99 = milliseconds{p99}; }),
              Places{"r.guard.max_p99"});
  }
}

TEST(ValidateRolloutTimesTest, AreNotNegative) {
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              for (milliseconds* time :
                   {&r.step_time, &r.step_timeout, &r.bake, &r.retain_old, &r.deadline,
                    &r.latency.slack, &r.mirror.time, &r.gates[0].timeout, &r.hooks[0].timeout}) {
                *time = milliseconds{-1};
              }
            }),
            (Places{"r.step_time", "r.step_timeout", "r.bake", "r.retain_old", "r.deadline",
                    "r.latency.slack", "r.mirror.time", "r.gate[0].timeout", "r.hook[0].timeout"}));
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.bake = milliseconds{-1}; }),
            "The duration is -1 ms; allowed are 0 up to a year.");
}

TEST(ValidateRolloutTimesTest, AreZeroWhereThatMeansSomething) {
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              for (milliseconds* time :
                   {&r.step_time, &r.bake, &r.retain_old, &r.latency.slack, &r.mirror.time}) {
                *time = milliseconds{0};
              }
            }),
            Places{});
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              for (milliseconds* time : {&r.step_time, &r.step_timeout, &r.deadline,
                                         &r.gates[0].timeout, &r.hooks[0].timeout}) {
                *time = milliseconds{0};
              }
            }),
            (Places{"r.step_timeout", "r.deadline", "r.gate[0].timeout", "r.hook[0].timeout"}));
}

constexpr milliseconds year = std::chrono::hours{8760};

TEST(ValidateRolloutTimesTest, EndWithinAYear) {
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.retain_old = year; }), Places{});
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.retain_old = year + milliseconds{1}; }),
            Places{"r.retain_old"});
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.step_time = r.step_timeout = r.bake = r.mirror.time = milliseconds::max();
            }),
            (Places{"r.step_time", "r.step_timeout", "r.bake", "r.mirror.time"}));
}

TEST(ValidateRolloutTimesTest, AStepDoesNotEndBeforeItMay) {
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.step_timeout = r.step_time; }), Places{});
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.step_timeout = milliseconds{29'000}; }),
            "A step ends after 29 s, but takes at least 30 s (step_time); allowed is the least "
            "time of a step and more.");
}

TEST(ValidateRolloutTimesTest, TheDeadlineLeavesTimeForTheMirrorTheStepsAndTheBake) {
  // 60 s of mirror, 4 steps of 30 s before the bake of 300 s.
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.deadline = milliseconds{480'000}; }), Places{});
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.deadline = milliseconds{479'000}; }),
            "The deadline is 7 min 59 s, but mirror, steps and bake take at least 8 min, so that "
            "no rollout could ever be promoted; allowed is that time and more.");
}

TEST(ValidateRolloutTimesTest, TheDeadlineLeavesTimeForTheSlew) {
  // 95 points at half a point a minute are 190 minutes.
  const auto slow = [](milliseconds deadline) {
    return [deadline](RolloutSettings& r) {
      r.slew = 50;
      r.deadline = deadline;
    };
  };
  constexpr milliseconds least{60'000 + 190 * 60'000 + 300'000};
  EXPECT_EQ(places_after(slow(least)), Places{});
  EXPECT_EQ(places_after(slow(least - milliseconds{1})), Places{"r.deadline"});
}

TEST(ValidateRolloutLatencyTest, QuantilesAreKnownAndNamedOnce) {
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.latency.quantiles = {}; }), Places{});
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.latency.quantiles = {99, 50}; }), Places{});
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.latency.quantiles = {50, 95, 99, 50, 0};
            }),
            (Places{"r.latency.quantiles[1]", "r.latency.quantiles[3]", "r.latency.quantiles[4]"}));
  EXPECT_EQ(sentence_after([](RolloutSettings& r) {
              r.latency.quantiles = {50, 50};
            }),
            "The quantile 50 is named twice; each may be named once.");
}

TEST(ValidateRolloutErrorsTest, StatusesAreErrors) {
  EXPECT_EQ(places_after([](RolloutSettings& r) { r.errors.statuses = {}; }), Places{});
  EXPECT_EQ(places_after([](RolloutSettings& r) {
              r.errors.statuses = {"4xx", "3xx", "50x"};
            }),
            (Places{"r.errors.statuses[1]", "r.errors.statuses[2]"}));
}

TEST(ValidateRolloutFreezeTest, WindowsCanBeRead) {
  EXPECT_EQ(sentence_after([](RolloutSettings& r) { r.freeze[1] = "at night"; }),
            R"("at night" is not a window of time; allowed are "Fri 16:00 - Mon 07:00", each )"
            R"(week, and "22:00 - 06:00", each day, with two different ends.)");
}

}  // namespace
}  // namespace sluice::core
