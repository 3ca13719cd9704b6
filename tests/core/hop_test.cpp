#include "core/hop.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/head_text.hpp"

namespace sluice::core {
namespace {

ConnectionOptions options_of(const std::string& fields) {
  const text::Request request("GET / HTTP/1.1\r\n" + fields + "\r\n");
  return connection_options(request.head.fields);
}

std::string upgrade_of(const std::string& fields, const BodyFraming& body = {},
                       const std::string& version = "1.1") {
  const text::Request request("GET / HTTP/" + version + "\r\n" + fields + "\r\n");
  return std::string(wants_upgrade(request.head, connection_options(request.head.fields), body));
}

TEST(ConnectionOptionsTest, AreReadFromAllFieldsInAnyCase) {
  const auto options = options_of("Connection: Close ,,\tKEEP-alive\r\nconnection: uPgrade,te\r\n");
  EXPECT_TRUE(options.close);
  EXPECT_TRUE(options.keep_alive);
  EXPECT_TRUE(options.upgrade);
  EXPECT_TRUE(options.te);
  EXPECT_FALSE(options.names_others);
}

TEST(ConnectionOptionsTest, OthersAreNoticedUnlessTheyCannotBeTakenAway) {
  EXPECT_TRUE(options_of("Connection: X-Foo\r\n").names_others);
  EXPECT_TRUE(options_of("Connection: Server\r\n").names_others);
  EXPECT_FALSE(options_of("Connection: Host, content-length, Cookie\r\n").names_others);
  EXPECT_FALSE(options_of("Connection:\r\nX: close\r\n").names_others);
  EXPECT_FALSE(options_of("X-Connection: close\r\n").close);
  EXPECT_FALSE(options_of("Connection: closed, xclose, clos, \"close\"\r\n").close);
}

TEST(PersistsTest, FollowsVersionAndOptions) {
  EXPECT_TRUE(persists(1, {}));
  EXPECT_TRUE(persists(2, {}));
  EXPECT_FALSE(persists(0, {}));
  EXPECT_TRUE(persists(0, options_of("Connection: keep-alive\r\n")));
  EXPECT_FALSE(persists(1, options_of("Connection: close\r\n")));
  EXPECT_FALSE(persists(0, options_of("Connection: keep-alive, close\r\n")));
  EXPECT_FALSE(persists(1, options_of("Connection: close, keep-alive\r\n")));
}

TEST(WantsUpgradeTest, NeedsBothFieldsHttp11AndNoBody) {
  const std::string both = "Connection: Upgrade\r\nUpgrade: WebSocket\r\n";
  EXPECT_EQ(upgrade_of(both), "WebSocket");
  EXPECT_EQ(upgrade_of(both, {BodyKind::length, 0}), "WebSocket");
  EXPECT_EQ(upgrade_of("Connection: upgrade\r\nUpgrade: foo/2\r\n"), "foo/2");
  EXPECT_EQ(upgrade_of(both, {BodyKind::length, 1}), "");
  EXPECT_EQ(upgrade_of(both, {BodyKind::chunked, 0}), "");
  EXPECT_EQ(upgrade_of(both, {}, "1.0"), "");
  EXPECT_EQ(upgrade_of("Upgrade: websocket\r\n"), "");
  EXPECT_EQ(upgrade_of("Connection: upgrade\r\n"), "");
  EXPECT_EQ(upgrade_of("Connection: keep-alive\r\nUpgrade: websocket\r\n"), "");
}

TEST(WantsUpgradeTest, OtherHttpVersionsListsAndNonsenseAreNotAsked) {
  for (const std::string value :
       {"h2c", "H2C", "h2", "HTTP/2.0", "http/1.1", "websocket, h2c", "h2c, websocket", "", "/",
        "websocket/", "web socket", "websocket;x"}) {
    EXPECT_EQ(upgrade_of("Connection: upgrade\r\nUpgrade: " + value + "\r\n"), "") << value;
  }
  EXPECT_EQ(upgrade_of("Connection: upgrade\r\nUpgrade: a\r\nUpgrade: a\r\n"), "");
}

TEST(ExpectTest, OnlyContinueIsKnown) {
  const text::Request wants("PUT / HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_TRUE(expects_continue(wants.head));
  EXPECT_FALSE(check_expectation(wants.head).has_value());
  const text::Request old("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_FALSE(expects_continue(old.head));
  const text::Request none("PUT / HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(expects_continue(none.head));
  EXPECT_FALSE(check_expectation(none.head).has_value());
  for (const std::string fields :
       {"Expect: 200-ok\r\n", "Expect: 100-continue, x\r\n", "Expect:\r\n",
        "Expect: 100-continue\r\nExpect: x\r\n", "Expect: 100-continue;a=b\r\n"}) {
    const text::Request other("PUT / HTTP/1.1\r\n" + fields + "\r\n");
    const auto refusal = check_expectation(other.head);
    ASSERT_TRUE(refusal.has_value()) << fields;
    EXPECT_EQ(refusal->status, 417U);
  }
}

TEST(ClientFramingTest, OpenEndsDependOnTheVersion) {
  const BodyFraming none;
  const BodyFraming length{BodyKind::length, 9};
  const BodyFraming chunked{BodyKind::chunked, 0};
  const BodyFraming until_close{BodyKind::until_close, 0};
  EXPECT_EQ(client_framing(none, 0), none);
  EXPECT_EQ(client_framing(length, 0), length);
  EXPECT_EQ(client_framing(length, 1), length);
  EXPECT_EQ(client_framing(chunked, 1), chunked);
  EXPECT_EQ(client_framing(chunked, 0), until_close);
  EXPECT_EQ(client_framing(until_close, 1), chunked);
  EXPECT_EQ(client_framing(until_close, 0), until_close);
}

TEST(IdempotentTest, MethodsAreCaseSensitive) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    EXPECT_TRUE(is_idempotent(method)) << method;
  }
  for (const char* method : {"POST", "PATCH", "CONNECT", "get", "Head", "BREW", ""}) {
    EXPECT_FALSE(is_idempotent(method)) << method;
  }
}

TEST(CookieValueTest, FindsTheFirstWithTheExactName) {
  const text::Request request(
      "GET / HTTP/1.1\r\nCookie: a=1; ab=2;b=x=y ;  c = 3; d; =e; f=\r\n"
      "X: z=1\r\ncookie: a=4; g=\"q\"\r\n\r\n");
  const Fields& fields = request.head.fields;
  EXPECT_EQ(cookie_value(fields, "a"), "1");
  EXPECT_EQ(cookie_value(fields, "ab"), "2");
  EXPECT_EQ(cookie_value(fields, "b"), "x=y");
  EXPECT_EQ(cookie_value(fields, "c"), "3");
  EXPECT_EQ(cookie_value(fields, "d"), "");
  EXPECT_EQ(cookie_value(fields, "f"), "");
  EXPECT_EQ(cookie_value(fields, "g"), "\"q\"");
  EXPECT_EQ(cookie_value(fields, "A"), "");
  EXPECT_EQ(cookie_value(fields, "z"), "");
}

}  // namespace
}  // namespace sluice::core
