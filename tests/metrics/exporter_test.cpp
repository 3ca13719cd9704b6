#include "sluice/metrics.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/metrics/exposition.hpp"

namespace sluice::metrics::test {
namespace {

TEST(Exporter, ShowsRequestsByRoutePoolAndCode) {
  const auto shown = exposed(full_snapshot());
  EXPECT_EQ(
      shown.value("sluice_requests_total", {{"route", "shop"}, {"pool", "v2"}, {"code", "200"}}),
      90);
  EXPECT_EQ(
      shown.value("sluice_requests_total", {{"route", "shop"}, {"pool", "v2"}, {"code", "503"}}),
      3);
  EXPECT_EQ(
      shown.value("sluice_requests_total", {{"route", "shop"}, {"pool", ""}, {"code", "503"}}), 1);
  EXPECT_EQ(shown.value("sluice_requests_in_flight", {{"route", "shop"}, {"pool", "v2"}}), 5);
}

TEST(Exporter, ShowsRetriesSpillsAndRejectedRequests) {
  const auto shown = exposed(full_snapshot());
  EXPECT_EQ(
      shown.value("sluice_retries_total", {{"route", "shop"}, {"pool", "v2"}, {"reason", "reset"}}),
      2);
  EXPECT_EQ(shown.value("sluice_spills_total", {{"route", "shop"}, {"from", "v2"}, {"to", "v1"}}),
            11);
  EXPECT_EQ(shown.value("sluice_rejected_total", {{"route", ""}, {"reason", "no_route"}}), 12);
}

TEST(Exporter, ShowsCountsAndConditionOfABackend) {
  const auto shown = exposed(full_snapshot());
  const std::map<std::string, std::string> labels = {{"pool", "v2"}, {"backend", "127.0.0.1:9101"}};
  const auto with = [&](std::string name, std::string value) {
    auto more = labels;
    more.emplace(std::move(name), std::move(value));
    return more;
  };
  EXPECT_EQ(shown.value("sluice_backend_requests_total", labels), 95);
  EXPECT_EQ(shown.value("sluice_backend_in_flight", labels), 5);
  EXPECT_EQ(shown.value("sluice_backend_up", labels), 1);
  EXPECT_EQ(shown.value("sluice_backend_draining", labels), 1);
  EXPECT_EQ(shown.value("sluice_attempt_failures_total", with("reason", "reset")), 6);
  EXPECT_EQ(shown.value("sluice_attempt_failures_total", with("reason", "connect_refused")), 1);
  EXPECT_EQ(shown.value("sluice_backend_connections", with("state", "active")), 5);
  EXPECT_EQ(shown.value("sluice_backend_connections", with("state", "idle")), 3);
  EXPECT_EQ(shown.value("sluice_backend_connections", with("state", "upgraded")), 2);
}

TEST(Exporter, NeverShowsLessThanZeroActiveConnections) {
  auto snapshot = full_snapshot();
  snapshot.backends[0].open = 4;
  const auto shown = exposed(snapshot);
  EXPECT_EQ(shown.value("sluice_backend_connections",
                        {{"pool", "v2"}, {"backend", "127.0.0.1:9101"}, {"state", "active"}}),
            0);
}

TEST(Exporter, ShowsADownBackendAsZero) {
  auto snapshot = full_snapshot();
  snapshot.backends[0].up = false;
  snapshot.backends[0].draining = false;
  const auto shown = exposed(snapshot);
  const std::map<std::string, std::string> labels = {{"pool", "v2"}, {"backend", "127.0.0.1:9101"}};
  EXPECT_EQ(shown.value("sluice_backend_up", labels), 0);
  EXPECT_EQ(shown.value("sluice_backend_draining", labels), 0);
}

TEST(Exporter, ShowsTheSplitInForceBesideTheConfiguredOne) {
  const auto shown = exposed(full_snapshot());
  EXPECT_DOUBLE_EQ(shown.value("sluice_split_weight_ratio", {{"route", "shop"}, {"pool", "v2"}}),
                   0.25);
  EXPECT_DOUBLE_EQ(
      shown.value("sluice_split_configured_weight_ratio", {{"route", "shop"}, {"pool", "v2"}}),
      0.1);
}

TEST(Exporter, ShowsClientConnectionsByListenerAndState) {
  const auto shown = exposed(full_snapshot());
  const auto state = [](const char* name) {
    return std::map<std::string, std::string>{{"listener", "0.0.0.0:8080"}, {"state", name}};
  };
  EXPECT_EQ(shown.value("sluice_client_connections", state("active")), 5);
  EXPECT_EQ(shown.value("sluice_client_connections", state("idle")), 8);
  EXPECT_EQ(shown.value("sluice_client_connections", state("upgraded")), 2);
  EXPECT_EQ(shown.value("sluice_client_connections_accepted_total", {{"listener", "0.0.0.0:8080"}}),
            99);
}

TEST(Exporter, ShowsTheConditionOfTheProxy) {
  auto snapshot = full_snapshot();
  const auto shown = exposed(snapshot);
  EXPECT_EQ(shown.value("sluice_access_log_dropped_total"), 4);
  EXPECT_EQ(shown.value("sluice_config_generation"), 7);
  EXPECT_EQ(shown.value("sluice_config_last_reload_success"), 1);
  EXPECT_EQ(shown.value("sluice_build_info", {{"version", "1.2.3"}}), 1);
  EXPECT_EQ(shown.value("sluice_is_decider"), 1);
  snapshot.last_reload_ok = false;
  snapshot.is_decider = false;
  EXPECT_EQ(exposed(snapshot).value("sluice_config_last_reload_success"), 0);
  EXPECT_EQ(exposed(snapshot).value("sluice_is_decider"), 0);
}

TEST(Exporter, KnowsEveryFamilyByTypeAndByNoOtherLabels) {
  using Names = std::set<std::string>;
  const std::map<std::string, std::pair<std::string, Names>> expected = {
      {"sluice_requests_total", {"counter", {"route", "pool", "code"}}},
      {"sluice_request_duration_seconds", {"histogram", {"route", "pool"}}},
      {"sluice_response_head_seconds", {"histogram", {"route", "pool"}}},
      {"sluice_requests_in_flight", {"gauge", {"route", "pool"}}},
      {"sluice_retries_total", {"counter", {"route", "pool", "reason"}}},
      {"sluice_spills_total", {"counter", {"route", "from", "to"}}},
      {"sluice_rejected_total", {"counter", {"route", "reason"}}},
      {"sluice_attempt_failures_total", {"counter", {"pool", "backend", "reason"}}},
      {"sluice_backend_requests_total", {"counter", {"pool", "backend"}}},
      {"sluice_backend_in_flight", {"gauge", {"pool", "backend"}}},
      {"sluice_backend_connections", {"gauge", {"pool", "backend", "state"}}},
      {"sluice_backend_up", {"gauge", {"pool", "backend"}}},
      {"sluice_backend_draining", {"gauge", {"pool", "backend"}}},
      {"sluice_split_weight_ratio", {"gauge", {"route", "pool"}}},
      {"sluice_split_configured_weight_ratio", {"gauge", {"route", "pool"}}},
      {"sluice_rollout_state", {"gauge", {"route", "state"}}},
      {"sluice_rollout_step", {"gauge", {"route"}}},
      {"sluice_rollout_weight_ratio", {"gauge", {"route", "kind"}}},
      {"sluice_rollout_evidence", {"gauge", {"route", "stream"}}},
      {"sluice_rollout_error_ratio_lower_bound", {"gauge", {"route"}}},
      {"sluice_rollout_decisions_total", {"counter", {"route", "decision", "reason"}}},
      {"sluice_rollout_hold_seconds_total", {"counter", {"route", "reason"}}},
      {"sluice_rollout_shielded_total", {"counter", {"route"}}},
      {"sluice_rollout_bad_requests_total", {"counter", {"route", "pool", "stream"}}},
      {"sluice_client_connections", {"gauge", {"listener", "state"}}},
      {"sluice_client_connections_accepted_total", {"counter", {"listener"}}},
      {"sluice_access_log_dropped_total", {"counter", {}}},
      {"sluice_config_generation", {"gauge", {}}},
      {"sluice_config_last_reload_success", {"gauge", {}}},
      {"sluice_config_last_reload_timestamp_seconds", {"gauge", {}}},
      {"sluice_is_decider", {"gauge", {}}},
      {"sluice_build_info", {"gauge", {"version"}}},
      {"process_cpu_seconds_total", {"counter", {}}},
      {"process_start_time_seconds", {"gauge", {}}},
      {"process_resident_memory_bytes", {"gauge", {}}},
      {"process_virtual_memory_bytes", {"gauge", {}}},
      {"process_open_fds", {"gauge", {}}},
      {"process_max_fds", {"gauge", {}}},
      {"process_threads", {"gauge", {}}},
  };
  const auto shown = exposed(full_snapshot());
  std::map<std::string, std::pair<std::string, Names>> found;
  for (const auto& [name, type] : shown.types()) found[name].first = type;
  for (const auto& [series, value] : shown.all()) {
    auto name = series.name;
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix)) name.resize(name.size() - std::string(suffix).size());
    }
    for (const auto& [label, text] : series.labels) {
      if (label != "le") found[name].second.insert(label);
    }
  }
  EXPECT_EQ(found, expected);
}

TEST(Exporter, ExplainsEveryFamilyInASentence) {
  const auto shown = exposed(full_snapshot());
  for (const auto& [name, type] : shown.types()) {
    ASSERT_TRUE(shown.helps().contains(name)) << name;
    const auto& help = shown.helps().at(name);
    EXPECT_GT(help.size(), 20U) << name;
    EXPECT_TRUE(help.ends_with('.')) << name;
    const bool counts_seconds = name.find("_seconds") != name.npos;
    EXPECT_EQ(counts_seconds, help.find("in seconds") != help.npos) << name << ": " << help;
  }
}

TEST(Exporter, ShowsOnlyProxyAndProcessForAnEmptySnapshot) {
  const auto shown = exposed({});
  EXPECT_EQ(shown.value("sluice_config_generation"), 0);
  EXPECT_EQ(shown.value("sluice_build_info", {{"version", ""}}), 1);
  EXPECT_TRUE(shown.has("process_open_fds"));
  EXPECT_FALSE(shown.has_family("sluice_requests_total"));
  EXPECT_FALSE(shown.has_family("sluice_backend_up"));
  EXPECT_FALSE(shown.has_family("sluice_rollout_state"));
  EXPECT_FALSE(shown.has_family("sluice_rollout_shielded_total"));
}

TEST(Exporter, ShowsLargeCountersToTheUnit) {
  auto snapshot = full_snapshot();
  snapshot.backends[0].requests = (1ULL << 53) - 1;
  const auto text = Exporter().render(snapshot, {});
  EXPECT_NE(text.find("} 9007199254740991\n"), text.npos);
}

TEST(Exporter, NeverLowersACounterWhileTheSnapshotGrows) {
  Exporter exporter;
  auto snapshot = full_snapshot();
  auto before = Exposition(exporter.render(snapshot, {}));
  for (int round = 0; round < 20; ++round) {
    snapshot.routes[0].codes[0].second += 1;
    snapshot.routes[0].duration.observe(3'000'000);
    snapshot.routes.push_back({.route = "r" + std::to_string(round),
                               .pool = "v1",
                               .codes = {{200, 1}},
                               .duration = {},
                               .response_head = {},
                               .in_flight = 0,
                               .retries = {}});
    snapshot.backends[0].failures[0].second += 1;
    snapshot.generation += 1;
    auto after = Exposition(exporter.render(snapshot, {}));
    for (const auto& [series, value] : before.all()) {
      if (!series.name.starts_with("sluice_")) continue;
      EXPECT_GE(after.value(series.name, series.labels), value) << series.name;
    }
    before = std::move(after);
  }
  EXPECT_EQ(
      before.value("sluice_request_duration_seconds_count", {{"route", "shop"}, {"pool", "v2"}}),
      23);
}

TEST(Exporter, NamesTheTextFormat) {
  EXPECT_EQ(Exporter::content_type(), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace
}  // namespace sluice::metrics::test
