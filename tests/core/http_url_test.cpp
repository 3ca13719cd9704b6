#include "core/http_url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::core {
namespace {

std::string url_error(std::string_view text) {
  const auto url = parse_http_url(text);
  return url ? "" : url.error();
}

TEST(ParseHttpUrlTest, SplitsHostPortAndTarget) {
  EXPECT_EQ(*parse_http_url("http://127.0.0.1:7000/approve"),
            (HttpUrl{"127.0.0.1", 7'000, "/approve"}));
  EXPECT_EQ(*parse_http_url("http://hooks.example.com/a/b?c=d&e=/f?"),
            (HttpUrl{"hooks.example.com", 80, "/a/b?c=d&e=/f?"}));
  EXPECT_EQ(*parse_http_url("http://[2001:DB8::1]:9090/"), (HttpUrl{"2001:db8::1", 9'090, "/"}));
  EXPECT_EQ(*parse_http_url("http://[::1]/"), (HttpUrl{"::1", 80, "/"}));
}

TEST(ParseHttpUrlTest, FillsInWhatIsLeftOut) {
  EXPECT_EQ(*parse_http_url("http://localhost"), (HttpUrl{"localhost", 80, "/"}));
  EXPECT_EQ(*parse_http_url("http://localhost:9090"), (HttpUrl{"localhost", 9'090, "/"}));
  EXPECT_EQ(*parse_http_url("http://localhost?a=/b"), (HttpUrl{"localhost", 80, "/?a=/b"}));
}

TEST(ParseHttpUrlTest, TakesSchemeAndNameInEitherCase) {
  EXPECT_EQ(*parse_http_url("HTTP://Hooks.Example.COM/A"),
            (HttpUrl{"hooks.example.com", 80, "/A"}));
}

TEST(ParseHttpUrlTest, SaysWhatToDoInsteadOfTls) {
  for (const char* text : {"https://a/", "HTTPS://a/", "https://"}) {
    EXPECT_NE(url_error(text).find("needs TLS"), std::string::npos) << text;
    EXPECT_NE(url_error(text).find("put a local proxy in front of it"), std::string::npos) << text;
    EXPECT_NE(url_error(text).find("run a command"), std::string::npos) << text;
  }
}

TEST(ParseHttpUrlTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "http:",
                           "http:/a",
                           "http://",
                           "http:///a",
                           "//a",
                           "a",
                           "a:80",
                           "127.0.0.1:80/a",
                           "ftp://a/",
                           "unix:/run/a.sock",
                           "://a",
                           "http://:80/",
                           "http://a:",
                           "http://a:0/",
                           "http://a:65536/",
                           "http://a:b/",
                           "http://a:80:80/",
                           "http://[::1/",
                           "http://[::1]80/",
                           "http://::1/",
                           "http://[127.0.0.1]/",
                           "http://a b/",
                           "http://a/b c",
                           "http://a/\xc3\xa4",
                           "http://a/b\r\nX: y",
                           "http://a/#b",
                           "http://a#b",
                           "http://user@a/",
                           "http://u:p@a/",
                           "http://-a/",
                           "http://a..b/",
                           "http://1.2.3/",
                           " http://a/"}) {
    const std::string error = url_error(text);
    EXPECT_TRUE(error.ends_with(R"(; allowed is "http://host[:port]/path".)"))
        << text << ": " << error;
  }
}

TEST(HostFieldTest, LeavesOutTheDefaultPortAndPutsBracketsAroundIpv6) {
  EXPECT_EQ(host_field({"a", 80, "/"}), "a");
  EXPECT_EQ(host_field({"a", 8'080, "/"}), "a:8080");
  EXPECT_EQ(host_field({"::1", 80, "/"}), "[::1]");
  EXPECT_EQ(host_field({"::1", 9'090, "/"}), "[::1]:9090");
}

}  // namespace
}  // namespace sluice::core
