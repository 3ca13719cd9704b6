#include <thread>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

constexpr std::size_t mebibyte = 1024 * 1024;

TEST(Forwarding, GetsAnAnswerFromTheBackend) {
  Scene scene(answers(200, "hello", "X-One: 1\r\n"));
  const Response answer = scene.get("/a/b%2Fc;d//e?x=%20&y=..");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.reason, "Answer");
  EXPECT_EQ(answer.fields.get("X-One"), "1");
  EXPECT_EQ(scene.backend.last().method, "GET");
  EXPECT_EQ(scene.backend.last().target, "/a/b%2Fc;d//e?x=%20&y=..");
  EXPECT_EQ(scene.backend.request_count(), 1u);
}

TEST(Forwarding, PassesBodiesOfKnownLength) {
  Scene scene(echoes());
  const std::string body = noise(100'000);
  const Response answer = scene.ask(request_text("POST", "/", "", body), "POST");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_TRUE(answer.body == body);
  EXPECT_EQ(answer.framing, Framing::length);
  EXPECT_EQ(scene.backend.last().fields.get("Content-Length"), "100000");
  EXPECT_FALSE(scene.backend.last().fields.has("Transfer-Encoding"));
}

TEST(Forwarding, PassesUnknownMethodsAndABodyOnGet) {
  Scene scene(echoes());
  EXPECT_EQ(scene.ask(request_text("PURGE", "/"), "PURGE").status, 200u);
  EXPECT_EQ(scene.backend.last().method, "PURGE");
  EXPECT_EQ(scene.ask(request_text("get", "/"), "get").status, 200u);
  EXPECT_EQ(scene.backend.last().method, "get");
  EXPECT_EQ(scene.ask(request_text("GET", "/", "", "a body")).body, "a body");
  EXPECT_EQ(scene.backend.last().body, "a body");
}

TEST(Forwarding, LeavesOutTheBodyOfAnAnswerToHead) {
  Scene scene([](Exchange& exchange) { exchange.answer(200, "0123456789"); });
  RawClient client = scene.sluice.client();
  const Response head = client.ask(request_text("HEAD", "/"), "HEAD");
  EXPECT_EQ(head.status, 200u) << head;
  EXPECT_EQ(head.fields.get("Content-Length"), "10");
  EXPECT_EQ(client.get("/").body, "0123456789");
}

TEST(Forwarding, AnswersThatHaveNoBodyKeepTheConnection) {
  Scene scene([](Exchange& exchange) {
    exchange.send(exchange.request().target == "/204"
                      ? exchange.head(204, "\r\n")
                      : exchange.head(304, "ETag: \"x\"\r\nContent-Length: 12\r\n\r\n"));
  });
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 2; ++round) {
    const Response no_content = client.get("/204");
    EXPECT_EQ(no_content.status, 204u) << no_content;
    EXPECT_FALSE(no_content.fields.has("Content-Length"));
    const Response not_modified = client.get("/304");
    EXPECT_EQ(not_modified.status, 304u) << not_modified;
    EXPECT_EQ(not_modified.fields.get("ETag"), "\"x\"");
  }
}

TEST(Forwarding, PassesChunksAndTrailersToTheBackend) {
  Scene scene(echoes());
  const std::string text = request_text("POST", "/", "Transfer-Encoding: chunked\r\n") +
                           in_chunks("hello chunked world", 4, "X-Sum: abc\r\nHost: evil\r\n");
  RawClient client = scene.sluice.client();
  ASSERT_TRUE(client.stream.send_each_byte(text));
  const Response answer = client.response("POST");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(answer.body, "hello chunked world");
  const SeenRequest seen = scene.backend.last();
  EXPECT_EQ(seen.fields.get("Transfer-Encoding"), "chunked");
  EXPECT_EQ(seen.fields.get("Host"), "test.example");
  EXPECT_FALSE(seen.fields.has("X-Sum"));
  EXPECT_FALSE(seen.trailers.has("Host"));
}

TEST(Forwarding, DropsChunkExtensions) {
  Scene scene(echoes());
  const std::string body = "5;name=\"v;\"\r\nhello\r\n0;last\r\n\r\n";
  const Response answer =
      scene.ask(request_text("POST", "/", "Transfer-Encoding: chunked\r\n") + body, "POST");
  EXPECT_EQ(answer.body, "hello") << answer;
  EXPECT_EQ(scene.backend.received().find("name"), std::string::npos);
}

TEST(Forwarding, PassesChunkedAnswersAndKeepsTheConnection) {
  Scene scene(answers_in_chunks({"one ", noise(70'000), " three"}, "X-Sum: 3\r\n"));
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 2; ++round) {
    const Response answer = client.get("/", "TE: trailers\r\nConnection: TE\r\n");
    EXPECT_TRUE(answer.complete) << answer;
    EXPECT_EQ(answer.framing, Framing::chunked);
    EXPECT_TRUE(answer.body == "one " + noise(70'000) + " three");
    EXPECT_FALSE(answer.fields.has("X-Sum"));
  }
  EXPECT_EQ(scene.backend.request_count(), 2u);
}

TEST(Forwarding, RelaysChunksBeforeTheAnswerIsComplete) {
  const auto latch = std::make_shared<Latch>();
  Scene scene([latch](Exchange& exchange) {
    exchange.send(exchange.head(200, "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"));
    exchange.wait(*latch);
    exchange.send("4\r\nlast\r\n0\r\n\r\n");
  });
  RawClient client = scene.sluice.client();
  client.send(request_text("GET", "/"));
  const Response head = read_response_head(client.stream);
  ASSERT_EQ(head.status, 200u) << head;
  Fields trailers;
  EXPECT_EQ(read_chunk(client.stream, trailers), "first");
  latch->release();
  EXPECT_EQ(read_chunk(client.stream, trailers), "last");
  EXPECT_EQ(read_chunk(client.stream, trailers), std::nullopt);
}

TEST(Forwarding, DeliversCloseDelimitedAnswersWhole) {
  const std::string body = noise(300'000);
  Scene scene(answers_until_close(body));
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 2; ++round) {
    const Response answer = client.get("/");
    EXPECT_TRUE(answer.complete) << answer;
    EXPECT_EQ(answer.framing, Framing::chunked);
    EXPECT_TRUE(answer.body == body);
  }
}

TEST(Forwarding, MovesTenMebibytesBothWaysAtTheSameTime) {
  Scene scene(echoes_while_reading());
  const std::string body = noise(10 * mebibyte);
  RawClient client = scene.sluice.client();
  bool sent = false;
  std::thread sender([&] { sent = client.send(request_text("POST", "/", "", body)); });
  const Response answer = client.response("POST");
  sender.join();
  EXPECT_TRUE(sent);
  EXPECT_EQ(answer.status, 200u) << answer.head << answer.trouble;
  EXPECT_TRUE(answer.complete) << answer.trouble;
  EXPECT_EQ(answer.body.size(), body.size());
  EXPECT_TRUE(answer.body == body);
}

TEST(Forwarding, MovesTenMebibytesInChunks) {
  Scene scene(echoes());
  const std::string body = noise(10 * mebibyte);
  RawClient client = scene.sluice.client();
  std::thread sender([&] {
    client.send(request_text("POST", "/", "Transfer-Encoding: chunked\r\n") +
                in_chunks(body, 50'000));
  });
  const Response answer = client.response("POST");
  sender.join();
  EXPECT_TRUE(answer.complete) << answer.trouble;
  EXPECT_TRUE(answer.body == body);
  EXPECT_TRUE(scene.backend.last().body == body);
}

TEST(Forwarding, AnswersPipelinedRequestsInOrder) {
  Scene scene([](Exchange& exchange) {
    exchange.read_body();
    exchange.answer(200, exchange.request().target + exchange.request().body);
  });
  std::string text;
  std::vector<std::string> expected;
  for (int at = 0; at < 20; ++at) {
    const std::string target = "/" + std::to_string(at);
    text += at % 2 == 0 ? request_text("GET", target) : request_text("POST", target, "", "body");
    expected.push_back(at % 2 == 0 ? target : target + "body");
  }
  RawClient client = scene.sluice.client();
  ASSERT_TRUE(client.send(text));
  for (const std::string& body : expected) EXPECT_EQ(client.response().body, body);
  EXPECT_EQ(scene.backend.request_count(), expected.size());
}

TEST(Forwarding, RelaysAnAnswerThatComesBeforeTheRequestBodyIsFinished) {
  Scene scene([](Exchange& exchange) {
    exchange.send(exchange.head(413, "Content-Length: 4\r\n\r\nmuch"));
    exchange.read_body();
  });
  RawClient client = scene.sluice.client();
  client.send(request_text("POST", "/", "Content-Length: 1000000\r\n") + "part");
  const Response answer = client.response("POST");
  EXPECT_EQ(answer.status, 413u) << answer;
  EXPECT_EQ(answer.body, "much");
}

}  // namespace
}  // namespace sluice::e2e
