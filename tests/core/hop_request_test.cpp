#include <gtest/gtest.h>

#include <string>

#include "core/hop.hpp"
#include "core/target.hpp"
#include "tests/core/head_text.hpp"

namespace sluice::core {
namespace {

RequestAdditions plain() {
  RequestAdditions additions;
  additions.client_ip = "192.0.2.1";
  additions.request_id = "id-1";
  additions.traceparent = "tp-1";
  return additions;
}

/// What the backend gets of a request with these fields behind "Host: a".
std::string sent(const std::string& fields, const RequestAdditions& additions = plain(),
                 const std::string& version = "1.1") {
  text::Request request("GET /p?q HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n");
  EXPECT_FALSE(resolve_target(request.head).has_value());
  const auto framing = frame_request(request.head);
  EXPECT_TRUE(framing.ok()) << fields;
  std::string out;
  write_request_head(out, request.head, *framing, additions);
  return out;
}

std::string expected(const std::string& passed, const std::string& via = "1.1 sluice") {
  return "GET /p?q HTTP/1.1\r\nHost: a\r\n" + passed + "Via: " + via +
         "\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n"
         "X-Request-Id: id-1\r\ntraceparent: tp-1\r\n";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(WriteRequestHeadTest, FieldsPassInOrderAndUnchanged) {
  EXPECT_EQ(sent("b: 1\r\nA:  x\ty \r\nb: 2\r\nEmpty:\r\nCookie: c=1\r\nHigh: \xe4\xff\r\n"
                 "Max-Forwards: 3\r\nAuthorization: Basic x\r\nCookie: d=2\r\n"),
            expected("b: 1\r\nA: x\ty\r\nb: 2\r\nEmpty: \r\nCookie: c=1\r\nHigh: \xe4\xff\r\n"
                     "Max-Forwards: 3\r\nAuthorization: Basic x\r\nCookie: d=2\r\n") +
                "\r\n");
}

TEST(WriteRequestHeadTest, TextIsAppended) {
  const text::Request request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string out = "before";
  write_request_head(out, request.head, {}, plain());
  EXPECT_EQ(out.substr(0, 22), "beforeGET / HTTP/1.1\r\n");
}

TEST(WriteRequestHeadTest, HopFieldsNeverPass) {
  EXPECT_EQ(sent("Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\n"
                 "Connection: keep-alive\r\nProxy-Authorization: Basic x\r\n"
                 "Upgrade: websocket\r\nHTTP2-Settings: AAMAAABk\r\nTrailer: X\r\nX: y\r\n"),
            expected("X: y\r\n") + "\r\n");
  EXPECT_EQ(sent("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                 "HTTP2-Settings: AAMAAABk\r\n"),
            expected("") + "\r\n");
}

TEST(WriteRequestHeadTest, NominatedFieldsGo) {
  EXPECT_EQ(sent("X-Foo: 1\r\nConnection: close, x-foo\r\nX-Bar: 2\r\nX-FOO: 3\r\n"
                 "connection: ,X-BAR, Accept\r\nX-Baz: 4\r\nAccept: */*\r\nX-Foo-2: 5\r\n"),
            expected("X-Baz: 4\r\nX-Foo-2: 5\r\n") + "\r\n");
}

TEST(WriteRequestHeadTest, NominationCannotTakeAwayWhatIsMeantForAll) {
  RequestAdditions additions = plain();
  additions.trust_forwarded = true;
  const std::string out = sent(
      "Connection: Host, Content-Length, Transfer-Encoding, Authorization, Cookie, Via, Date,"
      " X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Request-Id, traceparent,"
      " Expect, Content-Type, Forwarded, Max-Forwards\r\n"
      "Content-Length: 3\r\nAuthorization: Basic x\r\nCookie: a=b\r\nVia: 1.1 front\r\n"
      "Date: d\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: b\r\nExpect: 100-continue\r\nContent-Type: t/s\r\nForwarded: for=x\r\n"
      "Max-Forwards: 1\r\n",
      additions);
  EXPECT_EQ(out,
            "GET /p?q HTTP/1.1\r\nHost: a\r\nAuthorization: Basic x\r\nCookie: a=b\r\n"
            "Via: 1.1 front\r\nDate: d\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\n"
            "Expect: 100-continue\r\nContent-Type: t/s\r\nForwarded: for=x\r\nMax-Forwards: 1\r\n"
            "Content-Length: 3\r\nVia: 1.1 sluice\r\n"
            "X-Forwarded-For: 198.51.100.1, 192.0.2.1\r\nX-Request-Id: id-1\r\n"
            "traceparent: tp-1\r\n\r\n");
}

TEST(WriteRequestHeadTest, AsManyNominationsWorkAsFramingAllows) {
  std::string names = "n0";
  std::string fields = "n0: x\r\n";
  for (std::size_t i = 1; i < max_connection_options; ++i) {
    names += ",n" + std::to_string(i);
    fields += "n" + std::to_string(i) + ": x\r\n";
  }
  EXPECT_EQ(sent(fields + "Connection: " + names + "\r\n"), expected("") + "\r\n");
}

TEST(WriteRequestHeadTest, FramingIsOursAndCanonical) {
  EXPECT_EQ(sent("content-length: 0042\r\nX: y\r\n").find("content-length"), std::string::npos);
  EXPECT_TRUE(holds(sent("content-length: 0042\r\n"), "\r\nContent-Length: 42\r\nVia"));
  EXPECT_TRUE(holds(sent("Content-Length: 9223372036854775807\r\n"),
                    "\r\nContent-Length: 9223372036854775807\r\n"));
  EXPECT_TRUE(holds(sent("Content-Length: 0\r\n"), "\r\nContent-Length: 0\r\n"));
  const std::string chunked = sent("transfer-encoding: CHUNKED\r\nTrailer: X-Sum\r\n");
  EXPECT_TRUE(holds(chunked, "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\nVia"));
  EXPECT_FALSE(holds(chunked, "CHUNKED"));
  EXPECT_FALSE(holds(chunked, "Content-Length"));
}

TEST(WriteRequestHeadTest, AbsoluteFormRewritesTheHost) {
  text::Request request("GET http://b:81/x HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n");
  ASSERT_FALSE(resolve_target(request.head).has_value());
  std::string out;
  write_request_head(out, request.head, {}, plain());
  EXPECT_EQ(out.substr(0, 39), "GET /x HTTP/1.1\r\nHost: b:81\r\nX: y\r\nVia:");
  EXPECT_TRUE(holds(out, "X-Forwarded-Host: b:81\r\n"));
}

TEST(WriteRequestHeadTest, Http10BecomesHttp11WithAHostAndWithoutExpect) {
  text::Request request(
      "GET / HTTP/1.0\r\nExpect: 100-continue\r\nTE: trailers\r\n"
      "Connection: TE\r\n\r\n");
  ASSERT_FALSE(resolve_target(request.head).has_value());
  std::string out;
  write_request_head(out, request.head, {}, plain());
  EXPECT_EQ(out,
            "GET / HTTP/1.1\r\nHost: \r\nVia: 1.0 sluice\r\nX-Forwarded-For: 192.0.2.1\r\n"
            "X-Forwarded-Proto: http\r\nX-Request-Id: id-1\r\ntraceparent: tp-1\r\n\r\n");
}

TEST(WriteRequestHeadTest, ExpectPasses) {
  EXPECT_TRUE(holds(sent("Expect: 100-continue\r\n"), "\r\nExpect: 100-continue\r\n"));
}

TEST(WriteRequestHeadTest, ViaIsAppendedBehindWhatCame) {
  EXPECT_EQ(sent("Via: 1.0 x\r\nA: b\r\nVia: 1.1 y, 1.1 z\r\n"),
            expected("Via: 1.0 x\r\nA: b\r\nVia: 1.1 y, 1.1 z\r\n") + "\r\n");
}

TEST(WriteRequestHeadTest, ForwardingFieldsOfStrangersAreReplaced) {
  EXPECT_EQ(
      sent("X-Forwarded-For: 1.1.1.1\r\nx-forwarded-proto: https\r\nX-Forwarded-Host: evil\r\n"
           "X-Forwarded-Port: 1\r\nX_Forwarded_For: 2\r\nx-forwarded_Prefix: /\r\n"
           "Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 3\r\nX-Forwarded: keep\r\n"),
      expected("X-Forwarded: keep\r\n") + "\r\n");
}

TEST(WriteRequestHeadTest, ForwardingFieldsOfTrustedProxiesAreMerged) {
  RequestAdditions additions = plain();
  additions.trust_forwarded = true;
  const std::string out = sent(
      "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For:\r\nx-forwarded-for: 2.2.2.2, ::3\r\n"
      "X-Forwarded-Port: 443\r\nX-Forwarded-Proto: https\r\n",
      additions);
  EXPECT_TRUE(holds(out, "X-Forwarded-For: 1.1.1.1, 2.2.2.2, ::3, 192.0.2.1\r\n"));
  EXPECT_EQ(out.find("orwarded-For:"), out.rfind("orwarded-For:"));
  EXPECT_FALSE(holds(out, "x-forwarded-for"));
  EXPECT_TRUE(holds(out, "X-Forwarded-Port: 443\r\nX-Forwarded-Proto: https\r\nVia"));
  EXPECT_FALSE(holds(out, "X-Forwarded-Proto: http\r\n"));
  EXPECT_TRUE(holds(out, "X-Forwarded-Host: a\r\n"));
}

TEST(WriteRequestHeadTest, ClientWithoutAnAddress) {
  RequestAdditions additions = plain();
  additions.client_ip = "";
  additions.forwarded = true;
  EXPECT_FALSE(holds(sent("X-Forwarded-For: 1\r\n", additions), "X-Forwarded-For"));
  EXPECT_TRUE(holds(sent("", additions), "Forwarded: for=unknown;host=a;proto=http\r\n"));
  additions.trust_forwarded = true;
  EXPECT_TRUE(holds(sent("X-Forwarded-For: 1\r\n", additions), "X-Forwarded-For: 1\r\n"));
}

TEST(WriteRequestHeadTest, ForwardedQuotesWhatIsNoToken) {
  RequestAdditions additions = plain();
  additions.forwarded = true;
  additions.client_ip = "2001:db8::1";
  additions.listener_scheme = "https";
  text::Request request("GET http://b:81/ HTTP/1.1\r\nHost: a\r\nForwarded: for=x\r\n\r\n");
  ASSERT_FALSE(resolve_target(request.head).has_value());
  std::string out;
  write_request_head(out, request.head, {}, additions);
  EXPECT_TRUE(
      holds(out, "\r\nForwarded: for=\"[2001:db8::1]\";host=\"b:81\";proto=https\r\nX-Request-Id"));
  EXPECT_FALSE(holds(out, "for=x"));
  EXPECT_TRUE(holds(out, "X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: https\r\n"));

  additions.trust_forwarded = true;
  out.clear();
  write_request_head(out, request.head, {}, additions);
  EXPECT_TRUE(holds(out, "\r\nForwarded: for=x, for=\"[2001:db8::1]\";host="));
}

TEST(WriteRequestHeadTest, IdsReplaceTheClients) {
  EXPECT_EQ(sent("X-Request-Id: a\r\nx-request-id: b\r\nTraceparent: c\r\ntracestate: d\r\n"),
            expected("") + "\r\n");
}

TEST(WriteRequestHeadTest, TracestateStaysWithItsTraceparent) {
  EXPECT_EQ(sent("traceparent: tp-1\r\nTracestate: d\r\n"), expected("Tracestate: d\r\n") + "\r\n");
}

TEST(WriteRequestHeadTest, TrailersAreRenominatedWhenAskedInFull) {
  EXPECT_EQ(sent("TE: gzip;q=0.5, Trailers\r\nConnection: te\r\n"),
            expected("") + "TE: trailers\r\nConnection: TE\r\n\r\n");
  EXPECT_EQ(sent("TE: trailers\r\n"), expected("") + "\r\n");
  EXPECT_EQ(sent("TE: gzip\r\nConnection: te\r\n"), expected("") + "\r\n");
  EXPECT_EQ(sent("Connection: te\r\n"), expected("") + "\r\n");
}

TEST(WriteRequestHeadTest, UpgradeIsSentOnlyWhenUpgrading) {
  const std::string asked = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n";
  EXPECT_EQ(sent(asked), expected("Sec-WebSocket-Key: k\r\n") + "\r\n");
  RequestAdditions additions = plain();
  additions.upgrade = "websocket";
  EXPECT_EQ(sent(asked, additions), expected("Sec-WebSocket-Key: k\r\n") +
                                        "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n");
  EXPECT_EQ(sent(asked + "TE: trailers\r\nConnection: TE\r\n", additions),
            expected("Sec-WebSocket-Key: k\r\n") +
                "TE: trailers\r\nUpgrade: websocket\r\nConnection: TE, upgrade\r\n\r\n");
}

}  // namespace
}  // namespace sluice::core
