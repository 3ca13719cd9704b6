#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

TEST(Upgrade, TunnelsBothWays) {
  Scene scene(upgrades_and_echoes());
  RawClient client = scene.sluice.client();
  const Response answer = client.get("/chat", asks_websocket);
  ASSERT_EQ(answer.status, 101u) << answer;
  EXPECT_TRUE(same_name(answer.fields.get("Upgrade"), "websocket"));
  EXPECT_TRUE(same_name(answer.fields.get("Connection"), "upgrade"));
  const SeenRequest seen = scene.backend.last();
  EXPECT_EQ(seen.fields.get("Upgrade"), "websocket");
  EXPECT_TRUE(same_name(seen.fields.get("Connection"), "upgrade"));
  EXPECT_EQ(seen.fields.get("Sec-WebSocket-Version"), "13");
  for (const std::string& text : {std::string("ping"), noise(200'000), std::string("\0\r\n", 3)}) {
    client.send(text);
    ASSERT_TRUE(client.stream.fill_to(text.size()));
    EXPECT_TRUE(client.stream.take(text.size()) == text);
  }
  EXPECT_EQ(backend_number(scene.sluice, "upgraded"), 1);
  client.stream.close();
  EXPECT_TRUE(scene.backend.wait_for_open(0));
  EXPECT_TRUE(eventually([&] { return backend_number(scene.sluice, "upgraded") == 0; }));
}

TEST(Upgrade, OctetsGluedToThe101AreTunnelOctets) {
  Scene scene([](Exchange& exchange) {
    exchange.send(
        exchange.head(101, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nglued octets"));
    exchange.mark_body_read();
    exchange.stream().fill();
    exchange.close();
  });
  RawClient client = scene.sluice.client();
  ASSERT_EQ(client.get("/", asks_websocket).status, 101u);
  ASSERT_TRUE(client.stream.fill_to(12));
  EXPECT_EQ(client.stream.take(12), "glued octets");
}

TEST(Upgrade, OctetsGluedToTheRequestReachTheBackend) {
  Scene scene(upgrades_and_echoes());
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/", asks_websocket) + "early");
  ASSERT_EQ(client.response().status, 101u);
  ASSERT_TRUE(client.stream.fill_to(5));
  EXPECT_EQ(client.stream.take(5), "early");
}

TEST(Upgrade, ABackendThatEndsTheTunnelEndsIt) {
  Scene scene([](Exchange& exchange) {
    exchange.send(exchange.head(101, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nbye"));
    exchange.mark_body_read();
    exchange.close();
  });
  RawClient client = scene.sluice.client();
  ASSERT_EQ(client.get("/", asks_websocket).status, 101u);
  EXPECT_EQ(client.stream.take_all(), "bye");
  EXPECT_EQ(client.stream.ending(), Ending::closed);
}

TEST(Upgrade, ABackendMayDecline) {
  Scene scene([](Exchange& exchange) { exchange.answer(200, "plain"); });
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 2; ++round) EXPECT_EQ(client.get("/", asks_websocket).body, "plain");
}

TEST(Upgrade, A101NobodyAskedForIs502) {
  Scene scene(upgrades_and_echoes());
  for (const char* fields : {"", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n"}) {
    const Response answer = scene.get("/", fields);
    EXPECT_EQ(answer.status, 502u) << fields << "\n" << answer;
  }
  for (const SeenRequest& seen : scene.backend.requests()) EXPECT_FALSE(seen.fields.has("Upgrade"));
}

TEST(Upgrade, TunnelsLiveOnWhenTheSplitChanges) {
  TestBackend one("v1", upgrades_and_echoes());
  TestBackend two("v2");
  const SluiceProcess sluice(two_pools(one.address(), two.address(), "100", "0"));
  RawClient client = sluice.client();
  ASSERT_EQ(client.get("/", asks_websocket).status, 101u);
  ASSERT_EQ(sluice.admin().split("0", "100").status, 200u);
  EXPECT_EQ(sluice.client().get("/").body, "v2");
  client.send("still here");
  ASSERT_TRUE(client.stream.fill_to(10));
  EXPECT_EQ(client.stream.take(10), "still here");
}

}  // namespace
}  // namespace sluice::e2e
