#include <algorithm>
#include <map>

#include "tests/e2e/scene.hpp"
#include "tests/e2e/smuggling_cases.hpp"

namespace sluice::e2e {
namespace {

enum class Delivery { whole, by_byte, pipelined };

class Smuggling : public ::testing::TestWithParam<Delivery> {
 protected:
  void refuses_all(const std::vector<MalformedRequest>& cases) {
    Scene scene([](Exchange& exchange) {
      exchange.read_body();
      exchange.answer(200, exchange.request().target);
    });
    for (std::size_t at = 0; at < cases.size(); ++at) {
      SCOPED_TRACE(cases[at].what);
      refuses(scene, marked(cases[at].bytes, at));
    }
    EXPECT_EQ(scene.get("/alive").body, "/alive");
    // Once the proxy is gone and its connections are read to their end, nothing can come late.
    scene.sluice.process().kill();
    ASSERT_TRUE(scene.backend.wait_for_open(0));
    EXPECT_EQ(scene.backend.received().find("smuggled"), std::string::npos);
    std::map<std::string, std::size_t> seen;
    for (const SeenRequest& request : scene.backend.requests()) ++seen[request.target];
    EXPECT_EQ(seen["/alive"], 1u);
    EXPECT_EQ(seen["/before"], GetParam() == Delivery::pipelined ? cases.size() : 0u);
    for (std::size_t at = 0; at < cases.size(); ++at)
      EXPECT_LE(seen["/first-" + std::to_string(at)], cases[at].head_may_pass ? 1u : 0u)
          << cases[at].what;
    const std::size_t others = seen["/before"] + seen["/alive"];
    EXPECT_LE(scene.backend.request_count() - others, head_may_pass(cases));
    for (const SeenRequest& request : scene.backend.requests())
      EXPECT_FALSE(request.complete && request.target.starts_with("/first-")) << request.head;
  }

 private:
  static std::size_t head_may_pass(const std::vector<MalformedRequest>& cases) {
    return static_cast<std::size_t>(
        std::count_if(cases.begin(), cases.end(),
                      [](const MalformedRequest& malformed) { return malformed.head_may_pass; }));
  }

  /// The octets with the number of their case in the target.
  static std::string marked(std::string bytes, std::size_t number) {
    if (bytes.starts_with("POST /first ")) bytes.insert(11, "-" + std::to_string(number));
    return bytes;
  }

  void refuses(Scene& scene, const std::string& malformed) {
    const bool pipelined = GetParam() == Delivery::pipelined;
    RawClient client = scene.sluice.client();
    const std::string text =
        (pipelined ? request_text("GET", "/before") : std::string()) + malformed;
    if (GetParam() == Delivery::by_byte)
      client.stream.send_each_byte(text);
    else
      client.send(text);
    if (pipelined) {
      EXPECT_EQ(client.response().body, "/before");
    }
    const Response answer = client.response();
    check(answer);
    client.stream.take_all();
    EXPECT_NE(client.stream.ending(), Ending::late) << "the connection stays open";
  }

  static void check(const Response& answer) {
    // A reset may overtake the answer to octets that are still being sent.
    if (GetParam() == Delivery::by_byte && answer.status == 0) return;
    EXPECT_TRUE(answer.status == 400 || answer.status == 501 || answer.status == 505 ||
                answer.status == 413 || answer.status == 431)
        << answer;
    EXPECT_TRUE(answer.complete) << answer.trouble;
    EXPECT_EQ(answer.fields.get("Connection"), "close") << answer;
  }
};

TEST_P(Smuggling, FramingThatCanBeReadInTwoWaysIsRefused) {
  refuses_all(framing_cases());
}

TEST_P(Smuggling, HeadsOutsideTheGrammarAreRefused) {
  refuses_all(head_cases());
}

TEST_P(Smuggling, ChunksOutsideTheGrammarAreRefused) {
  refuses_all(chunk_cases());
}

INSTANTIATE_TEST_SUITE_P(Deliveries, Smuggling,
                         ::testing::Values(Delivery::whole, Delivery::by_byte, Delivery::pipelined),
                         [](const auto& delivery) {
                           return delivery.param == Delivery::whole     ? "Whole"
                                  : delivery.param == Delivery::by_byte ? "ByByte"
                                                                        : "Pipelined";
                         });

TEST(SmugglingAnswers, ThatCanBeReadInTwoWaysBecome502) {
  Scene scene;
  for (const char* bytes :
       {"ICY 200 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n"}) {
    scene.backend.set_script(sends(bytes, true));
    const Response answer = scene.get("/");
    EXPECT_EQ(answer.status, 502u) << bytes << "\n" << answer;
    EXPECT_NE(answer.fields.get("Proxy-Status").find("sluice; error="), std::string::npos);
  }
}

TEST(SmugglingAnswers, OctetsBehindAnAnswerAreShownToNobody) {
  Scene scene(
      sends("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
  RawClient client = scene.sluice.client();
  for (int round = 0; round < 5; ++round) EXPECT_EQ(client.get("/").body, "ok");
  EXPECT_EQ(scene.backend.accepted(), 5u);
}

TEST(SmugglingAnswers, ABadChunkLeadsToACutAnswer) {
  Scene scene(sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n"));
  const Response answer = scene.get("/");
  EXPECT_FALSE(answer.complete) << answer;
}

}  // namespace
}  // namespace sluice::e2e
