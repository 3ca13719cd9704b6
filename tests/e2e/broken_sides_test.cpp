#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

/// Sends its body for as long as somebody takes it.
void answers_without_end(Exchange& exchange) {
  exchange.send(exchange.head(200, "Transfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = in_chunks(std::string(60'000, 'x'), 60'000);
  const std::string_view without_last(chunk.data(), chunk.size() - 5);
  while (exchange.send(without_last)) {
  }
  exchange.close();
}

bool is_idle(const SluiceProcess& sluice) {
  return backend_number(sluice, "in_flight") == 0;
}

TEST(BrokenClient, ThatVanishesInItsBodyFreesTheBackend) {
  Scene scene(echoes());
  {
    RawClient client = scene.sluice.client();
    client.send(request_text("POST", "/", "Content-Length: 1000\r\n") + "only this");
    ASSERT_TRUE(scene.backend.wait_for_requests(1));
    EXPECT_EQ(backend_number(scene.sluice, "in_flight"), 1);
    client.stream.reset();
  }
  EXPECT_TRUE(scene.backend.wait_for_open(0));
  EXPECT_TRUE(eventually([&] { return is_idle(scene.sluice); }));
  EXPECT_FALSE(scene.backend.requests()[0].complete);
}

TEST(BrokenClient, ThatEndsInOrderInsideItsBodyIsNoCompleteRequest) {
  Scene scene(echoes());
  RawClient client = scene.sluice.client();
  client.send(request_text("POST", "/", "Transfer-Encoding: chunked\r\n") + "5\r\nhalf");
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  client.stream.finish_sending();
  EXPECT_TRUE(scene.backend.wait_for_open(0));
  EXPECT_FALSE(scene.backend.requests()[0].complete);
}

TEST(BrokenClient, ThatVanishesInItsAnswerFreesTheBackend) {
  Scene scene(answers_without_end);
  {
    RawClient client = scene.sluice.client();
    client.send(request_text("GET", "/"));
    ASSERT_TRUE(client.stream.fill_to(100'000));
    EXPECT_EQ(backend_number(scene.sluice, "in_flight"), 1);
    client.stream.reset();
  }
  EXPECT_TRUE(scene.backend.wait_for_open(0));
  EXPECT_TRUE(eventually([&] { return is_idle(scene.sluice); }));
}

TEST(BrokenClient, ThatVanishesBeforeItsAnswerFreesTheBackend) {
  const auto latch = std::make_shared<Latch>();
  Scene scene(answers_after(latch));
  {
    RawClient client = scene.sluice.client();
    client.send(request_text("GET", "/"));
    ASSERT_TRUE(scene.backend.wait_for_requests(1));
    client.stream.reset();
  }
  EXPECT_TRUE(eventually([&] { return is_idle(scene.sluice); }, seconds(10)));
  EXPECT_EQ(scene.sluice.access_log(1)[0].at("status").to_number<int>(), 499);
  latch->release();
}

TEST(BrokenClient, ThatDoesNotReadHoldsUpItsOwnAnswerOnly) {
  constexpr std::size_t size = 200'000'000;
  std::atomic<bool> stalled{false};
  Scene scene([&stalled](Exchange& exchange) {
    if (exchange.request().target == "/quick") return exchange.answer(200, "quick");
    exchange.send(exchange.head(200, "Content-Length: 200000000\r\n\r\n"));
    const std::string block(100'000, 'x');
    for (std::size_t sent = 0; sent < size && !stalled; sent += block.size())
      stalled = !exchange.stream().send(block, Deadline(milliseconds(500)));
    exchange.close();
  });
  RawClient lazy = scene.sluice.client();
  lazy.send(request_text("GET", "/endless"));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  for (int round = 0; round < 20; ++round) EXPECT_EQ(scene.get("/quick").body, "quick");
  EXPECT_TRUE(eventually([&] { return stalled.load(); })) << "the whole answer was held somewhere";
  lazy.stream.reset();
  EXPECT_TRUE(eventually([&] { return is_idle(scene.sluice); }));
}

TEST(BrokenBackend, ThatClosesInsideABodyLeadsToACutAnswer) {
  Scene scene;
  for (const char* framing :
       {"Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"}) {
    scene.backend.set_script([framing](Exchange& exchange) {
      exchange.send(exchange.head(200, framing));
      exchange.close();
    });
    RawClient client = scene.sluice.client();
    const Response answer = client.get("/");
    EXPECT_EQ(answer.status, 200u) << answer;
    EXPECT_FALSE(answer.complete) << framing;
    client.stream.take_all();
    EXPECT_NE(client.stream.ending(), Ending::late) << framing;
  }
  EXPECT_EQ(scene.sluice.access_log(2)[0].at("status").to_number<int>(), 200);
}

TEST(BrokenBackend, ThatIsResetInsideABodyLeadsToACutAnswer) {
  Scene scene([](Exchange& exchange) {
    exchange.send(exchange.head(200, "\r\n") + "no length, and then a reset");
    ByteStream& stream = exchange.stream();
    stream.fill(Deadline(milliseconds(50)));
    exchange.reset();
  });
  const Response answer = scene.get("/");
  EXPECT_FALSE(answer.complete) << answer;
}

TEST(BrokenBackend, ThatClosesWithoutAnAnswerIs502ForAPost) {
  Scene scene([](Exchange& exchange) {
    exchange.read_body();
    exchange.close();
  });
  const Response answer = scene.ask(request_text("POST", "/", "", "once"), "POST");
  EXPECT_EQ(answer.status, 502u) << answer;
  EXPECT_NE(answer.fields.get("Proxy-Status").find("sluice; error="), std::string::npos);
  EXPECT_EQ(scene.backend.request_count(), 1u);
}

TEST(BrokenBackend, ThatClosesInsideItsHeadIs502) {
  Scene scene(sends("HTTP/1.1 200 OK\r\nContent-Le", true));
  const Response answer = scene.ask(request_text("POST", "/"), "POST");
  EXPECT_EQ(answer.status, 502u) << answer;
}

TEST(StaleConnection, AGetIsReplayedWhenTheBackendClosesJustThen) {
  std::set<std::size_t> used;
  std::mutex mutex;
  Scene scene;
  scene.backend.set_script([&](Exchange& exchange) {
    const std::lock_guard lock(mutex);
    if (!used.insert(exchange.request().connection).second) return exchange.close();
    exchange.answer(200, exchange.request().target);
  });
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 50; ++round) {
    const Response answer = client.get("/" + std::to_string(round));
    EXPECT_EQ(answer.body, "/" + std::to_string(round)) << answer;
  }
  EXPECT_GT(scene.backend.request_count(), 50u) << "no connection was ever reused";
}

TEST(StaleConnection, APostIsSeenAtMostOnce) {
  std::set<std::size_t> used;
  std::mutex mutex;
  Scene scene;
  scene.backend.set_script([&](Exchange& exchange) {
    exchange.read_body();
    const std::lock_guard lock(mutex);
    if (!used.insert(exchange.request().connection).second) return exchange.close();
    exchange.answer(200, exchange.request().body);
  });
  std::size_t failed = 0;
  for (int round = 0; round < 50; ++round) {
    const Response answer =
        scene.ask(request_text("POST", "/", "", "p" + std::to_string(round)), "POST");
    EXPECT_TRUE(answer.status == 200 || answer.status == 502) << answer;
    failed += answer.status == 502 ? 1 : 0;
  }
  std::map<std::string, int> seen;
  for (const SeenRequest& request : scene.backend.requests()) ++seen[request.body];
  EXPECT_EQ(seen.size(), 50u);
  for (const auto& [body, count] : seen) EXPECT_EQ(count, 1) << body;
  EXPECT_GT(failed, 0u) << "no connection was ever reused";
}

TEST(StaleConnection, OnesThatClosedWhileIdleAreNotUsed) {
  Scene scene(echoes());
  for (int round = 0; round < 10; ++round) {
    EXPECT_EQ(scene.ask(request_text("POST", "/", "", "body"), "POST").status, 200u);
    scene.backend.close_connections();
    ASSERT_TRUE(eventually([&] { return backend_number(scene.sluice, "open") == 0; }));
  }
  EXPECT_EQ(scene.backend.accepted(), 10u);
}

}  // namespace
}  // namespace sluice::e2e
