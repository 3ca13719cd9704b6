#include <gtest/gtest.h>

#include <string>

#include "core/hop.hpp"
#include "tests/core/head_text.hpp"

namespace sluice::core {
namespace {

constexpr BodyFraming none{};
constexpr BodyFraming chunked{BodyKind::chunked, 0};
constexpr BodyFraming until_close{BodyKind::until_close, 0};

ResponseAdditions dated() {
  ResponseAdditions additions;
  additions.date = "D";
  return additions;
}

std::string sent(const std::string& head, const BodyFraming& body,
                 const ResponseAdditions& additions = dated()) {
  const text::Response response(head + "\r\n");
  std::string out;
  write_response_head(out, response.head, body, additions);
  return out;
}

TEST(WriteResponseHeadTest, FieldsPassInOrderAndUnchanged) {
  EXPECT_EQ(sent("HTTP/1.0 404 Not \xe4 here\r\nServer: s\r\nSet-Cookie: a\r\nX:  y \r\n"
                 "Set-Cookie: b\r\nWWW-Authenticate: Basic\r\nProxy-Authenticate: Basic\r\n"
                 "Via: 1.1 x\r\nContent-Length: 3\r\nETag: \"\xff\"\r\n",
                 {BodyKind::length, 3}),
            "HTTP/1.1 404 Not \xe4 here\r\nServer: s\r\nSet-Cookie: a\r\nX: y\r\nSet-Cookie: b\r\n"
            "WWW-Authenticate: Basic\r\nProxy-Authenticate: Basic\r\nVia: 1.1 x\r\n"
            "ETag: \"\xff\"\r\nContent-Length: 3\r\nDate: D\r\n\r\n");
}

TEST(WriteResponseHeadTest, EmptyReasonKeepsItsSpace) {
  EXPECT_EQ(sent("HTTP/1.1 200 \r\nDate: x\r\n", chunked),
            "HTTP/1.1 200 \r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(WriteResponseHeadTest, HopAndNominatedFieldsGo) {
  EXPECT_EQ(sent("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nX-Foo: 1\r\nUpgrade: h2c\r\n"
                 "Connection: close, X-Foo, server, Set-Cookie, Date, Content-Length\r\n"
                 "Proxy-Connection: close\r\nX-Bar: 2\r\nServer: s\r\nSet-Cookie: c\r\nDate: d\r\n"
                 "TE: trailers\r\nTrailer: X-Sum\r\nContent-Length: 3\r\n",
                 {BodyKind::length, 3}),
            "HTTP/1.1 200 OK\r\nX-Bar: 2\r\nSet-Cookie: c\r\nDate: d\r\nContent-Length: 3\r\n\r\n");
}

TEST(WriteResponseHeadTest, FramingFollowsTheBody) {
  const std::string head =
      "HTTP/1.1 200 OK\r\nDate: d\r\ntransfer-encoding: CHUNKED\r\nTrailer: X\r\n";
  EXPECT_EQ(sent(head, chunked),
            "HTTP/1.1 200 OK\r\nDate: d\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(sent(head, until_close), "HTTP/1.1 200 OK\r\nDate: d\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(sent(head, none), "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(sent("HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 007\r\n", {BodyKind::length, 7}),
            "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 7\r\n\r\n");
}

TEST(WriteResponseHeadTest, InterimAnd204CarryNoFraming) {
  for (const std::string status : {"100 Continue", "103 Early Hints", "204 No Content"}) {
    const std::string start = "HTTP/1.1 " + status + "\r\nLink: x\r\nDate: d\r\n";
    EXPECT_EQ(sent(start + "Content-Length: 5\r\n", none), start + "\r\n");
    EXPECT_EQ(sent(start + "Transfer-Encoding: chunked\r\n", chunked), start + "\r\n");
  }
}

TEST(WriteResponseHeadTest, HeadAnd304KeepAValidLength) {
  ResponseAdditions to_head = dated();
  to_head.to_head = true;
  const std::pair<std::string, std::string> cases[] = {
      {"Content-Length: 0042\r\n", "Content-Length: 42\r\n"},
      {"Content-Length: 0\r\n", "Content-Length: 0\r\n"},
      {"", ""},
      {"Content-Length: x\r\n", ""},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", ""},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", ""},
      {"Transfer-Encoding: chunked\r\n", ""},
  };
  for (const auto& [received, shown] : cases) {
    EXPECT_EQ(sent("HTTP/1.1 200 OK\r\nDate: d\r\n" + received, none, to_head),
              "HTTP/1.1 200 OK\r\nDate: d\r\n" + shown + "\r\n");
    EXPECT_EQ(sent("HTTP/1.1 304 NM\r\nDate: d\r\n" + received, none),
              "HTTP/1.1 304 NM\r\nDate: d\r\n" + shown + "\r\n");
  }
  EXPECT_EQ(sent("HTTP/1.1 200 OK\r\nDate: d\r\n", {BodyKind::length, 9}, to_head),
            "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 9\r\n\r\n");
  EXPECT_EQ(sent("HTTP/1.1 204 NC\r\nDate: d\r\nContent-Length: 9\r\n", none, to_head),
            "HTTP/1.1 204 NC\r\nDate: d\r\n\r\n");
}

TEST(WriteResponseHeadTest, ConnectionSaysWhatHappens) {
  const std::string head = "HTTP/1.1 200 OK\r\nDate: d\r\n";
  const std::string start = head + "Content-Length: 0\r\n";
  ResponseAdditions additions;
  EXPECT_EQ(sent(head, none, additions), start + "\r\n");
  additions.keep_alive = true;
  EXPECT_EQ(sent(head, none, additions), start + "\r\n");
  additions.client_minor = 0;
  EXPECT_EQ(sent(head, none, additions), start + "Connection: keep-alive\r\n\r\n");
  EXPECT_EQ(sent(head, until_close, additions), head + "Connection: close\r\n\r\n");
  additions.close = true;
  EXPECT_EQ(sent(head, none, additions), start + "Connection: close\r\n\r\n");
}

TEST(WriteResponseHeadTest, AdditionsOfFinalAnswers) {
  ResponseAdditions additions = dated();
  additions.set_cookie = "s=1; Path=/";
  additions.request_id = "id";
  additions.close = true;
  const std::string fields = "Set-Cookie: a\r\nX-Request-Id: theirs\r\n";
  EXPECT_EQ(sent("HTTP/1.1 200 OK\r\n" + fields, none, additions),
            "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nContent-Length: 0\r\nDate: D\r\n"
            "Set-Cookie: s=1; Path=/\r\nX-Request-Id: id\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(sent("HTTP/1.1 103 Early Hints\r\n" + fields, none, additions),
            "HTTP/1.1 103 Early Hints\r\n" + fields + "\r\n");
}

TEST(WriteResponseHeadTest, SwitchingProtocolsNamesTheUpgrade) {
  ResponseAdditions additions = dated();
  additions.upgrade = "websocket";
  additions.set_cookie = "s=1";
  EXPECT_EQ(sent("HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Accept: k\r\nContent-Length: 5\r\n",
                 none, additions),
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\nSet-Cookie: s=1\r\n"
            "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

}  // namespace
}  // namespace sluice::core
