#include "proxy/head_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::proxy {
namespace {

using core::Refusal;
using Found = HeadScan::Found;
using namespace std::string_literals;

constexpr std::string_view simple =
    "GET /a?b=c HTTP/1.1\r\nHost: shop.example.com\r\nX-One: 1\r\nx-two:\t two words \r\n\r\n";

/// A request head with a buffer of its own.
struct Parsed {
  explicit Parsed(std::string_view raw, unsigned max_fields = 100)
      : text(raw), refusal(parse_request_head(text, max_fields, head)) {}
  unsigned status() const { return refusal ? refusal->status : 0; }

  std::string text;
  core::RequestHead head;
  std::optional<Refusal> refusal;
};

const std::vector<std::string>& malformed_fields() {
  static const std::vector<std::string> all = {
      ": x\r\n",
      "no colon\r\n",
      "Content-Length : 5\r\n",
      "Transfer-Encoding\t: chunked\r\n",
      " Content-Length: 5\r\n",
      "X(y): z\r\n",
      "X\"y: z\r\n",
      "X/y: z\r\n",
      "X[y]: z\r\n",
      "X\xc3\xa4: z\r\n",
      "X\x01y: z\r\n",
      "X: a\0b\r\n"s,
      "X: a\rb\r\n",
      "X: a\nb\r\n",
      "X: a\x7f\r\n",
      "X: abcdefghijkl\x1b[0m\r\n",
  };
  return all;
}

std::string with_line(std::string_view line) {
  return std::string(line) + "\r\nHost: a\r\n\r\n";
}

TEST(HeadScanTest, FindsTheEndWhereverTheOctetsAreSplit) {
  const std::string stream = std::string(simple) + "GET /next HTTP/1.1\r\n";
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    HeadScan scan;
    const Found found = scan.look(stream.substr(0, first), {}, true);
    ASSERT_EQ(found, first < simple.size() ? Found::more : Found::head) << first;
    ASSERT_EQ(scan.look(stream, {}, true), Found::head) << first;
    ASSERT_EQ(scan.size(), simple.size()) << first;
  }
}

TEST(HeadScanTest, LineEndsBehindTheHeadAreNotPartOfIt) {
  for (const std::string behind : {"\r\n", "\r\n\r\n", "\n", "\r", "\r\n--x\r\n\r\n"}) {
    const std::string stream = std::string(simple) + behind;
    for (const bool is_request : {true, false}) {
      for (std::size_t first = 0; first <= stream.size(); ++first) {
        HeadScan scan;
        const Found found = scan.look(stream.substr(0, first), {}, is_request);
        ASSERT_EQ(found, first < simple.size() ? Found::more : Found::head) << first;
        ASSERT_EQ(scan.look(stream, {}, is_request), Found::head) << first;
        ASSERT_EQ(scan.size(), simple.size()) << first << " of " << stream;
      }
    }
  }
}

TEST(HeadScanTest, FindsTheEndOctetByOctet) {
  HeadScan scan;
  for (std::size_t size = 1; size < simple.size(); ++size) {
    ASSERT_EQ(scan.look(simple.substr(0, size), {}, true), Found::more) << size;
  }
  EXPECT_EQ(scan.look(simple, {}, true), Found::head);
  EXPECT_EQ(scan.size(), simple.size());
}

TEST(HeadScanTest, ALineFeedAloneIsRefusedAsSoonAsItIsThere) {
  for (const std::string_view text : {"\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: a\n",
                                      "GET / HTTP/1.1\r\nHost: a\r\n\n"}) {
    HeadScan whole;
    EXPECT_EQ(whole.look(text, {}, true), Found::refused) << text;
    EXPECT_EQ(whole.refusal().status, 400U);
    HeadScan split;
    for (std::size_t size = 1; size < text.size(); ++size) {
      ASSERT_EQ(split.look(text.substr(0, size), {}, true), Found::more) << text;
    }
    EXPECT_EQ(split.look(text, {}, true), Found::refused) << text;
    HeadScan answer;
    EXPECT_EQ(answer.look(text, {}, false), Found::refused);
    EXPECT_EQ(answer.refusal().status, 502U);
  }
}

TEST(HeadScanTest, ARequestLineOverTheLimitIs414BeforeItsEndCame) {
  LimitSettings limits;
  limits.request_line = 20;
  const std::string fits = "GET /23 HTTP/1.1\r\n";
  HeadScan scan;
  EXPECT_EQ(scan.look(fits, limits, true), Found::more);
  HeadScan exact;
  EXPECT_EQ(exact.look("GET /2345 HTTP/1.1\r\n", limits, true), Found::more);
  HeadScan over;
  EXPECT_EQ(over.look("GET /23456 HTTP/1.1\r\n", limits, true), Found::refused);
  EXPECT_EQ(over.refusal().status, 414U);
  HeadScan endless;
  EXPECT_EQ(endless.look("GET /2345678901234567", limits, true), Found::refused);
  EXPECT_EQ(endless.refusal().status, 414U);
  HeadScan answer;
  EXPECT_EQ(answer.look("HTTP/1.1 200 A long reason phrase\r\n", limits, false), Found::more);
}

TEST(HeadScanTest, AHeadOverTheLimitIs431BeforeItsEndCame) {
  LimitSettings limits;
  limits.head = simple.size();
  HeadScan fits;
  EXPECT_EQ(fits.look(simple, limits, true), Found::head);
  limits.head = simple.size() - 1;
  HeadScan over;
  EXPECT_EQ(over.look(simple, limits, true), Found::refused);
  EXPECT_EQ(over.refusal().status, 431U);
  HeadScan answer;
  EXPECT_EQ(answer.look(simple, limits, false), Found::refused);
  EXPECT_EQ(answer.refusal().status, 502U);
  HeadScan endless;
  EXPECT_EQ(endless.look("GET / HTTP/1.1\r\nX: " + std::string(200, 'x'), limits, true),
            Found::refused);
}

TEST(HeadScanTest, ABodyBehindTheHeadDoesNotCountForTheLimit) {
  LimitSettings limits;
  limits.head = simple.size();
  HeadScan scan;
  EXPECT_EQ(scan.look(std::string(simple) + std::string(100'000, 'x'), limits, true), Found::head);
  EXPECT_EQ(scan.size(), simple.size());
}

TEST(HeadScanTest, ResetMakesItReadyForTheNextHead) {
  HeadScan scan;
  scan.look(simple, {}, true);
  scan.reset();
  EXPECT_EQ(scan.look("GET / HTTP/1.1\r\n\r\n", {}, true), Found::head);
  EXPECT_EQ(scan.size(), 18U);
}

TEST(RequestHeadTest, IsCutIntoViewsOfItsBuffer) {
  const Parsed parsed(simple);
  ASSERT_FALSE(parsed.refusal) << parsed.refusal->detail;
  EXPECT_EQ(parsed.head.method, "GET");
  EXPECT_EQ(parsed.head.target, "/a?b=c");
  EXPECT_EQ(parsed.head.path, "/a?b=c");
  EXPECT_EQ(parsed.head.authority, "shop.example.com");
  EXPECT_EQ(parsed.head.minor, 1U);
  ASSERT_EQ(parsed.head.fields.size(), 3U);
  EXPECT_EQ(parsed.head.fields[0].id, core::FieldId::host);
  EXPECT_EQ(parsed.head.fields[2].name, "x-two");
  EXPECT_EQ(parsed.head.fields[2].value, "two words");
  const char* begin = parsed.text.data();
  EXPECT_GE(parsed.head.fields[2].value.data(), begin);
  EXPECT_LT(parsed.head.fields[2].value.data(), begin + parsed.text.size());
}

TEST(RequestHeadTest, VersionsWithinMajorOneAreServed) {
  EXPECT_EQ(Parsed(with_line("GET / HTTP/1.0")).head.minor, 0U);
  for (const char* version : {"HTTP/1.1", "HTTP/1.2", "HTTP/1.9"}) {
    const Parsed parsed(with_line(std::string("GET / ") + version));
    EXPECT_FALSE(parsed.refusal) << version;
    EXPECT_EQ(parsed.head.minor, 1U) << version;
  }
}

TEST(RequestHeadTest, OtherMajorVersionsAre505) {
  for (const char* version : {"HTTP/0.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"}) {
    EXPECT_EQ(Parsed(with_line(std::string("GET / ") + version)).status(), 505U) << version;
  }
}

TEST(RequestHeadTest, WhatNamesNoVersionIs400) {
  for (const char* line :
       {"GET /", "GET / HTTP/1", "GET / HTTP/11", "GET / HTTP/1.x", "GET / http/1.1",
        "GET / HTTP/1.11", "GET / HTTP/01.1", "GET / HTTPS/1.1", "", "HTTP/1.1", "GET  / HTTP/1.1",
        " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET /\tHTTP/1.1", "GET HTTP/1.1", "G@T / HTTP/1.1",
        "GET / /x HTTP/1.1"}) {
    EXPECT_EQ(Parsed(with_line(line)).status(), 400U) << line;
  }
}

TEST(RequestHeadTest, WhatBreaksTheFramingIs400) {
  for (const std::string_view fields :
       {std::string_view("Host: a\r\nX : 1\r\n"), std::string_view("Host: a\r\n X: 1\r\n"),
        std::string_view("Host: a\r\nX: 1\r\n folded\r\n"), std::string_view("Host: a\r\n: 1\r\n"),
        std::string_view("Host: a\r\nX\r\n"), std::string_view("Host: a\r\nX: 1\rY: 2\r\n"),
        std::string_view("Host: a\r\nX: 1\nY: 2\r\n"), std::string_view("Host: a\r\nX: \0\r\n", 15),
        std::string_view("Host: a\r\nX(: 1\r\n"), std::string_view("X: 1\r\n"),
        std::string_view("Host: a\r\nHost: b\r\n")}) {
    const std::string raw = "GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n";
    EXPECT_EQ(Parsed(raw).status(), 400U) << raw;
  }
}

TEST(HeadTest, MalformedFieldsAreRefusedOnBothSides) {
  for (const std::string& fields : malformed_fields()) {
    EXPECT_EQ(Parsed("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n").status(), 400U) << fields;
    core::ResponseHead head;
    const auto refusal = parse_response_head("HTTP/1.1 200 OK\r\n" + fields + "\r\n", head);
    ASSERT_TRUE(refusal) << fields;
    EXPECT_EQ(refusal->status, 502U) << fields;
  }
}

TEST(RequestHeadTest, MoreFieldsThanAllowedAre431) {
  std::string raw = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 1; i < 10; ++i) raw += "X: " + std::to_string(i) + "\r\n";
  EXPECT_EQ(Parsed(raw + "\r\n", 10).status(), 0U);
  EXPECT_EQ(Parsed(raw + "\r\n", 9).status(), 431U);
}

TEST(RequestHeadTest, OctetsAboveAsciiPassInValues) {
  const Parsed parsed("GET / HTTP/1.1\r\nHost: a\r\nX: \xe4\xff\r\n\r\n");
  ASSERT_FALSE(parsed.refusal);
  EXPECT_EQ(parsed.head.fields[1].value, "\xe4\xff");
}

TEST(RequestHeadTest, TheListOfFieldsBeginsAnew) {
  std::string text(simple);
  core::RequestHead head;
  parse_request_head(text, 100, head);
  std::string next = "GET / HTTP/1.1\r\nHost: b\r\n\r\n";
  ASSERT_FALSE(parse_request_head(next, 100, head));
  ASSERT_EQ(head.fields.size(), 1U);
  EXPECT_EQ(head.fields[0].value, "b");
}

TEST(ResponseHeadTest, IsCutIntoStatusReasonAndFields) {
  core::ResponseHead head;
  ASSERT_FALSE(
      parse_response_head("HTTP/1.0 404 Not Here\r\nServer: x\r\nSet-Cookie: a\r\n\r\n", head));
  EXPECT_EQ(head.status, 404U);
  EXPECT_EQ(head.reason, "Not Here");
  EXPECT_EQ(head.minor, 0U);
  ASSERT_EQ(head.fields.size(), 2U);
  EXPECT_EQ(head.fields[1].id, core::FieldId::set_cookie);
  ASSERT_FALSE(parse_response_head("HTTP/1.1 200 \r\n\r\n", head));
  EXPECT_EQ(head.reason, "");
  EXPECT_TRUE(head.fields.empty());
}

TEST(ResponseHeadTest, GarbageIs502) {
  for (const std::string_view raw :
       {"ICY 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : 1\r\n\r\n", "HTTP/1.1 200 OK\r\nX: 1\r\n y\r\n\r\n",
        "HTTP/1.1 200 OK\nX: 1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
    core::ResponseHead head;
    const auto refusal = parse_response_head(raw, head);
    ASSERT_TRUE(refusal) << raw;
    EXPECT_EQ(refusal->status, 502U) << raw;
  }
}

}  // namespace
}  // namespace sluice::proxy
