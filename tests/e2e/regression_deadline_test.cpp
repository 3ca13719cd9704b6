#include "tests/e2e/scene.hpp"

/// Deadlines of one stage that must neither end another one nor be held up by a slow peer.
namespace sluice::e2e {
namespace {

/// How long a thing that a deadline of one second ends may take.
constexpr seconds soon{is_slow_build ? 10 : 3};

/// A backend that sends an answer of 100 MB as fast as somebody takes it.
void answers_at_length(Exchange& exchange) {
  exchange.send(exchange.head(200, "Content-Length: 100000000\r\n\r\n"));
  const std::string block(100'000, 'x');
  for (int at = 0; at < 1000 && exchange.send(block); ++at) {
  }
  exchange.close();
}

/// Sends `bytes` one by one with `pause` in between, for as long as the proxy stays.
void drips(Exchange& exchange, const std::string& bytes, milliseconds pause) {
  ByteStream& stream = exchange.stream();
  for (const char octet : bytes) {
    if (!exchange.send({&octet, 1})) break;
    stream.fill(Deadline(pause));
    if (stream.ending() != Ending::late) break;
  }
  exchange.close();
}

TEST(ClientDeadlines, DoNotEndASlowAnswer) {
  const auto latch = std::make_shared<Latch>();
  Scene scene(
      [latch](Exchange& exchange) {
        exchange.read_body();
        if (exchange.request().target == "/slow") exchange.wait(*latch);
        exchange.answer(200, exchange.request().target);
      },
      "[timeouts]\nhead = \"1s\"\nkeep_alive = \"1s\"\n");
  RawClient fresh = scene.sluice.client();
  RawClient kept = scene.sluice.client();
  RawClient posting = scene.sluice.client();
  EXPECT_EQ(kept.get("/quick").body, "/quick");
  fresh.send(request_text("GET", "/slow"));
  kept.send(request_text("GET", "/slow"));
  posting.send(request_text("POST", "/slow", "", "body"));
  ASSERT_TRUE(scene.backend.wait_for_requests(4));
  EXPECT_FALSE(fresh.stream.fill(Deadline(milliseconds(2500)))) << fresh.stream.buffer;
  EXPECT_EQ(fresh.stream.ending(), Ending::late);
  latch->release();
  for (RawClient* client : {&fresh, &kept, &posting}) {
    const Response answer = client->response();
    EXPECT_EQ(answer.body, "/slow") << answer;
    EXPECT_EQ(client->get("/quick").body, "/quick");
  }
}

TEST(FirstByteDeadline, IsForTheHeadAsAWhole) {
  Scene scene(
      [](Exchange& exchange) {
        drips(exchange, exchange.head(200, "Content-Length: 0\r\n\r\n"), milliseconds(300));
      },
      "[timeouts]\nfirst_byte = \"1s\"\n");
  const auto begin = Clock::now();
  const Response answer = scene.get("/");
  EXPECT_EQ(answer.status, 504u) << answer;
  EXPECT_LE(Clock::now() - begin, soon);
  EXPECT_GE(Clock::now() - begin, milliseconds(900));
  EXPECT_TRUE(scene.backend.wait_for_open(0));
}

TEST(TotalDeadline, EndsAnAnswerThatTheClientReadsSlowly) {
  Scene scene(answers_at_length, "[timeouts]\ntotal = \"1s\"\nbody_idle = \"60s\"\n");
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  const auto begin = Clock::now();
  EXPECT_TRUE(scene.backend.wait_for_open(0, soon));
  EXPECT_GE(Clock::now() - begin, milliseconds(500));
  EXPECT_TRUE(eventually([&] { return backend_number(scene.sluice, "in_flight") == 0; }, soon));
  EXPECT_TRUE(eventually(
      [&] { return scene.sluice.admin().metric("sluice_requests_in_flight") < 0.5; }, soon));
  EXPECT_FALSE(client.response().complete);
}

TEST(TotalDeadline, EndsAnAnswerThatTheBackendDrips) {
  Scene scene(
      [](Exchange& exchange) {
        exchange.send(exchange.head(200, "Content-Length: 100\r\n\r\n"));
        drips(exchange, std::string(100, 'x'), milliseconds(200));
      },
      "[timeouts]\ntotal = \"1s\"\n");
  const auto begin = Clock::now();
  const Response answer = scene.get("/");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_FALSE(answer.complete);
  EXPECT_LE(Clock::now() - begin, soon);
  EXPECT_TRUE(scene.backend.wait_for_open(0));
}

TEST(DrainDeadline, CutsAnAnswerThatTheClientReadsSlowly) {
  Scene scene(answers_at_length, "[timeouts]\nbody_idle = \"60s\"\n");
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  const auto begin = Clock::now();
  const AdminAnswer answer =
      scene.sluice.admin().post("/v1/pools/v1/drain", R"({"deadline":"1s","wait":true})");
  EXPECT_LE(Clock::now() - begin, soon);
  EXPECT_GE(Clock::now() - begin, milliseconds(900));
  EXPECT_EQ(answer.string("/state"), "drained") << answer;
  EXPECT_EQ(answer.number("/cut"), 1) << answer;
  EXPECT_EQ(answer.number("/in_flight"), 0) << answer;
  EXPECT_EQ(backend_word(scene.sluice, "drain"), "drained");
  EXPECT_TRUE(scene.backend.wait_for_open(0, soon));
  EXPECT_FALSE(client.response().complete);
}

}  // namespace
}  // namespace sluice::e2e
