#include <gtest/gtest.h>

#include "tests/proxy/admin_running.hpp"
#include "tests/support/raw_client.hpp"

namespace sluice::proxy {
namespace {

using support::RawClient;
using support::Response;

/// Whether a waiting drain has reached Control, soon.
bool holds_drain(RunningAdmin& admin) {
  return support::eventually([&] {
    bool held = false;
    admin.on_control([&](FakeControl& control) { held = control.holds_drain(); });
    return held;
  });
}

TEST(AdminServer, KeepsAConnectionForFurtherRequests) {
  RunningAdmin admin;
  RawClient client(admin.address());
  for (int i = 0; i < 3; ++i) {
    const Response response = client.ask(get_text("/v1/routes/shop"));
    ASSERT_EQ(response.status, 200U) << response;
    EXPECT_TRUE(response.complete);
    EXPECT_EQ(response.fields.get("Content-Type"), "application/json");
    EXPECT_EQ(response.fields.get("ETag"), "\"7\"");
    EXPECT_EQ(response.fields.count("Date"), 1U);
    EXPECT_FALSE(response.fields.has("Connection"));
  }
}

TEST(AdminServer, AnswersPipelinedRequestsInOrder) {
  RunningAdmin admin;
  RawClient client(admin.address());
  client.send(get_text("/v1/status") + get_text("/livez") +
              call_text("PUT", "/v1/routes/shop/split", R"({"weights":{"a":1}})") +
              get_text("/nothing"));
  EXPECT_TRUE(client.response().body.starts_with("{\"version\""));
  EXPECT_EQ(client.response().body, "ok\n");
  EXPECT_EQ(client.response().fields.get("ETag"), "\"8\"");
  EXPECT_EQ(client.response().status, 404U);
}

TEST(AdminServer, TakesARequestByteByByteAndInChunks) {
  RunningAdmin admin;
  RawClient client(admin.address());
  client.stream.send_each_byte(
      "PUT /v1/routes/shop/split HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n" +
      support::in_chunks(R"({"weights":{"shop-v2":12.5}})", 5));
  EXPECT_EQ(client.response("PUT").status, 200U);
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.weights, (std::vector<ShareSettings>{{"shop-v2", 1250}}));
    EXPECT_TRUE(control.actor.from.starts_with("127.0.0.1:")) << control.actor.from;
  });
}

TEST(AdminServer, HeadHasTheLengthButNoBody) {
  RunningAdmin admin;
  RawClient client(admin.address());
  const Response get = client.ask(get_text("/v1/routes/shop"));
  const Response head = client.ask(call_text("HEAD", "/v1/routes/shop", ""), "HEAD");
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(head.fields.get("Content-Length"), std::to_string(get.body.size()));
  EXPECT_EQ(client.ask(get_text("/livez")).body, "ok\n");
}

TEST(AdminServer, NotModifiedHasNoBody) {
  RunningAdmin admin;
  RawClient client(admin.address());
  const Response response = client.ask(get_text("/v1/routes/shop", "If-None-Match: \"7\"\r\n"));
  EXPECT_EQ(response.status, 304U);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(client.ask(get_text("/livez")).body, "ok\n");
}

TEST(AdminServer, ClosesWhenTheClientSaysSo) {
  RunningAdmin admin;
  RawClient client(admin.address());
  const Response response = client.ask(get_text("/livez", "Connection: close\r\n"));
  EXPECT_EQ(response.fields.get("Connection"), "close");
  EXPECT_TRUE(client.is_ended());
  RawClient old(admin.address());
  EXPECT_EQ(old.ask("GET /livez HTTP/1.0\r\n\r\n").body, "ok\n");
  EXPECT_TRUE(old.is_ended());
}

TEST(AdminServer, AnswersAClientThatHalfCloses) {
  RunningAdmin admin;
  RawClient client(admin.address());
  client.send(get_text("/livez"));
  client.stream.finish_sending();
  EXPECT_EQ(client.response().body, "ok\n");
  EXPECT_TRUE(client.is_ended());
}

TEST(AdminServer, TokenIsCheckedOnTheWire) {
  AdminOptions options;
  options.token = "s3cret";
  RunningAdmin admin(options);
  RawClient client(admin.address());
  const Response refused = client.ask(get_text("/v1/status"));
  EXPECT_EQ(refused.status, 401U);
  EXPECT_TRUE(refused.fields.has("WWW-Authenticate"));
  EXPECT_EQ(client.ask(get_text("/v1/status", "Authorization: Bearer s3cret\r\n")).status, 200U);
  EXPECT_EQ(client.ask(get_text("/readyz")).status, 200U);
}

TEST(AdminServer, WaitingDrainAnswersWhenItIsDone) {
  RunningAdmin admin;
  admin.on_control([](FakeControl& control) { control.hold_drains = true; });
  RawClient waiting(admin.address());
  waiting.send(call_text("POST", "/v1/pools/shop-v1/drain", R"({"wait":true})"));
  ASSERT_TRUE(holds_drain(admin));
  EXPECT_EQ(RawClient(admin.address()).ask(get_text("/livez")).status, 200U);
  EXPECT_TRUE(waiting.stream.buffer.empty());
  admin.on_control([](FakeControl& control) {
    control.drain_result.state = DrainState::drained;
    control.release_drain();
  });
  const Response response = waiting.response("POST");
  EXPECT_EQ(response.status, 200U);
  EXPECT_NE(response.body.find(R"("state":"drained")"), std::string::npos);
}

TEST(AdminServer, StopClosesEveryConnectionAndIgnoresLateAnswers) {
  RunningAdmin admin;
  admin.on_control([](FakeControl& control) { control.hold_drains = true; });
  RawClient idle(admin.address());
  ASSERT_EQ(idle.ask(get_text("/livez")).status, 200U);
  RawClient waiting(admin.address());
  waiting.send(call_text("POST", "/v1/pools/shop-v1/drain", R"({"wait":true})"));
  ASSERT_TRUE(holds_drain(admin));
  admin.stop();
  EXPECT_TRUE(idle.is_ended());
  EXPECT_TRUE(waiting.is_ended());
  admin.on_control([](FakeControl& control) { control.release_drain(); });
  EXPECT_THROW(RawClient(admin.address()), support::Failure);
}

}  // namespace
}  // namespace sluice::proxy
