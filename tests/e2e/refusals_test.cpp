#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

TEST(Refusals, ALongRequestLineIs414) {
  Scene scene;
  const Response answer = scene.get("/" + std::string(100 * 1024, 'a'));
  EXPECT_EQ(answer.status, 414u) << answer;
  EXPECT_EQ(scene.backend.request_count(), 0u);
}

TEST(Refusals, TenThousandFieldsAre431) {
  Scene scene;
  std::string fields;
  for (int at = 0; at < 10'000; ++at) fields += "X-" + std::to_string(at) + ": 1\r\n";
  EXPECT_EQ(scene.get("/", fields).status, 431u);
  EXPECT_EQ(scene.get("/", "X-Long: " + std::string(40'000, 'a') + "\r\n").status, 431u);
  EXPECT_EQ(scene.backend.request_count(), 0u);
}

TEST(Refusals, LimitsOfTheFileAreInForce) {
  Scene scene({}, "[limits]\nrequest_line = \"100B\"\nfields = 4\nbody = \"10B\"\n");
  EXPECT_EQ(scene.get("/" + std::string(200, 'a')).status, 414u);
  EXPECT_EQ(scene.get("/", "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n").status, 431u);
  EXPECT_EQ(scene.ask(request_text("POST", "/", "", "elevenbytes"), "POST").status, 413u);
  EXPECT_EQ(scene.backend.request_count(), 0u);
  EXPECT_EQ(scene.ask(request_text("POST", "/", "", "ten bytes!"), "POST").status, 200u);
}

TEST(Refusals, AChunkedBodyOverTheLimitIsNeverDeliveredAsComplete) {
  Scene scene(echoes(), "[limits]\nbody = \"10B\"\n");
  const Response answer = scene.ask(request_text("POST", "/", "Transfer-Encoding: chunked\r\n") +
                                        in_chunks("much more than ten", 5),
                                    "POST");
  EXPECT_EQ(answer.status, 413u) << answer;
  for (const SeenRequest& seen : scene.backend.requests()) EXPECT_FALSE(seen.complete);
}

TEST(Refusals, AClientThatTricklesItsHeadIsEnded) {
  Scene scene({}, "[timeouts]\nhead = \"1s\"\n");
  RawClient client = scene.sluice.client();
  const auto begin = Clock::now();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
  while (!client.stream.fill(Deadline(milliseconds(100))) &&
         client.stream.ending() == Ending::late && Clock::now() - begin < patience)
    client.send("a");
  EXPECT_GE(Clock::now() - begin, milliseconds(800));
  EXPECT_LT(Clock::now() - begin, seconds(15));
  if (!client.stream.buffer.empty()) {
    const Response answer = client.response();
    EXPECT_EQ(answer.status, 408u) << answer;
  }
  client.stream.take_all();
  EXPECT_NE(client.stream.ending(), Ending::late);
  EXPECT_EQ(scene.backend.request_count(), 0u);
}

TEST(Refusals, WithoutARouteAre404) {
  TestBackend backend;
  const SluiceProcess sluice(
      one_pool(backend.address(), "", "host = \"shop.example\"\npath = \"/a\"\n"));
  const Response answer = sluice.client().get("/b");
  EXPECT_EQ(answer.status, 404u) << answer;
  EXPECT_TRUE(answer.fields.has("X-Request-Id"));
  EXPECT_NE(answer.fields.get("Proxy-Status").find("sluice"), std::string::npos);
  EXPECT_EQ(sluice.client().ask("GET /ab HTTP/1.1\r\nHost: shop.example\r\n\r\n").status, 404u);
  EXPECT_EQ(backend.request_count(), 0u);
  EXPECT_EQ(sluice.client().ask("GET /a/b HTTP/1.1\r\nHost: Shop.Example:80\r\n\r\n").status, 200u);
}

TEST(Refusals, FollowTheAcceptOfTheClient) {
  TestBackend backend;
  const SluiceProcess sluice(one_pool(backend.address(), "", "host = \"shop.example\"\n"));
  const Response json = sluice.client().get("/", "Accept: application/json\r\n");
  EXPECT_EQ(json.status, 404u);
  boost::json::error_code error;
  EXPECT_TRUE(boost::json::parse(json.body, error).is_object()) << json;
  const Response text = sluice.client().get("/", "Accept: text/plain\r\n");
  EXPECT_EQ(text.fields.get("Content-Type").substr(0, 10), "text/plain") << text;
  EXPECT_FALSE(text.body.empty());
}

TEST(Refusals, AnUnreachableBackendIsToldWithAReason) {
  const SluiceProcess sluice(one_pool(free_address()));
  const Response answer = sluice.client().get("/");
  EXPECT_TRUE(answer.status == 502 || answer.status == 503) << answer;
  EXPECT_NE(answer.fields.get("Proxy-Status").find("sluice; error=connection_refused"),
            std::string::npos)
      << answer;
  EXPECT_TRUE(answer.fields.has("X-Request-Id"));
}

TEST(Refusals, APoolWithoutAHealthyBackendIs503WithRetryAfter) {
  const SluiceProcess sluice(one_pool(free_address(), quick_health));
  ASSERT_TRUE(eventually([&] { return backend_word(sluice, "health") == "down"; }));
  const Response answer = sluice.client().get("/");
  EXPECT_EQ(answer.status, 503u) << answer;
  EXPECT_TRUE(answer.fields.has("Retry-After"));
  EXPECT_NE(answer.fields.get("Proxy-Status").find("sluice; error="), std::string::npos);
}

TEST(Refusals, ABackendThatSaysNothingIs504) {
  const auto latch = std::make_shared<Latch>();
  Scene scene(answers_after(latch), "[timeouts]\nfirst_byte = \"300ms\"\n");
  const Response answer = scene.ask(request_text("POST", "/"), "POST");
  EXPECT_EQ(answer.status, 504u) << answer;
  EXPECT_EQ(scene.backend.request_count(), 1u);
}

TEST(Refusals, TracesAndConnectsDoNotLeak) {
  Scene scene;
  EXPECT_GE(scene.ask("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n").status, 400u);
  EXPECT_EQ(scene.backend.request_count(), 0u);
  const Response trace = scene.ask(request_text("TRACE", "/", "Cookie: secret=1\r\n"), "TRACE");
  EXPECT_EQ(scene.backend.received().find("secret"), std::string::npos) << trace;
}

}  // namespace
}  // namespace sluice::e2e
