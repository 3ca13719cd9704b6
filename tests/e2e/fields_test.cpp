#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

/// The fields that the backend gets for a GET with these.
Fields forwarded(Scene& scene, const std::string& fields) {
  const Response answer = scene.get("/", fields);
  EXPECT_EQ(answer.status, 200u) << answer;
  return scene.backend.last().fields;
}

TEST(ForwardedFields, LeaveOutWhatBelongsToTheClientsHop) {
  Scene scene;
  const Fields seen = forwarded(
      scene,
      "Connection: X-Private, keep-alive, close, Host, X-Other\r\nX-Private: 1\r\nX-Other: 2\r\n"
      "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nX-Public: 3\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n");
  for (const char* name : {"X-Private", "X-Other", "Keep-Alive", "Proxy-Connection", "TE",
                           "Upgrade", "HTTP2-Settings"})
    EXPECT_FALSE(seen.has(name)) << name;
  EXPECT_EQ(seen.get("X-Public"), "3");
  EXPECT_EQ(seen.get("Host"), "test.example");
  EXPECT_EQ(seen.get("Connection").find("X-Private"), std::string::npos);
}

TEST(ForwardedFields, ConnectionCannotRemoveTheLengthOfABody) {
  Scene scene(echoes());
  const Response answer =
      scene.ask(request_text("POST", "/", "Connection: Content-Length\r\n", "body"), "POST");
  EXPECT_EQ(answer.body, "body") << answer;
  EXPECT_EQ(scene.backend.request_count(), 1u);
}

TEST(ForwardedFields, LeaveOutWhatBelongsToTheBackendsHop) {
  Scene scene(answers(200, "x",
                      "Connection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
                      "Proxy-Connection: keep-alive\r\nX-Public: 2\r\nServer: mine\r\n"));
  const Response answer = scene.get("/");
  EXPECT_FALSE(answer.fields.has("X-Private")) << answer;
  EXPECT_FALSE(answer.fields.has("Keep-Alive"));
  EXPECT_FALSE(answer.fields.has("Proxy-Connection"));
  EXPECT_EQ(answer.fields.get("X-Public"), "2");
  EXPECT_EQ(answer.fields.get("Server"), "mine");
  EXPECT_EQ(answer.fields.count("Date"), 1u);
}

TEST(ForwardedFields, ADateIsAddedWhereMissing) {
  Scene scene(sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_NE(scene.get("/").fields.get("Date").find(" GMT"), std::string::npos);
}

TEST(ForwardedFields, SayWhoAskedAndOnWhichWay) {
  Scene scene;
  const Fields seen = forwarded(scene, "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n");
  EXPECT_EQ(seen.all("X-Forwarded-For"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(seen.all("X-Forwarded-Proto"), std::vector<std::string>{"http"});
  EXPECT_EQ(seen.get("X-Forwarded-Host"), "test.example");
  EXPECT_EQ(seen.get("Via"), "1.1 sluice");
}

TEST(ForwardedFields, OfATrustedProxyAreKept) {
  TestBackend backend;
  ConfigText config = one_pool(backend.address());
  config.server += "trusted_proxies = [\"127.0.0.0/8\"]\n";
  const SluiceProcess sluice(config);
  EXPECT_EQ(sluice.client().get("/", "X-Forwarded-For: 6.6.6.6\r\nVia: 1.0 edge\r\n").status, 200u);
  const Fields seen = backend.last().fields;
  EXPECT_EQ(seen.get("X-Forwarded-For"), "6.6.6.6, 127.0.0.1");
  std::string via;
  for (const std::string& value : seen.all("Via")) via += (via.empty() ? "" : ", ") + value;
  EXPECT_EQ(via, "1.0 edge, 1.1 sluice");
}

TEST(ForwardedFields, CarryARequestIdAndATrace) {
  Scene scene;
  const Fields made = forwarded(scene, "");
  EXPECT_EQ(made.get("X-Request-Id").size(), 32u);
  EXPECT_EQ(made.get("traceparent").size(), 55u);
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const Fields kept = forwarded(scene, "X-Request-Id: abc-1\r\ntraceparent: " + trace + "\r\n");
  EXPECT_EQ(kept.all("X-Request-Id"), std::vector<std::string>{"abc-1"});
  EXPECT_EQ(kept.get("traceparent").substr(0, 35), trace.substr(0, 35));
  const Fields next = forwarded(scene, "");
  EXPECT_NE(next.get("X-Request-Id"), made.get("X-Request-Id"));
}

TEST(ForwardedFields, AbsoluteFormWinsOverHost) {
  Scene scene;
  const Response answer =
      scene.ask("GET http://other.example:81/path?q HTTP/1.1\r\nHost: test.example\r\n\r\n");
  EXPECT_EQ(answer.status, 200u) << answer;
  EXPECT_EQ(scene.backend.last().target, "/path?q");
  EXPECT_EQ(scene.backend.last().fields.all("Host"), std::vector<std::string>{"other.example:81"});
}

TEST(ForwardedFields, KeepOrderRepetitionsAndHighOctets) {
  Scene scene(answers(200, "x",
                      "Set-Cookie: a=1; Path=/\r\nX-Mid: m\r\nSet-Cookie: b=2, c\r\n"
                      "X-High: \xc3\xa4\xff\r\n"));
  const Response answer =
      scene.get("/", "X-A: 1\r\nX-B:   two \t\r\nX-A: 3\r\nX-High: \xff\x80\r\n");
  EXPECT_EQ(answer.fields.all("Set-Cookie"), (std::vector<std::string>{"a=1; Path=/", "b=2, c"}));
  EXPECT_EQ(answer.fields.get("X-High"), "\xc3\xa4\xff");
  EXPECT_LT(answer.head.find("a=1"), answer.head.find("X-Mid"));
  EXPECT_LT(answer.head.find("X-Mid"), answer.head.find("b=2"));
  const SeenRequest seen = scene.backend.last();
  EXPECT_EQ(seen.fields.all("X-A"), (std::vector<std::string>{"1", "3"}));
  EXPECT_EQ(seen.fields.get("X-B"), "two");
  EXPECT_EQ(seen.fields.get("X-High"), "\xff\x80");
  EXPECT_LT(seen.head.find("X-A: 1"), seen.head.find("X-B: two\r\n"));
}

TEST(ForwardedFields, MaxForwardsIsHonouredOnOptions) {
  Scene scene;
  const Response last = scene.ask(request_text("OPTIONS", "/", "Max-Forwards: 0\r\n"), "OPTIONS");
  EXPECT_EQ(last.status / 100, 2u) << last;
  EXPECT_EQ(scene.backend.request_count(), 0u);
  scene.ask(request_text("OPTIONS", "*", "Max-Forwards: 5\r\n"), "OPTIONS");
  EXPECT_EQ(scene.backend.last().target, "*");
  EXPECT_EQ(scene.backend.last().fields.get("Max-Forwards"), "4");
}

TEST(ForwardedFields, EmptyLinesBeforeARequestAreSkipped) {
  Scene scene;
  EXPECT_EQ(scene.ask("\r\n\r\n" + request_text("GET", "/")).status, 200u);
  EXPECT_EQ(scene.backend.request_count(), 1u);
}

TEST(ForwardedFields, AHigherMinorVersionIsForwardedAsOneDotOne) {
  Scene scene;
  EXPECT_EQ(scene.ask("GET / HTTP/1.9\r\nHost: a\r\n\r\n").status, 200u);
  EXPECT_TRUE(scene.backend.last().head.starts_with("GET / HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace sluice::e2e
