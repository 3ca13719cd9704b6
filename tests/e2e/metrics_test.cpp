#include <cmath>
#include <map>

#include "tests/e2e/scene.hpp"
#include "tests/support/backend_process.hpp"
#include "tests/support/load.hpp"

namespace sluice::e2e {
namespace {

TEST(Metrics, PromtoolFindsNothingToSay) {
  TestBackend one("v1", answers(200, "x"));
  const SluiceProcess sluice(
      two_pools(one.address(), free_address(), "50", "50", "", quick_health));
  for (int round = 0; round < 20; ++round) sluice.client().get("/");
  sluice.client().ask("nonsense\r\n\r\n");
  const TempDir directory;
  write_file(directory.file("metrics"), sluice.admin().get("/metrics").text);
  const FinishedRun run =
      run_to_end({"sh", "-c", "promtool check metrics < " + directory.file("metrics")});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(run.out + run.err, "");
}

TEST(Metrics, CountRequestsByRoutePoolAndCode) {
  Scene scene([](Exchange& exchange) {
    exchange.answer(exchange.request().target == "/bad" ? 500 : 200, "x");
  });
  for (int round = 0; round < 7; ++round) scene.get("/");
  for (int round = 0; round < 3; ++round) scene.get("/bad");
  const AdminClient admin = scene.sluice.admin();
  const auto requests = [&](std::string_view code) {
    return admin.metric("sluice_requests_total", {"route=\"all\"", "pool=\"v1\"", code});
  };
  EXPECT_TRUE(eventually([&] { return requests("code=") == 10; }));
  EXPECT_EQ(requests("code=\"200\""), 7);
  EXPECT_EQ(requests("code=\"500\""), 3);
  EXPECT_EQ(admin.metric("sluice_request_duration_seconds_count", {"pool=\"v1\""}), 10);
  EXPECT_EQ(admin.metric("sluice_response_head_seconds_count", {"pool=\"v1\""}), 10);
  EXPECT_EQ(admin.metric("sluice_requests_in_flight"), 0);
  EXPECT_EQ(admin.metric("sluice_split_weight_ratio", {"pool=\"v1\""}), 1);
  EXPECT_EQ(admin.metric("sluice_backend_up", {"pool=\"v1\""}), 1);
  EXPECT_EQ(admin.metric("sluice_config_last_reload_success"), 1);
}

TEST(Metrics, CountRefusalsAndFailures) {
  TestBackend backend;
  const SluiceProcess sluice(one_pool(free_address(), "", "host = \"shop.example\"\n"));
  EXPECT_EQ(sluice.client().get("/").status, 404u);
  EXPECT_GE(sluice.client().ask("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n").status, 502u);
  const AdminClient admin = sluice.admin();
  EXPECT_TRUE(eventually([&] { return admin.metric("sluice_rejected_total") >= 1; }));
  EXPECT_GE(admin.metric("sluice_attempt_failures_total", {"pool=\"v1\""}), 1);
}

TEST(Metrics, CountConnections) {
  Scene scene(upgrades_and_echoes());
  RawClient tunnel = scene.sluice.client();
  ASSERT_EQ(tunnel.get("/", "Connection: Upgrade\r\nUpgrade: x\r\n").status, 101u);
  const RawClient idle = scene.sluice.client();
  const AdminClient admin = scene.sluice.admin();
  EXPECT_TRUE(eventually([&] { return admin.metric("sluice_client_connections") == 2; }));
  EXPECT_EQ(admin.metric("sluice_backend_connections", {"pool=\"v1\""}), 1);
  tunnel.stream.close();
  EXPECT_TRUE(eventually([&] { return admin.metric("sluice_backend_connections") == 0; }));
}

/// A Prometheus server that scrapes one target every second.
class SplitPrometheus {
 public:
  explicit SplitPrometheus(const std::string& target) : address_(free_address()) {
    write_file(directory_.file("prometheus.yml"),
               "global: { scrape_interval: 1s }\n"
               "scrape_configs: [{ job_name: sluice, static_configs: [{ targets: ['" +
                   target + "'] }] }]\n");
    child_ = ChildProcess(
        {"prometheus", "--config.file=" + directory_.file("prometheus.yml"),
         "--storage.tsdb.path=" + directory_.file("data"), "--web.listen-address=" + address_},
        directory_.file("out"), directory_.file("err"));
  }

  /// The result of an instant query: the values by the label `pool`; empty while there is none.
  std::map<std::string, double> by_pool(const std::string& query) {
    std::map<std::string, double> values;
    if (child_.has_ended()) throw Failure("prometheus ended: " + read_file(directory_.file("err")));
    try {
      const AdminAnswer answer = AdminClient(address_).get("/api/v1/query?query=" + query);
      if (answer.status != 200) return values;
      for (const auto& item : answer.at("/data/result").as_array())
        values[std::string(item.at_pointer("/metric/pool").as_string())] =
            std::stod(std::string(item.at_pointer("/value/1").as_string()));
    } catch (const Failure&) {
      return {};
    }
    return values;
  }

 private:
  TempDir directory_;
  std::string address_;
  ChildProcess child_;
};

TEST(Metrics, APrometheusServerSeesTheRealisedSplit) {
  const BackendProcess one("v1");
  const BackendProcess two("v2");
  const SluiceProcess sluice(two_pools(one.address(), two.address(), "75", "25"));
  SplitPrometheus prometheus(sluice.admin_address());
  Load load({.address = sluice.listener(), .connections = 16, .max_requests = 2000});
  const LoadCounts counts = load.finish();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  const std::map<std::string, double> expected = {
      {"v1", static_cast<double>(counts.versions.at("v1"))},
      {"v2", static_cast<double>(counts.versions.at("v2"))}};
  std::map<std::string, double> seen;
  EXPECT_TRUE(eventually([&] {
    seen = prometheus.by_pool("sum%20by%20(pool)(sluice_requests_total)");
    return seen == expected;
  })) << seen["v1"]
      << " " << seen["v2"] << " instead of " << expected.at("v1") << " " << expected.at("v2");
  EXPECT_NEAR(expected.at("v2") / 2000, 0.25, 5 * std::sqrt(0.25 * 0.75 / 2000));
}

}  // namespace
}  // namespace sluice::e2e
