#include <algorithm>
#include <ctime>
#include <map>

#include "tests/e2e/scene.hpp"
#include "tests/support/load.hpp"

namespace sluice::e2e {
namespace {

std::string text_of(const boost::json::object& line, const char* key) {
  const auto* value = line.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

double number_of(const boost::json::object& line, const char* key) {
  const auto* value = line.if_contains(key);
  boost::json::error_code error;
  return value != nullptr && value->is_number() ? value->to_number<double>(error) : -1;
}

TEST(AccessLog, TellsWhatHappenedToARequest) {
  Scene scene(answers(201, "0123456789"));
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  const Response answer = scene.ask(
      request_text("POST", "/path?q=\"1\"",
                   "X-Request-Id: my-id\r\ntraceparent: 00-" + trace + "-b7ad6b7169203331-01\r\n",
                   "body"),
      "POST");
  ASSERT_EQ(answer.status, 201u) << answer;
  const boost::json::object line = scene.sluice.access_log(1).at(0);
  EXPECT_EQ(text_of(line, "request_id"), "my-id");
  EXPECT_EQ(text_of(line, "trace_id"), trace);
  EXPECT_TRUE(text_of(line, "client").starts_with("127.0.0.1"));
  EXPECT_EQ(text_of(line, "listener"), scene.sluice.listener());
  EXPECT_EQ(text_of(line, "method"), "POST");
  EXPECT_EQ(text_of(line, "host"), "test.example");
  EXPECT_TRUE(text_of(line, "path").starts_with("/path"));
  EXPECT_EQ(text_of(line, "route"), "all");
  EXPECT_EQ(text_of(line, "pool"), "v1");
  EXPECT_EQ(text_of(line, "backend"), scene.backend.address());
  EXPECT_FALSE(text_of(line, "why").empty());
  EXPECT_EQ(text_of(line, "connection"), "keep-alive");
  EXPECT_EQ(number_of(line, "attempts"), 1);
  EXPECT_EQ(number_of(line, "status"), 201);
  EXPECT_EQ(number_of(line, "bytes_in"), 4);
  EXPECT_GE(number_of(line, "bytes_out"), 10);
  EXPECT_GE(number_of(line, "duration_ms"), number_of(line, "head_ms"));
  EXPECT_GE(number_of(line, "head_ms"), 0);
  EXPECT_GE(number_of(line, "connect_ms"), 0);
  EXPECT_GE(number_of(line, "generation"), 1);
  EXPECT_NEAR(number_of(line, "ts"), static_cast<double>(std::time(nullptr)), 60);
  EXPECT_EQ(text_of(line, "request_id"), scene.backend.last().fields.get("X-Request-Id"));
}

TEST(AccessLog, TellsWhyAPoolWasChosen) {
  TestBackend one("v1");
  TestBackend two("v2");
  const SluiceProcess sluice(
      two_pools(one.address(), two.address(), "100", "0",
                "sticky = { header = \"X-User\" }\n"
                "force = [ { header = \"X-Release\", value = \"new\", pool = \"v2\" } ]\n"));
  sluice.client().get("/drawn");
  sluice.client().get("/sticky", "X-User: 1\r\n");
  sluice.client().get("/forced", "X-Release: new\r\n");
  std::map<std::string, std::string> why;
  for (const auto& line : sluice.access_log(3)) why[text_of(line, "path")] = text_of(line, "why");
  EXPECT_EQ(why.size(), 3u);
  EXPECT_NE(why["/drawn"], why["/sticky"]);
  EXPECT_NE(why["/drawn"], why["/forced"]);
  EXPECT_NE(why["/sticky"], why["/forced"]);
}

TEST(AccessLog, HasOwnAnswersToo) {
  const SluiceProcess sluice(one_pool(free_address(), "", "host = \"shop.example\"\n"));
  const Response no_route = sluice.client().get("/");
  const Response broken = sluice.client().ask("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  const auto lines = sluice.access_log(2);
  for (const Response* answer : {&no_route, &broken}) {
    const auto line = std::find_if(lines.begin(), lines.end(), [answer](const auto& candidate) {
      return text_of(candidate, "request_id") == answer->fields.get("X-Request-Id");
    });
    ASSERT_NE(line, lines.end()) << *answer;
    EXPECT_EQ(number_of(*line, "status"), static_cast<double>(answer->status));
    EXPECT_FALSE(text_of(*line, "error").empty());
  }
}

TEST(AccessLog, OctetsOfClientsCannotForgeLines) {
  Scene scene;
  scene.get("/\"},{\\\xff\xc3", "User-Agent: \"\\\r\n");
  scene.get("/after");
  const auto lines = scene.sluice.access_log(2);
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const auto& line) { return text_of(line, "path") == "/after"; }),
            1);
}

TEST(AccessLog, AFullDiskCostsLinesAndNotRequests) {
  TestBackend backend;
  ConfigText config = one_pool(backend.address());
  config.log = "access = \"/dev/full\"\n";
  const SluiceProcess sluice(config);
  Load load({.address = sluice.listener(), .connections = 4, .max_requests = 500});
  const LoadCounts counts = load.finish();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(counts.requests, 500u);
  EXPECT_TRUE(
      eventually([&] { return sluice.admin().metric("sluice_access_log_dropped_total") > 0; }));
}

TEST(AccessLog, CanBeOff) {
  TestBackend backend;
  ConfigText config = one_pool(backend.address());
  config.log = "access = \"off\"\n";
  SluiceProcess sluice(config);
  EXPECT_EQ(sluice.client().get("/").status, 200u);
  sluice.process().signal(15);
  EXPECT_EQ(sluice.process().wait_exit(), 0);
  EXPECT_EQ(read_file(sluice.file("stdout")), "");
}

}  // namespace
}  // namespace sluice::e2e
