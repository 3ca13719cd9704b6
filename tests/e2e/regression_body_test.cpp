#include <atomic>

#include "tests/e2e/frozen.hpp"

/// Request bodies while the backend breaks off, and requests on connections that carried a body.
namespace sluice::e2e {
namespace {

constexpr const char* smuggled = "GET /smuggled HTTP/1.1\r\nHost: test.example\r\n\r\n";

/// Answers /first without its body as soon as `latch` opens, and breaks the connection.
Script answers_early_and_resets(Latch& latch) {
  return [&latch](Exchange& exchange) {
    if (exchange.request().target != "/first") return exchange.answer(200, "another");
    exchange.wait(latch);
    exchange.answer(413, "");
    exchange.reset();
  };
}

void expect_one_answer_and_the_end(RawClient& client) {
  const Response answer = client.response("POST");
  EXPECT_TRUE(answer.status == 413 || answer.status == 502) << answer;
  EXPECT_EQ(client.stream.take_all(), "");
  EXPECT_NE(client.stream.ending(), Ending::late);
}

void expect_nothing_smuggled(const TestBackend& backend) {
  for (const SeenRequest& request : backend.requests()) EXPECT_EQ(request.target, "/first");
  EXPECT_EQ(backend.request_count(), 1u);
}

TEST(BodyAfterAnEarlyAnswer, ThatIsAlreadyHereIsNoRequest) {
  Latch latch;
  Scene scene(answers_early_and_resets(latch));
  RawClient client = scene.sluice.client();
  const std::string body = smuggled;
  client.send(
      request_text("POST", "/first", "Content-Length: " + std::to_string(body.size()) + "\r\n"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  {
    const Frozen frozen(scene.sluice);
    client.send(body);
    ASSERT_TRUE(has_arrived(client.stream));
    latch.release();
    ASSERT_TRUE(scene.backend.wait_for_open(0));
  }
  expect_one_answer_and_the_end(client);
  expect_nothing_smuggled(scene.backend);
}

TEST(BodyAfterAnEarlyAnswer, ThatIsStillOnItsWayIsNoRequest) {
  Latch latch;
  Scene scene(answers_early_and_resets(latch));
  RawClient client = scene.sluice.client();
  const std::string start(1000, 'x');
  const std::string rest = smuggled;
  client.send(request_text(
      "POST", "/first", "Content-Length: " + std::to_string(start.size() + rest.size()) + "\r\n"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  {
    const Frozen frozen(scene.sluice);
    client.send(start);
    ASSERT_TRUE(has_arrived(client.stream));
    latch.release();
    ASSERT_TRUE(scene.backend.wait_for_open(0));
  }
  ASSERT_TRUE(client.stream.fill()) << "no answer";
  client.send(rest);
  expect_one_answer_and_the_end(client);
  expect_nothing_smuggled(scene.backend);
}

/// Two backends, of which the one asked first breaks the connection when `latch` opens.
struct BreaksOnce {
  explicit BreaksOnce(const std::string& lines = "")
      : sluice([&] {
          ConfigText config;
          config.pool("v1", {one.address(), two.address()}, "balance = \"round_robin\"\n" + lines);
          config.route("all", "v1 = 1");
          return config;
        }()) {
    const Script script = [this](Exchange& exchange) {
      if (attempts++ > 0) return echoes()(exchange);
      exchange.wait(latch);
      exchange.reset();
    };
    one.set_script(script);
    two.set_script(script);
  }

  std::size_t requests() const { return one.request_count() + two.request_count(); }

  Latch latch;
  std::atomic<int> attempts{0};
  TestBackend one{"one"};
  TestBackend two{"two"};
  SluiceProcess sluice;
};

TEST(ReplayedBody, ArrivesExactlyOnceAndByteExact) {
  const std::string body = noise(6000);
  for (const std::size_t early : {10u, 3000u, 6000u}) {
    BreaksOnce scene;
    RawClient client = scene.sluice.client();
    client.send(request_text("PUT", "/", "Content-Length: 6000\r\n"));
    ASSERT_TRUE(eventually([&] { return scene.requests() == 1; }));
    {
      const Frozen frozen(scene.sluice);
      client.send(body.substr(0, early));
      ASSERT_TRUE(has_arrived(client.stream));
      scene.latch.release();
      ASSERT_TRUE(scene.one.wait_for_open(0) && scene.two.wait_for_open(0));
    }
    client.send(body.substr(early));
    const Response answer = client.response("PUT");
    EXPECT_EQ(answer.status, 200u) << answer.head;
    EXPECT_TRUE(answer.body == body) << early << ": " << answer.body.size() << " octets came back";
    EXPECT_EQ(scene.requests(), 2u) << "nothing was replayed";
    EXPECT_EQ(client.get("/next").status, 200u);
    EXPECT_TRUE(scene.one.violations().empty() && scene.two.violations().empty());
  }
}

TEST(StrayLineEnd, AfterARequestIsNoSlowRequest) {
  Scene scene(echoes(), "[timeouts]\nhead = \"500ms\"\nkeep_alive = \"60s\"\n");
  RawClient client = scene.sluice.client();
  const Response first = client.ask(request_text("POST", "/", "", "body") + "\r\n", "POST");
  EXPECT_EQ(first.body, "body") << first;
  EXPECT_FALSE(client.stream.fill(Deadline(milliseconds(1500)))) << client.stream.buffer;
  EXPECT_EQ(client.stream.ending(), Ending::late);
  EXPECT_EQ(client.ask(request_text("POST", "/", "", "next"), "POST").body, "next");
}

/// Closing with octets unread would reset the connection, and what the kernel has not sent yet of
/// the answer would be lost.
void expect_stray_line_does_no_harm(const std::string& method, const std::string& body) {
  SCOPED_TRACE(method);
  Latch latch;
  TestBackend backend("v1", [&latch](Exchange& exchange) {
    if (exchange.request().target == "/held") exchange.wait(latch);
    exchange.answer(200, "an answer");
  });
  ConfigText config = one_pool(backend.address());
  config.server = "workers = 1\n";
  SluiceProcess sluice(config);
  RawClient client = sluice.client();
  client.send(request_text(method, "/held", "Connection: close\r\n", body));
  ASSERT_TRUE(backend.wait_for_requests(1));
  client.send("\r\n");
  // So many turns later the worker has heard of it, whatever it puts off.
  RawClient other = sluice.client();
  for (int i = 0; i < 40; ++i) ASSERT_EQ(other.get("/other").status, 200u);
  latch.release();
  const Response answer = client.response(method);
  EXPECT_EQ(answer.body, "an answer") << answer;
  EXPECT_EQ(client.stream.take_all(), "");
  EXPECT_EQ(client.stream.ending(), Ending::closed);
}

TEST(StrayLineEnd, BehindTheLastRequestBreaksNoAnswerOff) {
  expect_stray_line_does_no_harm("GET", "");
  expect_stray_line_does_no_harm("POST", "body");
}

TEST(OwnAnswer, QuotesARequestIdInItsJson) {
  Scene scene({}, "", "", "path = \"/shop\"\n");
  const std::string fields = "Accept: application/json\r\nX-Request-Id: a\",\"forged\":\"\\\r\n";
  const Response answer = scene.get("/elsewhere", fields);
  EXPECT_EQ(answer.status, 404u) << answer;
  boost::system::error_code error;
  const boost::json::value body = boost::json::parse(answer.body, error);
  ASSERT_FALSE(error) << answer.body;
  ASSERT_TRUE(body.is_object()) << answer.body;
  EXPECT_FALSE(body.as_object().contains("forged")) << answer.body;
}

}  // namespace
}  // namespace sluice::e2e
