#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/metrics/exposition.hpp"

namespace sluice::metrics::test {
namespace {

const std::vector<std::string> all_states = {"staged", "mirroring",    "stepping",   "holding",
                                             "paused", "baking",       "promoted",   "draining",
                                             "done",   "rolling_back", "rolled_back"};

Snapshot one_rollout() {
  Snapshot snapshot;
  add_rollout(snapshot);
  return snapshot;
}

TEST(RolloutFamilies, SayOneOfElevenStates) {
  auto snapshot = one_rollout();
  for (const auto& present : all_states) {
    snapshot.rollouts[0].state = present;
    const auto shown = exposed(snapshot);
    for (const auto& state : all_states) {
      EXPECT_EQ(shown.value("sluice_rollout_state", {{"route", "shop"}, {"state", state}}),
                state == present ? 1 : 0)
          << state << " while " << present;
    }
    std::size_t series = 0;
    for (const auto& entry : shown.all()) series += entry.first.name == "sluice_rollout_state";
    EXPECT_EQ(series, all_states.size());
  }
}

TEST(RolloutFamilies, ShowStepAndWeights) {
  const auto shown = exposed(one_rollout());
  const auto weight = [&](const char* kind) {
    return shown.value("sluice_rollout_weight_ratio", {{"route", "shop"}, {"kind", kind}});
  };
  EXPECT_EQ(shown.value("sluice_rollout_step", {{"route", "shop"}}), 2);
  EXPECT_DOUBLE_EQ(weight("configured"), 0.05);
  EXPECT_DOUBLE_EQ(weight("realised"), 0.04);
}

TEST(RolloutFamilies, KnowNoRealisedShareWhenNothingIsLeftToCompareWith) {
  auto snapshot = one_rollout();
  snapshot.rollouts[0].weight = 1;
  snapshot.rollouts[0].realised = 0;
  const auto shown = exposed(snapshot);
  EXPECT_EQ(shown.value("sluice_rollout_weight_ratio", {{"route", "shop"}, {"kind", "configured"}}),
            1);
  EXPECT_FALSE(shown.has("sluice_rollout_weight_ratio", {{"route", "shop"}, {"kind", "realised"}}));
}

TEST(RolloutFamilies, ShowTheJudgement) {
  const auto shown = exposed(one_rollout());
  const auto evidence = [&](const char* stream) {
    return shown.value("sluice_rollout_evidence", {{"route", "shop"}, {"stream", stream}});
  };
  EXPECT_DOUBLE_EQ(evidence("errors"), 24.5);
  EXPECT_DOUBLE_EQ(evidence("p99"), 0.5);
  EXPECT_DOUBLE_EQ(shown.value("sluice_rollout_error_ratio_lower_bound", {{"route", "shop"}}), 1.5);
}

// Nothing above the largest double, to which its digits would be rounded up.
TEST(RolloutFamilies, ShowTheLargestEvidenceAsANumberThatCanBeRead) {
  auto snapshot = one_rollout();
  snapshot.rollouts[0].evidence = {{"errors", std::numeric_limits<double>::max()}};
  EXPECT_EQ(
      exposed(snapshot).value("sluice_rollout_evidence", {{"route", "shop"}, {"stream", "errors"}}),
      1e300);
}

TEST(RolloutFamilies, CountDecisionsAndHolds) {
  const auto shown = exposed(one_rollout());
  const auto decisions = [&](const char* decision, const char* reason) {
    return shown.value("sluice_rollout_decisions_total",
                       {{"route", "shop"}, {"decision", decision}, {"reason", reason}});
  };
  const auto held = [&](const char* reason) {
    return shown.value("sluice_rollout_hold_seconds_total",
                       {{"route", "shop"}, {"reason", reason}});
  };
  EXPECT_EQ(decisions("advance", ""), 2);
  EXPECT_EQ(decisions("hold", "errors"), 1);
  EXPECT_DOUBLE_EQ(held("errors"), 2.5);
  EXPECT_DOUBLE_EQ(held("no_traffic"), 60);
}

TEST(RolloutFamilies, CountBadAndShieldedRequests) {
  const auto shown = exposed(one_rollout());
  const auto bad = [&](const char* pool) {
    return shown.value("sluice_rollout_bad_requests_total",
                       {{"route", "shop"}, {"pool", pool}, {"stream", "errors"}});
  };
  EXPECT_EQ(bad("v1"), 3);
  EXPECT_EQ(bad("v2"), 14);
  EXPECT_EQ(shown.value("sluice_rollout_shielded_total", {{"route", "shop"}}), 13);
}

TEST(RolloutFamilies, ShowZeroForAShieldThatDidNothingYet) {
  Snapshot snapshot;
  snapshot.rollout_totals.push_back({"shop", {}, {}, {}, 0});
  EXPECT_EQ(exposed(snapshot).value("sluice_rollout_shielded_total", {{"route", "shop"}}), 0);
}

TEST(RolloutFamilies, GrowByNothingFromReleaseToRelease) {
  auto snapshot = one_rollout();
  const auto before = exposed(snapshot);
  snapshot.rollouts[0].id = "build-43";
  snapshot.rollouts[0].from = "v2";
  snapshot.rollouts[0].to = "v1";
  const auto after = exposed(snapshot);
  for (const auto& [series, value] : after.all()) {
    EXPECT_TRUE(before.has(series.name, series.labels)) << series.name;
    for (const auto& [label, text] : series.labels) EXPECT_NE(text, "build-43") << series.name;
  }
}

TEST(RolloutFamilies, KeepRoutesApart) {
  auto snapshot = one_rollout();
  add_rollout(snapshot);
  snapshot.rollouts[1].route = "blog";
  snapshot.rollouts[1].step = 5;
  snapshot.rollout_totals[1].route = "blog";
  snapshot.rollout_totals[1].shielded = 1;
  const auto shown = exposed(snapshot);
  EXPECT_EQ(shown.value("sluice_rollout_step", {{"route", "shop"}}), 2);
  EXPECT_EQ(shown.value("sluice_rollout_step", {{"route", "blog"}}), 5);
  EXPECT_EQ(shown.value("sluice_rollout_shielded_total", {{"route", "shop"}}), 13);
  EXPECT_EQ(shown.value("sluice_rollout_shielded_total", {{"route", "blog"}}), 1);
}

TEST(RolloutFamilies, RepairLabels) {
  auto snapshot = one_rollout();
  snapshot.rollouts[0].route = snapshot.rollout_totals[0].route = "a\xFF";
  const auto shown = exposed(snapshot);
  EXPECT_TRUE(shown.has("sluice_rollout_step", {{"route", "a\xEF\xBF\xBD"}}));
  EXPECT_TRUE(shown.has("sluice_rollout_shielded_total", {{"route", "a\xEF\xBF\xBD"}}));
}

}  // namespace
}  // namespace sluice::metrics::test
