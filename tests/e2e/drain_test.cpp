#include <future>

#include "tests/e2e/scene.hpp"
#include "tests/support/backend_process.hpp"
#include "tests/support/load.hpp"

namespace sluice::e2e {
namespace {

constexpr const char* drain_v1 = "/v1/pools/v1/drain";

AdminAnswer drain_and_wait(const SluiceProcess& sluice, const std::string& deadline = "20s") {
  return sluice.admin().post(drain_v1, R"({"wait":true,"deadline":")" + deadline + "\"}");
}

std::string backend_path(const std::string& address, const std::string& verb = "") {
  return "/v1/pools/v1/backends/" + address + (verb.empty() ? "" : "/" + verb);
}

TEST(Drain, ClosesIdleConnectionsAndIsThenDone) {
  Scene scene;
  for (int at = 0; at < 5; ++at) EXPECT_EQ(scene.get("/").status, 200u);
  ASSERT_GT(scene.backend.open(), 0u);
  const AdminAnswer answer = drain_and_wait(scene.sluice);
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.string("/state"), "drained") << answer;
  EXPECT_EQ(answer.number("/open"), 0);
  EXPECT_TRUE(scene.backend.wait_for_open(0, seconds(5)));
  const Response refused = scene.get("/");
  EXPECT_EQ(refused.status, 503u) << refused;
  EXPECT_TRUE(refused.fields.has("Retry-After"));
  EXPECT_EQ(scene.backend.request_count(), 5u);
}

TEST(Drain, WaitsForRequestsInFlight) {
  const auto latch = std::make_shared<Latch>();
  Scene scene(answers_after(latch));
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  auto waiting = std::async(std::launch::async, [&] { return drain_and_wait(scene.sluice); });
  EXPECT_TRUE(eventually([&] { return backend_word(scene.sluice, "drain") == "draining"; }));
  EXPECT_EQ(backend_number(scene.sluice, "in_flight"), 1);
  EXPECT_EQ(waiting.wait_for(milliseconds(100)), std::future_status::timeout);
  const AdminAnswer at_once = scene.sluice.admin().post(drain_v1, R"({"wait":false})");
  EXPECT_EQ(at_once.string("/state"), "draining") << at_once;
  EXPECT_EQ(at_once.number("/in_flight"), 1) << at_once;
  latch->release();
  EXPECT_EQ(client.response().body, "v1");
  const AdminAnswer answer = waiting.get();
  EXPECT_EQ(answer.string("/state"), "drained") << answer;
  EXPECT_EQ(answer.number("/cut"), 0);
  EXPECT_TRUE(scene.backend.wait_for_open(0, seconds(5)));
}

TEST(Drain, CutsWhatIsLeftAtTheDeadlineAndSaysHowMuch) {
  const auto latch = std::make_shared<Latch>();
  Scene scene(answers_after(latch));
  RawClient one = scene.sluice.client();
  RawClient two = scene.sluice.client();
  one.send(request_text("GET", "/"));
  two.send(request_text("GET", "/"));
  ASSERT_TRUE(scene.backend.wait_for_requests(2));
  const AdminAnswer answer = drain_and_wait(scene.sluice, "300ms");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_TRUE(answer.at("/deadline_passed") == boost::json::value(true)) << answer;
  EXPECT_EQ(answer.number("/cut"), 2) << answer;
  for (RawClient* client : {&one, &two}) {
    const Response cut = client->response();
    EXPECT_TRUE(cut.status == 0 || cut.status >= 500) << cut;
  }
  EXPECT_TRUE(eventually([&] { return backend_word(scene.sluice, "drain") == "drained"; }));
  EXPECT_EQ(backend_number(scene.sluice, "open"), 0);
  latch->release();
  EXPECT_TRUE(scene.backend.wait_for_open(0, seconds(5)));
}

TEST(Drain, HonoursTunnelsUntilTheyEnd) {
  Scene scene(upgrades_and_echoes());
  RawClient client = scene.sluice.client();
  ASSERT_EQ(client.get("/", asks_websocket).status, 101u);
  const AdminAnswer started = scene.sluice.admin().post(drain_v1);
  EXPECT_EQ(started.string("/state"), "draining") << started;
  EXPECT_EQ(started.number("/upgraded"), 1) << started;
  for (int round = 0; round < 10; ++round) {
    client.send("frame");
    ASSERT_TRUE(client.stream.fill_to(5));
    EXPECT_EQ(client.stream.take(5), "frame");
  }
  EXPECT_EQ(backend_word(scene.sluice, "drain"), "draining");
  client.stream.close();
  EXPECT_EQ(drain_and_wait(scene.sluice).string("/state"), "drained");
  EXPECT_TRUE(scene.backend.wait_for_open(0, seconds(5)));
}

TEST(Drain, HonoursALongDownload) {
  const auto latch = std::make_shared<Latch>();
  const std::string half = noise(500'000);
  Scene scene([&](Exchange& exchange) {
    exchange.send(exchange.head(200, "Content-Length: 1000000\r\n\r\n") + half);
    exchange.wait(*latch);
    exchange.send(half);
  });
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/"));
  ASSERT_TRUE(client.stream.fill_to(400'000));
  EXPECT_EQ(scene.sluice.admin().post(drain_v1).string("/state"), "draining");
  latch->release();
  const Response answer = client.response();
  EXPECT_TRUE(answer.complete) << answer.trouble;
  EXPECT_TRUE(answer.body == half + half);
  EXPECT_EQ(drain_and_wait(scene.sluice).string("/state"), "drained");
}

TEST(Drain, OfOneBackendUnderLoadMovesEveryLaterRequest) {
  const BackendProcess one("one");
  const BackendProcess two("two");
  ConfigText config;
  config.pool("v1", {one.address(), two.address()}).route("all", "v1 = 1");
  const SluiceProcess sluice(config);
  Load load({.address = sluice.listener()});
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(load.wait_for_further(300));
    ASSERT_EQ(sluice.admin().post(backend_path(one.address(), "drain")).status, 200u);
    const std::uint64_t mark = load.mark();
    const AdminAnswer done =
        sluice.admin().post(backend_path(one.address(), "drain"), R"({"wait":true})");
    EXPECT_EQ(done.string("/state"), "drained") << done;
    const std::uint64_t served = one.requests();
    EXPECT_TRUE(eventually([&] { return one.open() == 0; }, seconds(5)));
    ASSERT_TRUE(load.wait_for_further(300));
    EXPECT_EQ(one.requests(), served);
    EXPECT_EQ(load.counts().versions_by_mark[mark]["one"], 0u);
    ASSERT_EQ(sluice.admin().post(backend_path(one.address(), "undrain")).status, 200u);
    load.mark();
    EXPECT_TRUE(eventually([&] { return one.requests() > served; }));
  }
  const LoadCounts counts = load.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
}

TEST(Drain, OfAWholePoolSpillsToTheOther) {
  const BackendProcess one("v1");
  const BackendProcess two("v2");
  const SluiceProcess sluice(two_pools(one.address(), two.address(), "50", "50"));
  Load load({.address = sluice.listener()});
  ASSERT_TRUE(load.wait_for_further(300));
  EXPECT_EQ(drain_and_wait(sluice).string("/state"), "drained");
  const std::uint64_t mark = load.mark();
  ASSERT_TRUE(load.wait_for_further(300));
  LoadCounts counts = load.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_EQ(counts.versions_by_mark[mark]["v1"], 0u);
  EXPECT_GT(sluice.admin().metric("sluice_spills_total", {"from=\"v1\"", "to=\"v2\""}), 0);
}

TEST(Drain, MovesStickyUsers) {
  TestBackend one("v1");
  TestBackend two("v2");
  const SluiceProcess sluice(
      two_pools(one.address(), two.address(), "100", "0", "sticky = { cookie = \"unit\" }\n"));
  const std::string cookie = sluice.client().get("/").fields.get("Set-Cookie");
  const std::string fields = "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
  EXPECT_EQ(sluice.client().get("/", fields).body, "v1");
  ASSERT_EQ(sluice.admin().split("50", "50").status, 200u);
  EXPECT_EQ(drain_and_wait(sluice).string("/state"), "drained");
  for (int round = 0; round < 10; ++round) EXPECT_EQ(sluice.client().get("/", fields).body, "v2");
}

TEST(Drain, CanBeUndoneBeforeItIsDone) {
  const auto latch = std::make_shared<Latch>();
  Scene scene([latch](Exchange& exchange) {
    if (exchange.request().target == "/held") exchange.wait(*latch);
    exchange.answer(200, "v1");
  });
  RawClient held = scene.sluice.client();
  held.send(request_text("GET", "/held"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  ASSERT_EQ(scene.sluice.admin().post(drain_v1, R"({"deadline":"500ms"})").status, 200u);
  EXPECT_EQ(scene.get("/").status, 503u);
  const AdminAnswer undone = scene.sluice.admin().post("/v1/pools/v1/undrain");
  EXPECT_EQ(undone.status, 200u) << undone;
  EXPECT_EQ(undone.string("/backends/0/drain"), "none") << undone;
  EXPECT_EQ(scene.get("/").body, "v1");
  // The deadline of the cancelled drain passes meanwhile and must not cut anything.
  EXPECT_FALSE(held.stream.fill(Deadline(seconds(1))));
  EXPECT_EQ(held.stream.ending(), Ending::late);
  latch->release();
  EXPECT_EQ(held.response().body, "v1");
  EXPECT_EQ(scene.get("/").body, "v1");
  EXPECT_EQ(backend_word(scene.sluice, "drain"), "none");
}

}  // namespace
}  // namespace sluice::e2e
