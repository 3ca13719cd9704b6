#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

/// What the client gets for one answer of the backend; the connection must serve a second request.
Response relayed(Scene& scene, const std::string& bytes, std::string_view method = "GET",
                 bool then_close = false) {
  scene.backend.set_script(sends(bytes, then_close));
  RawClient client = scene.sluice.client();
  const Response answer = client.ask(request_text(method, "/"), method);
  EXPECT_TRUE(answer.complete) << answer;
  if (same_name(answer.fields.get("Connection"), "close")) return answer;
  scene.backend.set_script(answers(200, "next"));
  const Response next = client.get("/next");
  EXPECT_EQ(next.body, "next") << "after " << answer << "came " << next;
  return answer;
}

TEST(Answers, WithoutABodyByDefinitionIgnoreTheirFields) {
  Scene scene;
  EXPECT_EQ(relayed(scene, "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n").status, 204u);
  EXPECT_EQ(relayed(scene, "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n").status, 204u);
  EXPECT_EQ(relayed(scene, "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n").status, 304u);
  EXPECT_EQ(relayed(scene, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD").status,
            200u);
  EXPECT_EQ(relayed(scene, "HTTP/1.1 200 OK\r\n\r\n", "HEAD").status, 200u);
  EXPECT_EQ(relayed(scene, "HTTP/1.1 404 No\r\nContent-Length: 99\r\n\r\n", "HEAD").status, 404u);
}

TEST(Answers, WithUnusualStatusLinesPass) {
  Scene scene;
  const Response no_reason = relayed(scene, "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(no_reason.body, "ok");
  EXPECT_EQ(no_reason.reason, "");
  EXPECT_EQ(relayed(scene, "HTTP/1.1 599 Odd one\r\nContent-Length: 0\r\n\r\n").reason, "Odd one");
}

TEST(Answers, LoseTheirChunkExtensions) {
  Scene scene;
  const Response answer = relayed(
      scene, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0;c\r\n\r\n");
  EXPECT_EQ(answer.body, "ok") << answer;
}

TEST(Answers, FramedInChunksTrustNoLength) {
  Scene scene;
  scene.backend.set_script(
      sends("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked"
            "\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            true));
  const Response answer = scene.get("/");
  EXPECT_TRUE(answer.status == 502 || answer.body == "ok") << answer;
  EXPECT_TRUE(answer.complete) << answer.trouble;
}

TEST(Answers, KeepTrailersThatAreAllowed) {
  Scene scene(answers_in_chunks({"ok"},
                                "X-Sum: 1\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\n"
                                "Transfer-Encoding: chunked\r\n"));
  const Response answer = scene.get("/", "TE: trailers\r\nConnection: TE\r\n");
  EXPECT_TRUE(answer.complete) << answer;
  EXPECT_EQ(answer.trailers.get("X-Sum"), "1");
  for (const char* name : {"Content-Length", "Set-Cookie", "Transfer-Encoding"})
    EXPECT_FALSE(answer.trailers.has(name)) << name;
  EXPECT_FALSE(answer.fields.has("Set-Cookie"));
  EXPECT_EQ(scene.backend.last().fields.get("TE"), "trailers");
}

TEST(Answers, WithAnEndlessHeadAre502) {
  Scene scene([](Exchange& exchange) {
    exchange.send(exchange.head(200));
    const std::string field = "X-Many: " + std::string(1000, 'a') + "\r\n";
    for (int at = 0; at < 2000 && exchange.send(field); ++at) {
    }
    exchange.close();
  });
  const Response answer = scene.ask(request_text("POST", "/"), "POST");
  EXPECT_EQ(answer.status, 502u) << answer.head.substr(0, 300);
}

TEST(Answers, WithAThousandInterimOnesStayInStep) {
  Scene scene([](Exchange& exchange) {
    std::string text;
    for (int at = 0; at < 1000; ++at) text += "HTTP/1.1 102 Processing\r\n\r\n";
    exchange.send(text);
    exchange.answer(200, exchange.request().target);
  });
  RawClient client = scene.sluice.client();
  for (const char* target : {"/one", "/two"}) {
    const Response answer = client.get(target);
    EXPECT_EQ(answer.body, target);
    EXPECT_EQ(answer.interim.size(), 1000u);
  }
}

TEST(Answers, NeverReachAnotherClient) {
  Scene scene([](Exchange& exchange) {
    exchange.read_body();
    exchange.answer(200, exchange.request().target);
  });
  std::vector<RawClient> clients;
  for (int at = 0; at < 20; ++at) clients.push_back(scene.sluice.client());
  for (int round = 0; round < 20; ++round) {
    for (std::size_t at = 0; at < clients.size(); ++at) {
      clients[at].send(request_text("GET", "/" + std::to_string(at) + "-" + std::to_string(round)));
      // Some leave before they have their answer: it must not be left for the next one.
      if (round % 5 == 4 && at % 3 == 0) {
        clients[at].stream.reset();
        clients[at] = scene.sluice.client();
        clients[at].send(
            request_text("GET", "/" + std::to_string(at) + "-" + std::to_string(round)));
      }
    }
    for (std::size_t at = 0; at < clients.size(); ++at) {
      const Response answer = clients[at].response();
      EXPECT_EQ(answer.body, "/" + std::to_string(at) + "-" + std::to_string(round)) << answer;
    }
  }
}

TEST(Answers, OfADeadlineForTheWholeRequestAre504) {
  Scene scene(
      [](Exchange& exchange) {
        exchange.read_body();
        exchange.stream().fill();
        exchange.close();
      },
      "[timeouts]\ntotal = \"300ms\"\n");
  EXPECT_EQ(scene.ask(request_text("POST", "/"), "POST").status, 504u);
}

TEST(Answers, ThatStallAreCut) {
  Scene scene(
      [](Exchange& exchange) {
        exchange.send(exchange.head(200, "Content-Length: 100\r\n\r\nstart"));
        exchange.stream().fill();
        exchange.close();
      },
      "[timeouts]\nbackend_idle = \"300ms\"\n");
  const Response answer = scene.get("/");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_FALSE(answer.complete);
  EXPECT_TRUE(scene.backend.wait_for_open(0));
}

TEST(Answers, ToABodyThatStallsAre408) {
  Scene scene(echoes(), "[timeouts]\nbody_idle = \"300ms\"\n");
  RawClient client = scene.sluice.client();
  const Response answer =
      client.ask(request_text("POST", "/", "Content-Length: 100\r\n") + "start", "POST");
  EXPECT_EQ(answer.status, 408u) << answer;
  EXPECT_TRUE(scene.backend.wait_for_open(0));
  EXPECT_FALSE(scene.backend.requests().at(0).complete);
}

}  // namespace
}  // namespace sluice::e2e
