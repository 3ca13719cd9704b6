#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

TEST(Connections, OfClientAndBackendAreKept) {
  Scene scene;
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 10; ++round) EXPECT_EQ(client.get("/").status, 200u);
  EXPECT_EQ(scene.backend.request_count(), 10u);
  EXPECT_EQ(scene.backend.accepted(), 1u);
}

TEST(Connections, AreClosedWhenTheClientAsks) {
  Scene scene;
  RawClient client = scene.sluice.client();
  const Response answer = client.get("/", "Connection: close\r\n");
  EXPECT_EQ(answer.body, "v1") << answer;
  EXPECT_EQ(answer.fields.get("Connection"), "close");
  EXPECT_TRUE(client.is_ended());
  EXPECT_EQ(client.stream.ending(), Ending::closed);
}

TEST(Connections, StayOpenForTheClientWhenTheBackendCloses) {
  Scene scene([](Exchange& exchange) {
    exchange.answer(200, "bye", "Connection: close\r\n");
    exchange.close();
  });
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 3; ++round) {
    const Response answer = client.get("/");
    EXPECT_EQ(answer.body, "bye") << answer;
    EXPECT_NE(answer.fields.get("Connection"), "close");
  }
  EXPECT_EQ(scene.backend.accepted(), 3u);
}

TEST(Connections, AClientThatHalfClosesGetsItsAnswer) {
  const auto latch = std::make_shared<Latch>();
  Scene scene(answers_after(latch));
  RawClient client = scene.sluice.client();
  client.send(request_text("POST", "/", "", "whole"));
  client.stream.finish_sending();
  ASSERT_TRUE(scene.backend.wait_for_complete(1));
  EXPECT_FALSE(client.stream.fill(Deadline(milliseconds(50))));
  ASSERT_EQ(client.stream.ending(), Ending::late);
  latch->release();
  const Response answer = client.response("POST");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.body, "v1");
  EXPECT_TRUE(client.is_ended());
}

TEST(Connections, OfHttp10ClientsEndAfterTheAnswerUnlessKept) {
  Scene scene;
  RawClient once = scene.sluice.client();
  const Response answer = once.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_EQ(answer.body, "v1") << answer;
  EXPECT_TRUE(once.is_ended());

  RawClient kept = scene.sluice.client();
  const std::string text = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
  const Response first = kept.ask(text);
  EXPECT_TRUE(same_name(first.fields.get("Connection"), "keep-alive")) << first;
  EXPECT_EQ(kept.ask(text).body, "v1");
}

TEST(Connections, Http10ClientsGetNoChunks) {
  Scene scene(answers_in_chunks({"one", "two"}));
  const Response answer = scene.ask("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(answer.framing, Framing::until_close) << answer;
  EXPECT_EQ(answer.body, "onetwo");
  EXPECT_TRUE(scene.backend.last().head.starts_with("GET / HTTP/1.1\r\n"));
}

TEST(Connections, OfHttp10BackendsAreNotReused) {
  Scene scene(sends("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold"));
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 3; ++round) {
    const Response answer = client.get("/");
    EXPECT_EQ(answer.body, "old") << answer;
    EXPECT_EQ(answer.minor, 1u);
  }
  EXPECT_EQ(scene.backend.accepted(), 3u);
}

TEST(Connections, WorkOverIpv6OnBothSides) {
  TestBackend backend("v1", echoes(), "[::1]:0");
  ConfigText config = one_pool(backend.address());
  config.listeners = {free_address("[::1]")};
  const SluiceProcess sluice(config);
  const Response answer = sluice.client().ask(request_text("POST", "/", "", "six"), "POST");
  EXPECT_EQ(answer.body, "six") << answer;
  EXPECT_EQ(backend.last().fields.get("X-Forwarded-For"), "::1");
}

TEST(Connections, WorkOverUnixSocketsOnBothSides) {
  const TempDir directory;
  TestBackend backend("v1", echoes(), "unix:" + directory.file("backend.sock"));
  ConfigText config = one_pool(backend.address());
  config.listeners = {"unix:" + directory.file("listener.sock")};
  config.admin_address = "unix:" + directory.file("admin.sock");
  const SluiceProcess sluice(config);
  const Response answer = sluice.client().ask(request_text("POST", "/", "", "local"), "POST");
  EXPECT_EQ(answer.body, "local") << answer;
  EXPECT_EQ(sluice.admin().get("/v1/status").status, 200u);
}

TEST(Connections, ReachABackendByItsName) {
  TestBackend backend("v1", echoes());
  const std::string port = backend.address().substr(backend.address().rfind(':'));
  const SluiceProcess sluice(one_pool("localhost" + port));
  EXPECT_TRUE(eventually([&] {
    return sluice.client().ask(request_text("POST", "/", "", "named"), "POST").body == "named";
  }));
  EXPECT_GE(backend.request_count(), 1u);
}

TEST(Connections, OnSeveralListenersReachTheSameRoutes) {
  TestBackend backend;
  ConfigText config = one_pool(backend.address());
  config.listeners = {free_address(), free_address()};
  const SluiceProcess sluice(config);
  for (std::size_t at : {0u, 1u})
    EXPECT_EQ(RawClient(sluice.listener(at)).get("/").body, "v1") << sluice.listener(at);
}

TEST(Connections, ThatIdleTooLongAreClosed) {
  Scene scene({}, "[timeouts]\nkeep_alive = \"200ms\"\n", "idle_timeout = \"200ms\"\n");
  RawClient client = scene.sluice.client();
  EXPECT_EQ(client.get("/").status, 200u);
  EXPECT_TRUE(client.is_ended());
  EXPECT_EQ(client.stream.ending(), Ending::closed);
  EXPECT_TRUE(scene.backend.wait_for_open(0, seconds(10)));
}

}  // namespace
}  // namespace sluice::e2e
