#include "core/target.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/head_text.hpp"

namespace sluice::core {
namespace {

struct Accepted {
  std::string line;    // method and target
  std::string fields;  // with CRLF
  std::string authority;
  std::string path;
  std::string scheme = "http";
};

TEST(TargetTest, FormsAreResolved) {
  const Accepted cases[] = {
      {"GET /", "Host: a\r\n", "a", "/"},
      {"GET /a%2Fb//c;d/../e?x=/?y", "Host: a:80\r\n", "a:80", "/a%2Fb//c;d/../e?x=/?y"},
      {"GET //evil.example/x", "Host: a\r\n", "a", "//evil.example/x"},
      {"GET /%00%0d%0a", "Host: a\r\n", "a", "/%00%0d%0a"},
      {"GET /\xc3\xa4|{}\"<>\\^`", "Host: a\r\n", "a", "/\xc3\xa4|{}\"<>\\^`"},
      {"GET /x@y:z", "Host: a\r\n", "a", "/x@y:z"},
      {"GET /http://b/", "Host: a\r\n", "a", "/http://b/"},
      {"OPTIONS *", "Host: a\r\n", "a", "*"},
      {"OPTIONS /", "Host: a\r\n", "a", "/"},
      {"GET http://b/x?y", "Host: a\r\n", "b", "/x?y"},
      {"GET HTTP://b:81", "Host: a\r\n", "b:81", "/"},
      {"OPTIONS http://b", "Host: a\r\n", "b", "*"},
      {"OPTIONS http://b/", "Host: a\r\n", "b", "/"},
      {"GET https://b/", "Host: b\r\n", "b", "/", "https"},
      {"GET http://[::1]:8080/a@b", "Host: a\r\n", "[::1]:8080", "/a@b"},
      {"get /", "Host: a\r\n", "a", "/"},
      {"BREW /", "hOsT:\t a \t\r\n", "a", "/"},
  };
  for (const Accepted& one : cases) {
    text::Request request(one.line + " HTTP/1.1\r\n" + one.fields + "\r\n");
    const auto refusal = resolve_target(request.head);
    ASSERT_FALSE(refusal.has_value()) << one.line << ": " << refusal->detail;
    EXPECT_EQ(request.head.authority, one.authority) << one.line;
    EXPECT_EQ(request.head.path, one.path) << one.line;
    EXPECT_EQ(request.head.scheme, one.scheme) << one.line;
  }
}

TEST(TargetTest, BadTargetsAreRefused) {
  for (const std::string line : {"GET *",
                                 "options *",
                                 "GET **",
                                 "OPTIONS *x",
                                 "OPTIONS **",
                                 "GET a",
                                 "GET a:80",
                                 "GET a.example/x",
                                 "GET ?x",
                                 "GET #",
                                 "GET /a#b",
                                 "GET http://a/#b",
                                 "GET http://a#b",
                                 "GET http://user@a/",
                                 "GET http://user:pw@a/",
                                 "GET http://@a/",
                                 "GET http:///x",
                                 "GET http://",
                                 "GET http:/a",
                                 "GET http:a",
                                 "GET ftp://a/",
                                 "GET ://a/",
                                 "GET http://a?x",
                                 "GET http://a:x/",
                                 "GET http://a:99999/",
                                 "GET http://a b/",
                                 "GET /a b",
                                 "GET /a\tb",
                                 "GET /a\x01",
                                 "GET /a\x7f",
                                 "GET http://a,b/",
                                 "GET http://[::1/",
                                 "GET http://a\\b/",
                                 "GET \\a"}) {
    text::Request request(line + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto refusal = resolve_target(request.head);
    ASSERT_TRUE(refusal.has_value()) << line;
    EXPECT_EQ(refusal->status, 400U) << line;
  }
  RequestHead empty;
  empty.method = "GET";
  EXPECT_TRUE(resolve_target(empty).has_value());
}

TEST(TargetTest, ConnectIsNotServed) {
  for (const std::string target : {"a:443", "/", "http://a/"}) {
    text::Request request("CONNECT " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto refusal = resolve_target(request.head);
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->status, 501U);
  }
}

TEST(TargetTest, HostIsNeededOnceInHttp11) {
  for (const std::string target : {"/", "http://a/", "*"}) {
    const std::string method = target == "*" ? "OPTIONS " : "GET ";
    text::Request none(method + target + " HTTP/1.1\r\n\r\n");
    text::Request two(method + target + " HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    text::Request two_old(method + target + " HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n");
    EXPECT_TRUE(resolve_target(none.head).has_value()) << target;
    EXPECT_TRUE(resolve_target(two.head).has_value()) << target;
    EXPECT_TRUE(resolve_target(two_old.head).has_value()) << target;
  }
}

TEST(TargetTest, Http10NeedsNoHost) {
  text::Request request("GET /x HTTP/1.0\r\n\r\n");
  ASSERT_FALSE(resolve_target(request.head).has_value());
  EXPECT_EQ(request.head.authority, "");
  EXPECT_EQ(request.head.path, "/x");
}

TEST(TargetTest, HostGrammar) {
  for (const std::string host :
       {"a", "A.Example", "a-b_c~d", "a.", "1.2.3.4", "1.2.3.4:80", "a:", "a:0", "a:65535", "%41b",
        "a%41", "a!$&'()*+;=b", "[::]", "[::1]", "[1::]", "[1:2:3:4:5:6:7:8]",
        "[::ffff:1.2.3.4]:80", "[1:2:3:4:5:6:1.2.3.4]", "[2001:DB8::a]:8080"}) {
    text::Request request("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    EXPECT_FALSE(resolve_target(request.head).has_value()) << host;
    EXPECT_EQ(request.head.authority, host);
  }
  for (const std::string host : {"",
                                 ":80",
                                 "a b",
                                 "a,b",
                                 "a, b",
                                 "a/b",
                                 "a?b",
                                 "a#b",
                                 "a@b",
                                 "u:p@b",
                                 "a:b",
                                 "a:80:80",
                                 "a:-1",
                                 "a:+80",
                                 "a:65536",
                                 "a:000080",
                                 "a\\b",
                                 "a\"b",
                                 "a<b",
                                 "a{b",
                                 "a|b",
                                 "a^b",
                                 "a`b",
                                 "\xc3\xa4",
                                 "a%",
                                 "a%4",
                                 "a%4g",
                                 "[",
                                 "[]",
                                 "[]:80",
                                 "[::1",
                                 "::1",
                                 "[::1]x",
                                 "[::1]80",
                                 "[::1]:x",
                                 "[:::]",
                                 "[1::2::3]",
                                 "[1:2:3:4:5:6:7]",
                                 "[1:2:3:4:5:6:7:8:9]",
                                 "[1:2:3:4:5:6:7:8::]",
                                 "[12345::]",
                                 "[g::]",
                                 "[:1:2]",
                                 "[1:]",
                                 "[1.2.3.4]",
                                 "[::1.2.3]",
                                 "[::1.2.3.256]",
                                 "[::1.2.3.4.5]",
                                 "[::1.2.3.4:5]",
                                 "[fe80::1%25eth0]",
                                 "[v1.x]",
                                 "http://a",
                                 "a\x01"}) {
    text::Request request("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    const auto refusal = resolve_target(request.head);
    ASSERT_TRUE(refusal.has_value()) << host;
    EXPECT_EQ(refusal->status, 400U) << host;
    text::Request absolute("GET http://b/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    EXPECT_TRUE(resolve_target(absolute.head).has_value()) << host;
  }
}

TEST(TargetTest, HostOfDropsPortAndBrackets) {
  EXPECT_EQ(host_of("a"), "a");
  EXPECT_EQ(host_of("a:80"), "a");
  EXPECT_EQ(host_of("a:"), "a");
  EXPECT_EQ(host_of("[::1]"), "::1");
  EXPECT_EQ(host_of("[::1]:80"), "::1");
  EXPECT_EQ(host_of(""), "");
}

}  // namespace
}  // namespace sluice::core
