#include "tests/e2e/scene.hpp"

/// What outlives its cause: a drain that was taken back, a wait that begins anew, a count of what
/// never happened.
namespace sluice::e2e {
namespace {

TEST(DrainDeadline, IsForgottenWhenTheBackendLeavesAndComesBack) {
  const auto latch = std::make_shared<Latch>();
  Scene scene(answers_after(latch));
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  const auto admin = scene.sluice.admin();
  const AdminAnswer drained = admin.post(
      "/v1/pools/v1/backends/" + scene.backend.address() + "/drain", R"({"deadline":"1s"})");
  ASSERT_EQ(drained.status, 200u) << drained;
  const AdminAnswer gone = admin.put("/v1/pools/v1/backends", R"({"backends":[]})");
  ASSERT_EQ(gone.status, 200u) << gone;
  const AdminAnswer back =
      admin.put("/v1/pools/v1/backends", R"({"backends":[")" + scene.backend.address() + "\"]}");
  ASSERT_EQ(back.status, 200u) << back;
  EXPECT_FALSE(client.stream.fill(Deadline(milliseconds(2000)))) << client.stream.buffer;
  EXPECT_EQ(client.stream.ending(), Ending::late);
  latch->release();
  EXPECT_EQ(client.response().status, 200u);
}

TEST(EmptyLines, DoNotKeepAConnectionForEver) {
  Scene scene({}, "[timeouts]\nhead = \"1s\"\nkeep_alive = \"1s\"\n");
  RawClient client = scene.sluice.client();
  EXPECT_EQ(client.get("/").status, 200u);
  const Deadline end{seconds(is_slow_build ? 15 : 5)};
  while (client.stream.ending() == Ending::open || client.stream.ending() == Ending::late) {
    ASSERT_FALSE(end.passed()) << "the connection is still open";
    client.send("\r\n");
    client.stream.fill(Deadline(milliseconds(200)));
  }
  EXPECT_EQ(client.stream.buffer, "");
}

TEST(Retries, AreNotCountedWhenThereIsNobodyToAskAgain) {
  std::string refusing;
  {
    const TestBackend gone("gone");
    refusing = gone.address();
  }
  const SluiceProcess sluice(one_pool(refusing));
  EXPECT_EQ(sluice.client().get("/").status, 502u);
  const std::string metrics = sluice.admin().get("/metrics").text;
  EXPECT_NE(metrics.find("sluice_attempt_failures_total"), std::string::npos) << metrics;
  EXPECT_EQ(metrics.find("sluice_retries_total"), std::string::npos) << metrics;
}

TEST(BodyLimit, IsCountedAlsoWhenTheBodyStreams) {
  Scene scene(echoes(), "[limits]\nbody = \"10B\"\n");
  const std::string head = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Response answer =
      scene.ask(head + "20\r\n" + std::string(32, 'x') + "\r\n0\r\n\r\n", "POST");
  EXPECT_EQ(answer.status, 413u) << answer;
  const std::string metrics = scene.sluice.admin().get("/metrics").text;
  EXPECT_NE(metrics.find("reason=\"body_too_large\""), std::string::npos) << metrics;
}

}  // namespace
}  // namespace sluice::e2e
