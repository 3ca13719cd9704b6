#include <string>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

constexpr const char* expecting = "Expect: 100-continue\r\nContent-Length: 4\r\n";

TEST(InterimAnswers, AreForwardedAtOnceAndInOrder) {
  const auto latch = std::make_shared<Latch>();
  Scene scene([latch](Exchange& exchange) {
    exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    exchange.wait(*latch);
    exchange.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 Odd\r\nX-Odd: 1\r\n\r\n");
    exchange.answer(200, "done");
  });
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/"));
  const Response hints = read_response_head(client.stream);
  EXPECT_EQ(hints.status, 103u) << hints;
  EXPECT_EQ(hints.fields.get("Link"), "</a.css>");
  latch->release();
  const Response answer = client.response();
  EXPECT_EQ(answer.status, 200u) << answer;
  ASSERT_EQ(answer.interim.size(), 2u);
  EXPECT_EQ(answer.interim[0].status, 102u);
  EXPECT_EQ(answer.interim[1].fields.get("X-Odd"), "1");
  EXPECT_EQ(client.get("/").body, "done");
}

TEST(InterimAnswers, AMalformedHeadBehindOneIsABadGateway) {
  Scene scene([](Exchange& exchange) {
    exchange.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 2x0 OK\r\n\r\n");
    exchange.close();
  });
  RawClient client = scene.sluice.client();
  const Response answer = client.get("/");
  EXPECT_EQ(answer.status, 502u) << answer;
  ASSERT_EQ(answer.interim.size(), 1u);
  EXPECT_EQ(answer.interim[0].status, 103u);
}

TEST(InterimAnswers, HeadsMayComeInPieces) {
  const std::string heads =
      "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";
  Scene scene([&heads](Exchange& exchange) {
    const std::size_t cut = std::stoul(exchange.request().target.substr(1));
    exchange.send(heads.substr(0, cut));
    exchange.send(heads.substr(cut));
  });
  RawClient client = scene.sluice.client();
  for (std::size_t cut = 1; cut < heads.size(); ++cut) {
    const Response answer = client.get("/" + std::to_string(cut));
    EXPECT_EQ(answer.status, 200u) << cut << ": " << answer;
    EXPECT_EQ(answer.body, "done") << cut;
    EXPECT_EQ(answer.interim.size(), 1u) << cut;
  }
}

TEST(InterimAnswers, DoNotReachHttp10Clients) {
  Scene scene([](Exchange& exchange) {
    exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    exchange.answer(200, "done");
  });
  const Response answer = scene.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_TRUE(answer.interim.empty());
}

TEST(Expect100, TheBackendSaysWhenToContinue) {
  const auto latch = std::make_shared<Latch>();
  Scene scene([latch](Exchange& exchange) {
    exchange.wait(*latch);
    exchange.send("HTTP/1.1 100 Continue\r\n\r\n");
    exchange.read_body();
    exchange.answer(200, exchange.request().body);
  });
  RawClient client = scene.sluice.client();
  client.send(request_text("POST", "/", expecting));
  ASSERT_TRUE(scene.backend.wait_for_requests(1));
  EXPECT_EQ(scene.backend.requests()[0].fields.get("Expect"), "100-continue");
  EXPECT_FALSE(client.stream.fill(Deadline(milliseconds(50))));
  latch->release();
  EXPECT_EQ(read_response_head(client.stream).status, 100u);
  const Response answer = client.ask("body", "POST");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.body, "body");
}

TEST(Expect100, AFinalAnswerInsteadEndsTheWait) {
  Scene scene([](Exchange& exchange) {
    exchange.send(exchange.head(401, "Content-Length: 2\r\nConnection: close\r\n\r\nno"));
    exchange.close();
  });
  RawClient client = scene.sluice.client();
  const Response answer = client.ask(request_text("POST", "/", expecting), "POST");
  EXPECT_EQ(answer.status, 401u) << answer;
  EXPECT_EQ(answer.body, "no");
  EXPECT_TRUE(answer.interim.empty());
  EXPECT_EQ(scene.backend.request_count(), 1u);
}

TEST(Expect100, ABodyThatDoesNotWaitIsTaken) {
  Scene scene(echoes());
  const Response answer = scene.ask(request_text("POST", "/", expecting) + "body", "POST");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.body, "body");
}

TEST(Expect100, UnknownExpectationsAreRefusedOrForwarded) {
  Scene scene;
  const Response answer = scene.get("/", "Expect: teapot\r\n");
  if (answer.status == 200)
    EXPECT_EQ(scene.backend.last().fields.get("Expect"), "teapot");
  else
    EXPECT_EQ(answer.status, 417u) << answer;
  EXPECT_EQ(scene.backend.request_count(), answer.status == 200 ? 1u : 0u);
}

}  // namespace
}  // namespace sluice::e2e
