#include "metrics/distinct.hpp"

#include <gtest/gtest.h>

#include "tests/metrics/exposition.hpp"

namespace sluice::metrics::test {
namespace {

/// `snapshot` with each entry in it a second time.
Snapshot doubled(Snapshot snapshot) {
  const Snapshot copy = snapshot;
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(snapshot.routes, copy.routes);
  append(snapshot.spills, copy.spills);
  append(snapshot.rejected, copy.rejected);
  append(snapshot.backends, copy.backends);
  append(snapshot.listeners, copy.listeners);
  append(snapshot.weights, copy.weights);
  append(snapshot.rollouts, copy.rollouts);
  append(snapshot.rollout_totals, copy.rollout_totals);
  return snapshot;
}

TEST(Distinct, AddsTheCountsOfEntriesWithTheSameLabels) {
  const auto once = exposed(full_snapshot());
  const auto twice = exposed(doubled(full_snapshot()));
  ASSERT_EQ(once.all().size(), twice.all().size());
  for (const auto& [series, value] : once.all()) {
    const auto& name = series.name;
    const bool counts =
        name.starts_with("sluice_requests") || name.starts_with("sluice_request_") ||
        name.starts_with("sluice_response_head") || name.starts_with("sluice_retries") ||
        name.starts_with("sluice_spills") || name.starts_with("sluice_rejected") ||
        name.starts_with("sluice_attempt_failures") ||
        name.starts_with("sluice_client_connections") || name == "sluice_backend_requests_total" ||
        name == "sluice_backend_in_flight" || name == "sluice_backend_connections" ||
        (name.starts_with("sluice_rollout") && name.ends_with("_total"));
    if (name.starts_with("process_")) continue;
    EXPECT_DOUBLE_EQ(twice.value(name, series.labels), counts ? 2 * value : value) << name;
  }
}

TEST(Distinct, AddsRepeatedCodesAndReasonsInsideOneEntry) {
  auto snapshot = full_snapshot();
  snapshot.routes[0].codes = {{503, 1}, {200, 2}, {503, 4}};
  snapshot.backends[0].failures = {{"reset", 1}, {"reset", 2}};
  const auto shown = exposed(snapshot);
  EXPECT_EQ(
      shown.value("sluice_requests_total", {{"route", "shop"}, {"pool", "v2"}, {"code", "503"}}),
      5);
  EXPECT_EQ(shown.value("sluice_attempt_failures_total",
                        {{"pool", "v2"}, {"backend", "127.0.0.1:9101"}, {"reason", "reset"}}),
            3);
}

TEST(Distinct, SortsByLabel) {
  Snapshot snapshot;
  for (const char* route : {"c", "a", "b"}) snapshot.weights.push_back({route, "p", 1, 1});
  const auto sorted = distinct(snapshot);
  ASSERT_EQ(sorted.weights.size(), 3U);
  EXPECT_EQ(sorted.weights[0].route, "a");
  EXPECT_EQ(sorted.weights[1].route, "b");
  EXPECT_EQ(sorted.weights[2].route, "c");
}

TEST(Distinct, TakesTheLaterOfTwoWeights) {
  Snapshot snapshot;
  snapshot.weights = {{"r", "p", 0.1, 0.2}, {"r", "p", 0.3, 0.4}};
  const auto one = distinct(snapshot);
  ASSERT_EQ(one.weights.size(), 1U);
  EXPECT_EQ(one.weights[0].in_force, 0.3);
  EXPECT_EQ(one.weights[0].configured, 0.4);
}

TEST(Distinct, TakesTheLaterOfTwoRollouts) {
  Snapshot snapshot = full_snapshot();
  auto later = snapshot.rollouts[0];
  later.state = "rolled_back";
  later.evidence = {{"errors", 2}, {"p99", 3}, {"errors", 4}};
  snapshot.rollouts.push_back(later);
  const auto one = distinct(snapshot);
  ASSERT_EQ(one.rollouts.size(), 1U);
  EXPECT_EQ(one.rollouts[0].state, "rolled_back");
  const std::vector<std::pair<std::string, double>> evidence = {{"errors", 4}, {"p99", 3}};
  EXPECT_EQ(one.rollouts[0].evidence, evidence);
}

TEST(Distinct, AddsWhatTheRolloutsOfARouteHaveDone) {
  Snapshot snapshot;
  auto& totals = snapshot.rollout_totals;
  totals.push_back({"r", {{"hold", "errors", 1}, {"hold", "errors", 2}}, {}, {}, 1});
  totals.push_back({"r", {{"hold", "p99", 4}}, {{"p99", 0.5}}, {{"v2", "p99", 5}}, 2});
  totals.push_back({"r", {}, {{"p99", 1.5}}, {{"v1", "p99", 6}, {"v2", "p99", 7}}, 4});
  const auto shown = exposed(snapshot);
  const auto decisions = [&](const char* reason) {
    return shown.value("sluice_rollout_decisions_total",
                       {{"route", "r"}, {"decision", "hold"}, {"reason", reason}});
  };
  const auto bad = [&](const char* pool) {
    return shown.value("sluice_rollout_bad_requests_total",
                       {{"route", "r"}, {"pool", pool}, {"stream", "p99"}});
  };
  EXPECT_EQ(decisions("errors"), 3);
  EXPECT_EQ(decisions("p99"), 4);
  EXPECT_EQ(bad("v1"), 6);
  EXPECT_EQ(bad("v2"), 12);
  EXPECT_EQ(shown.value("sluice_rollout_hold_seconds_total", {{"route", "r"}, {"reason", "p99"}}),
            2);
  EXPECT_EQ(shown.value("sluice_rollout_shielded_total", {{"route", "r"}}), 7);
}

BackendCounts backend(bool up, bool draining, bool gone) {
  BackendCounts counts;
  counts.pool = "p";
  counts.backend = "b";
  counts.up = up;
  counts.draining = draining;
  counts.gone = gone;
  return counts;
}

TEST(Distinct, TakesTheConditionOfTheBackendThatIsNotGone) {
  const auto old_one = backend(false, true, true);
  const auto new_one = backend(true, false, false);
  for (const auto& order : {std::vector{old_one, new_one}, std::vector{new_one, old_one}}) {
    Snapshot snapshot;
    snapshot.backends = order;
    const auto one = distinct(snapshot);
    ASSERT_EQ(one.backends.size(), 1U);
    EXPECT_TRUE(one.backends[0].up);
    EXPECT_FALSE(one.backends[0].draining);
    EXPECT_FALSE(one.backends[0].gone);
  }
}

TEST(Distinct, IsUpOnlyWhenAllAreAndDrainsWhenOneDoes) {
  Snapshot snapshot;
  snapshot.backends = {backend(true, false, false), backend(false, true, false)};
  const auto one = distinct(snapshot);
  ASSERT_EQ(one.backends.size(), 1U);
  EXPECT_FALSE(one.backends[0].up);
  EXPECT_TRUE(one.backends[0].draining);
}

}  // namespace
}  // namespace sluice::metrics::test
