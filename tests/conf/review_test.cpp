#include <gtest/gtest.h>

#include "sluice/conf.hpp"

namespace sluice::conf {
namespace {

/// The places and paths of the problems: "line:column path".
std::vector<std::string> places_of(std::string_view text) {
  std::vector<std::string> places;
  for (const Diagnostic& problem : parse(text, "f").problems) {
    places.push_back(std::to_string(problem.line) + ":" + std::to_string(problem.column) + " " +
                     problem.message.substr(0, problem.message.find(": ")));
  }
  return places;
}

using Places = std::vector<std::string>;

TEST(Review, puts_each_problem_of_the_settings_at_its_value) {
  EXPECT_EQ(
      places_of(R"([server]
trusted_proxies = ["10.0.0.0/8", "10.0.0.0/99"]
[[listener]]
address = "127.0.0.1:8080"
[[listener]]
address = "127.0.0.1:8080"
[pool.a]
backends = ["127.0.0.1:9001", { weight = 0, address = "nonsense" }, "127.0.0.1:9001"]
idle_timeout = "0s"
[pool.a.health]
path = "healthz"
interval = "0s"
[route.r]
host = "a b"
methods = ["GET", "G T"]
match = [{ header = "X Y", value = "1" }]
split = { a = 0 }
sticky = { cookie = "c c" }
force = [{ header = "X", value = "1", pool = "a" }, { header = "", value = "1", pool = "a" }]
)"),
      (Places{"2:34 server.trusted_proxies[1]", "6:11 listener[1].address",
              "8:42 pool.a.backends[1].weight", "8:55 pool.a.backends[1].address",
              "8:69 pool.a.backends[2].address", "9:16 pool.a.idle_timeout",
              "11:8 pool.a.health.path", "12:12 pool.a.health.interval", "14:8 route.r.host",
              "15:19 route.r.methods[1]", "16:21 route.r.match[0].header", "17:1 route.r.split",
              "18:21 route.r.sticky.cookie", "19:64 route.r.force[1].header"}));
}

TEST(Review, puts_a_problem_about_a_missing_key_at_its_table) {
  EXPECT_EQ(places_of("[[listener]]\naddress = \"127.0.0.1:80\"\n[route.empty]\n"),
            Places{"3:8 route.empty.split"});
}

TEST(Review, judges_names) {
  EXPECT_EQ(places_of(R"([[listener]]
address = "127.0.0.1:8080"
[pool."a.b"]
[pool.""]
[pool.ok]
[route."r\u00e4"]
split = { ok = 1 }
)"),
            (Places{"3:7 pool.a.b", "4:7 pool.", "6:8 route.r\xc3\xa4"}));
}

TEST(Review, says_nothing_about_values_that_could_not_be_read) {
  EXPECT_EQ(places_of(R"([[listener]]
address = 5
[pool.a]
backends = [1]
idle_timeout = "0"
[route.r]
split = { a = "all" }
)"),
            (Places{"2:11 listener[0].address", "4:13 pool.a.backends[0]",
                    "5:16 pool.a.idle_timeout", "7:15 route.r.split.a"}));
}

TEST(Review, still_judges_what_could_be_read_beside_it) {
  EXPECT_EQ(places_of(R"([[listener]]
address = "127.0.0.1:8080"
[pool.a]
backends = [1, "nonsense"]
[route.r]
host = 5
path = "r"
split = { a = 1 }
)"),
            (Places{"4:13 pool.a.backends[0]", "4:16 pool.a.backends[1].address",
                    "6:8 route.r.host", "7:8 route.r.path"}));
}

TEST(Review, does_not_take_a_misspelt_key_for_a_missing_one) {
  EXPECT_EQ(
      places_of("[[listener]]\naddress = \"127.0.0.1:80\"\n[pool.a]\n[route.r]\nspilt = {}\n"),
      Places{"5:1 unknown key 'spilt' in [route.r]; did you mean 'split'?"});
  EXPECT_EQ(places_of("[[listeners]]\naddress = \"127.0.0.1:80\"\n"),
            Places{"1:3 unknown key 'listeners' at the top level; did you mean 'listener'?"});
}

TEST(Review, does_not_miss_pools_that_could_not_be_read) {
  EXPECT_EQ(places_of("[[listener]]\naddress = \"127.0.0.1:80\"\n[pools.a]\n[route.r]\n"
                      "split = { a = 1 }\n"),
            Places{"3:2 unknown key 'pools' at the top level; did you mean 'pool'?"});
}

TEST(Review, does_not_take_defaults_of_unread_values_for_the_wish_of_the_user) {
  // The route a has no readable host, so it would count as "any host" like b and c.
  EXPECT_EQ(places_of(R"([[listener]]
address = "127.0.0.1:9901"
[admin]
address = 1
[limits]
request_line = "48KiB"
head = 64
[pool.p]
[route.a]
host = 1
split = { p = 1 }
[route.b]
split = { p = 1 }
[route.c]
split = { p = 1 }
)"),
            (Places{"4:11 admin.address", "7:8 limits.head", "10:8 route.a.host", "14:8 route.c"}));
}

}  // namespace
}  // namespace sluice::conf
