#include <gtest/gtest.h>

#include <algorithm>

#include "sluice/conf.hpp"

namespace sluice::conf {
namespace {

using Lines = std::vector<std::string>;

/// The problems of a text, as a user sees them.
Lines problems_of(std::string_view text) {
  Lines lines;
  for (const Diagnostic& problem : parse(text, "f").problems) lines.push_back(to_string(problem));
  return lines;
}

/// Seven lines without a problem; what a test appends begins on line 8.
constexpr std::string_view least = R"([[listener]]
address = "127.0.0.1:8080"
[pool.a]
backends = ["127.0.0.1:9001"]
[route.r]
path = "/r"
split = { a = 1 }
)";

Lines problems_after_least(std::string_view text) {
  return problems_of(std::string(least) + std::string(text));
}

TEST(Problems, are_none_in_the_least_file) {
  EXPECT_EQ(problems_of(least), Lines{});
}

TEST(Problems, name_the_nearest_key_for_an_unknown_one) {
  EXPECT_EQ(problems_after_least("[pool.b]\nbackends = []\nhelth = {}\n"),
            Lines{"f:10:1: unknown key 'helth' in [pool.b]; did you mean 'health'?"});
  EXPECT_EQ(problems_after_least("[sever]\n"),
            Lines{"f:8:2: unknown key 'sever' at the top level; did you mean 'server'?"});
  EXPECT_EQ(problems_after_least("[[listener]]\n  addres = \"[::1]:80\"\n"),
            Lines{"f:9:3: unknown key 'addres' in listener[1]; did you mean 'address'?"});
  EXPECT_EQ(problems_after_least("[pool.b]\nhealth = { pth = \"/\", rise = 1 }\n"),
            Lines{"f:9:12: unknown key 'pth' in [pool.b.health]; did you mean 'path'?"});
}

TEST(Problems, list_the_known_keys_when_none_is_near) {
  EXPECT_EQ(problems_after_least("[log]\ncolour = true\n"),
            Lines{"f:9:1: unknown key 'colour' in [log]; known keys: level, access"});
}

TEST(Problems, count_columns_in_code_points) {
  EXPECT_EQ(problems_after_least("[log]\n\"\xc3\xa4\xc3\xb6\xc3\xbc\" = 1\n"),
            Lines{"f:9:1: unknown key '\xc3\xa4\xc3\xb6\xc3\xbc' in [log]; known keys: level, "
                  "access"});
  EXPECT_EQ(problems_after_least("[route.s]\nsplit = { a = 1 }\n"
                                 "sticky = { cookie = \"\xc3\xa4\", client_ip = 1 }\n"),
            (Lines{"f:10:26: route.s.sticky: found 'cookie' and 'client_ip', expected exactly one "
                   "of 'cookie', 'header' and 'client_ip'",
                   "f:10:38: route.s.sticky.client_ip: found the integer 1, expected true"}));
}

TEST(Problems, say_which_type_was_found_and_which_is_expected) {
  EXPECT_EQ(problems_after_least("[server]\n"
                                 "workers = 1.5\n"
                                 "lame_duck = true\n"
                                 "state_dir = 3\n"
                                 "forwarded = \"yes\"\n"
                                 "trusted_proxies = \"10.0.0.0/8\"\n"),
            (Lines{"f:9:11: server.workers: found the number 1.5, expected an integer from 0 to "
                   "4294967295",
                   "f:10:13: server.lame_duck: found the boolean true, expected a duration in "
                   "quotes, such as \"250ms\", \"30s\" or \"5m\"",
                   "f:11:13: server.state_dir: found the integer 3, expected a string",
                   "f:12:13: server.forwarded: found the string \"yes\", expected true or false",
                   "f:13:19: server.trusted_proxies: found the string \"10.0.0.0/8\", expected an "
                   "array of strings"}));
  EXPECT_EQ(problems_after_least("[log]\nlevel = 1979-05-27\n"),
            Lines{"f:9:9: log.level: found a date or time, expected one of trace, debug, info, "
                  "warn, error, off"});
}

TEST(Problems, point_to_the_element_of_an_array) {
  EXPECT_EQ(problems_after_least("[route.s]\nsplit = { a = 1 }\nmethods = [ \"GET\", 5 ]\n"),
            Lines{"f:10:20: route.s.methods[1]: found the integer 5, expected a string"});
  EXPECT_EQ(problems_after_least("[pool.b]\nbackends = [\n  \"127.0.0.1:1\",\n  7,\n]\n"),
            Lines{"f:11:3: pool.b.backends[1]: found the integer 7, expected an address in quotes "
                  "or { address = \"...\", weight = 1 }"});
}

TEST(Problems, expect_tables_where_tables_belong) {
  EXPECT_EQ(problems_of("server = 1\npool = []\nroute = \"x\"\nlistener = {}\n"),
            (Lines{"f:1:10: server: found the integer 1, expected a table",
                   "f:2:8: pool: found an empty array, expected tables, each written [pool.NAME]",
                   "f:3:9: route: found the string \"x\", expected tables, each written "
                   "[route.NAME]",
                   "f:4:12: listener: found a table, expected an array of tables, each written "
                   "[[listener]]"}));
  EXPECT_EQ(problems_after_least("[pool]\nb = 1\n"),
            Lines{"f:9:5: pool.b: found the integer 1, expected a table"});
}

TEST(Problems, ask_for_a_unit) {
  EXPECT_EQ(problems_after_least("[timeouts]\nhead = 30\ntotal = \"30\"\n"),
            (Lines{"f:9:8: timeouts.head: found the integer 30 without a unit, expected a duration "
                   "in quotes with one of ms, s, m and h, such as \"250ms\", \"30s\" or \"5m\"",
                   "f:10:9: timeouts.total: found '30' without a unit, expected one of ms, s, m "
                   "and h, such as '30s'"}));
  EXPECT_EQ(problems_after_least("[limits]\nhead = 65536\nbody = \"8KB\"\n"),
            (Lines{"f:9:8: limits.head: found the integer 65536 without a unit, expected a size in "
                   "quotes with one of B, KiB, MiB and GiB, such as \"64KiB\"",
                   "f:10:8: limits.body: found the unit 'KB' in '8KB', expected B, KiB, MiB or "
                   "GiB; did you mean 'KiB' (1024 based)?"}));
}

TEST(Problems, refuse_counts_out_of_range) {
  EXPECT_EQ(problems_after_least("[server]\nworkers = -1\n"),
            Lines{"f:9:11: server.workers: found the integer -1, expected an integer from 0 to "
                  "4294967295"});
  EXPECT_EQ(
      problems_after_least("[limits]\nconnections = 4294967296\n"),
      Lines{"f:9:15: limits.connections: found the integer 4294967296, expected an integer from 0 "
            "to 4294967295"});
}

TEST(Problems, refuse_weights_that_are_none) {
  for (const char* weight :
       {"12.345", "nan", "inf", "-1", "-0.5", "1000001", "1e300", "\"1\"", "true", "[1]"}) {
    const Lines lines =
        problems_after_least("[route.s]\nsplit = { a = " + std::string(weight) + " }\n");
    ASSERT_EQ(lines.size(), 1U) << weight;
    EXPECT_TRUE(lines[0].starts_with("f:9:15: route.s.split.a: found ")) << lines[0];
    EXPECT_NE(lines[0].find("from 0 to 1000000 with at most two decimals"), std::string::npos);
  }
}

TEST(Problems, name_the_nearest_word_for_an_unknown_one) {
  EXPECT_EQ(
      problems_after_least("[server]\nio_uring = true\n"),
      Lines{"f:9:12: server.io_uring: found the boolean true, expected one of auto, on, off"});
  EXPECT_EQ(problems_after_least("[pool.b]\nbalance = \"round-robin\"\n"),
            Lines{"f:9:11: pool.b.balance: found 'round-robin', expected one of least_request, "
                  "round_robin; did you mean 'round_robin'?"});
  EXPECT_EQ(problems_after_least("[pool.b]\nbalance = \"hash\"\n"),
            Lines{"f:9:11: pool.b.balance: found 'hash', expected one of least_request, "
                  "round_robin"});
  EXPECT_EQ(problems_after_least("[log]\nlevel = \"inof\"\n"),
            Lines{"f:9:9: log.level: found 'inof', expected one of trace, debug, info, warn, "
                  "error, off; did you mean 'info'?"});
}

TEST(Problems, name_the_nearest_pool_for_an_unknown_one) {
  const Lines lines = problems_of(R"([[listener]]
address = "127.0.0.1:8080"
[pool.shop-v1]
[pool.shop-v2]
[route.shop]
split = { shop-v1 = 1, shop-v3 = 0 }
force = [{ header = "X", value = "1", pool = "green" }]
)");
  EXPECT_EQ(lines, (Lines{"f:6:24: route.shop.split.shop-v3: There is no pool \"shop-v3\"; allowed "
                          "are the names of configured pools; did you mean 'shop-v1'?",
                          "f:7:46: route.shop.force[0].pool: There is no pool \"green\"; allowed "
                          "are the names of configured pools; known pools: shop-v1, shop-v2"}));
}

TEST(Problems, ask_for_missing_keys_of_a_rule) {
  EXPECT_EQ(problems_after_least("[[listener]]\n"),
            Lines{"f:8:1: listener[1]: the key 'address' is missing"});
  EXPECT_EQ(problems_after_least("[pool.b]\nbackends = [{ weight = 1 }]\n"),
            Lines{"f:9:13: pool.b.backends[0]: the key 'address' is missing"});
  EXPECT_EQ(problems_after_least("[pool.b]\nbackends = [{ weight = 1 }, { address = \"c:1\" },\n"
                                 "  { weight = 2 }]\n"),
            (Lines{"f:9:13: pool.b.backends[0]: the key 'address' is missing",
                   "f:10:3: pool.b.backends[2]: the key 'address' is missing"}));
  EXPECT_EQ(problems_after_least("[route.s]\nsplit = { a = 1 }\nmatch = [{}]\nforce = [{}]\n"),
            (Lines{"f:10:10: route.s.match[0]: the key 'header' is missing",
                   "f:10:10: route.s.match[0]: the key 'value' is missing",
                   "f:11:10: route.s.force[0]: expected exactly one of 'header' and 'cookie'",
                   "f:11:10: route.s.force[0]: the key 'value' is missing",
                   "f:11:10: route.s.force[0]: the key 'pool' is missing"}));
}

TEST(Problems, want_exactly_one_kind_of_stickiness) {
  const std::string start = "[route.s]\nsplit = { a = 1 }\n";
  EXPECT_EQ(problems_after_least(start + "sticky = {}\n"),
            Lines{"f:10:1: route.s.sticky: expected exactly one of 'cookie', 'header' and "
                  "'client_ip'"});
  EXPECT_EQ(problems_after_least(start + "sticky = { cookie = \"c\", header = \"h\" }\n"),
            Lines{"f:10:26: route.s.sticky: found 'cookie' and 'header', expected exactly one of "
                  "'cookie', 'header' and 'client_ip'"});
  EXPECT_EQ(problems_after_least(start + "sticky = { client_ip = false }\n"),
            Lines{"f:10:24: route.s.sticky.client_ip: found false, expected true; leave out "
                  "'sticky' to draw every request"});
  EXPECT_EQ(problems_after_least(start + "sticky = \"cookie\"\n"),
            Lines{"f:10:10: route.s.sticky: found the string \"cookie\", expected a table"});
  EXPECT_EQ(problems_after_least(start + "sticky = { cooky = \"c\" }\n"),
            Lines{"f:10:12: unknown key 'cooky' in [route.s.sticky]; did you mean 'cookie'?"});
}

TEST(Problems, of_an_empty_file_stand_at_its_start) {
  for (const char* text : {"", "\n\n", "# nothing\n", "\xef\xbb\xbf"}) {
    const Lines lines = problems_of(text);
    ASSERT_EQ(lines.size(), 1U) << text;
    EXPECT_TRUE(lines[0].starts_with("f:1:1: listener: ")) << lines[0];
  }
}

TEST(Problems, are_all_reported_at_once_sorted_by_place) {
  EXPECT_EQ(
      problems_of(R"([route.shop]
host = 5
split = { shop-v1 = 1.234, shop-v9 = 0, other = 1 }
[pool.shop-v1]
backends = ["127.0.0.1:9001", { adress = "127.0.0.1:9002" }]
health = { interval = 1, rise = "two" }
[server]
wokers = 3
[[listener]]
address = "127.0.0.1:8080"
[limits]
fields = "many"
)"),
      (Lines{"f:2:8: route.shop.host: found the integer 5, expected a string",
             "f:3:21: route.shop.split.shop-v1: found the number 1.234, expected a weight "
             "from 0 to 1000000 with at most two decimals",
             "f:3:28: route.shop.split.shop-v9: There is no pool \"shop-v9\"; allowed are the "
             "names of configured pools; did you mean 'shop-v1'?",
             "f:3:41: route.shop.split.other: There is no pool \"other\"; allowed are the "
             "names of configured pools; known pools: shop-v1",
             "f:5:33: unknown key 'adress' in pool.shop-v1.backends[1]; did you mean "
             "'address'?",
             "f:6:23: pool.shop-v1.health.interval: found the integer 1 without a unit, "
             "expected a duration in quotes with one of ms, s, m and h, such as \"250ms\", "
             "\"30s\" or \"5m\"",
             "f:6:33: pool.shop-v1.health.rise: found the string \"two\", expected an integer "
             "from 0 to 4294967295",
             "f:8:1: unknown key 'wokers' in [server]; did you mean 'workers'?",
             "f:12:10: limits.fields: found the string \"many\", expected an integer from 0 to "
             "4294967295"}));
}

}  // namespace
}  // namespace sluice::conf
