#include <gtest/gtest.h>

#include <algorithm>

#include "sluice/conf.hpp"

namespace sluice::conf {
namespace {

std::string all(const Parsed& parsed) {
  std::string text;
  for (const Diagnostic& problem : parsed.problems) text += to_string(problem) + "\n";
  return text;
}

/// The settings of a text that has no problem.
Settings settings_of(std::string_view text) {
  const Parsed parsed = parse(text, "f.toml");
  EXPECT_TRUE(parsed.ok()) << all(parsed);
  return parsed.settings;
}

constexpr std::string_view least_file = R"(
[[listener]]
address = "127.0.0.1:8080"
[pool.a]
backends = ["127.0.0.1:9001"]
[route.r]
split = { a = 1 }
)";

constexpr std::string_view contract = R"(
[server]
workers       = 0                 # threads; 0 = one per core
lame_duck     = "0s"              # after SIGTERM: /readyz fails, accepting goes on for this long
drain_timeout = "30s"             # then what is in flight may finish for this long, then it is cut
state_dir     = "/var/lib/sluice" # what must survive a restart; "" = nothing does

[admin]
address    = "127.0.0.1:9901"     # or "unix:/run/sluice/admin.sock"
token_file = ""                   # bearer token; refused without one when not loopback or unix

[log]
level  = "info"
access = "stdout"                 # "stdout", a file, or "off"; JSON lines

[[listener]]
address = "0.0.0.0:8080"

[pool.shop-v1]
backends = ["127.0.0.1:9001", { address = "127.0.0.1:9002", weight = 2 }]
balance  = "least_request"        # least_request (two choices) | round_robin
health   = { path = "/healthz", interval = "1s", timeout = "500ms", rise = 2, fall = 3 }

[pool.shop-v2]
backends = ["127.0.0.1:9101"]

[route.shop]
host   = "shop.example.com"       # exact, "*.example.com", or left out for any
path   = "/"                      # prefix, on segment borders: /a matches /a and /a/b, not /ab
split  = { shop-v1 = 100, shop-v2 = 0 }
sticky = { cookie = "sluice_shop" }            # or { header = "X-User-Id" } or { client_ip = true }
force  = [ { header = "X-Release", value = "new", pool = "shop-v2" } ]
)";

Settings contract_settings() {
  Settings expected;
  expected.listeners = {{"0.0.0.0:8080"}};
  PoolSettings& old_pool = expected.pools.emplace_back();
  old_pool.name = "shop-v1";
  old_pool.backends = {{"127.0.0.1:9001", 100}, {"127.0.0.1:9002", 200}};
  old_pool.health.emplace().path = "/healthz";
  PoolSettings& new_pool = expected.pools.emplace_back();
  new_pool.name = "shop-v2";
  new_pool.backends = {{"127.0.0.1:9101", 100}};
  RouteSettings& route = expected.routes.emplace_back();
  route.name = "shop";
  route.host = "shop.example.com";
  route.split = {{"shop-v1", 10'000}, {"shop-v2", 0}};
  route.sticky = {StickyKind::cookie, "sluice_shop"};
  route.force = {{false, "X-Release", "new", "shop-v2"}};
  return expected;
}

TEST(Parse, reads_a_file_into_exactly_the_settings_it_says) {
  EXPECT_EQ(settings_of(contract), contract_settings());
}

TEST(Parse, keeps_the_default_of_every_key_left_out) {
  Settings expected;
  expected.listeners = {{"127.0.0.1:8080"}};
  PoolSettings& pool = expected.pools.emplace_back();
  pool.name = "a";
  pool.backends = {{"127.0.0.1:9001", weight_one}};
  RouteSettings& route = expected.routes.emplace_back();
  route.name = "r";
  route.split = {{"a", weight_one}};
  EXPECT_EQ(settings_of(least_file), expected);
}

TEST(Parse, reads_every_key_of_the_plain_tables) {
  const Settings settings = settings_of(std::string(least_file) + R"(
[server]
workers = 3
io_uring = "off"
lame_duck = "5s"
drain_timeout = "1m"
state_dir = ""
forwarded = true
watch = true
trusted_proxies = ["10.0.0.0/8", "192.0.2.0/24"]
[admin]
address = "127.0.0.1:9000"
token_file = "/etc/sluice/token"
[log]
level = "debug"
access = "off"
[timeouts]
head = "1ms"
keep_alive = "2ms"
body_idle = "3ms"
connect = "4ms"
first_byte = "5ms"
backend_idle = "6ms"
total = "7ms"
tunnel_idle = "8ms"
[limits]
request_line = "4KiB"
head = "16KiB"
fields = 50
body = "1MiB"
connections = 1000
)");
  const TimeoutSettings timeouts{milliseconds{1}, milliseconds{2}, milliseconds{3},
                                 milliseconds{4}, milliseconds{5}, milliseconds{6},
                                 milliseconds{7}, milliseconds{8}};
  EXPECT_EQ(settings.server, (ServerSettings{3,
                                             IoUring::off,
                                             milliseconds{5'000},
                                             milliseconds{60'000},
                                             "",
                                             true,
                                             {"10.0.0.0/8", "192.0.2.0/24"},
                                             true}));
  EXPECT_EQ(settings.admin, (AdminSettings{"127.0.0.1:9000", "/etc/sluice/token"}));
  EXPECT_EQ(settings.log, (LogSettings{"debug", "off"}));
  EXPECT_EQ(settings.timeouts, timeouts);
  EXPECT_EQ(settings.limits, (LimitSettings{4'096, 16'384, 50, 1'048'576, 1'000}));
  EXPECT_EQ(settings.routes.at(0).timeouts, timeouts);
}

TEST(Parse, reads_every_word_for_io_uring) {
  const auto read = [](const std::string& word) {
    return settings_of(std::string(least_file) + "[server]\nio_uring = \"" + word + "\"\n")
        .server.io_uring;
  };
  EXPECT_EQ(settings_of(least_file).server.io_uring, IoUring::automatic);
  EXPECT_EQ(read("auto"), IoUring::automatic);
  EXPECT_EQ(read("on"), IoUring::on);
  EXPECT_EQ(read("off"), IoUring::off);
}

TEST(Parse, reads_every_key_of_a_pool) {
  const Settings settings = settings_of(std::string(least_file) + R"(
[pool.b]
backends = [{ address = "127.0.0.1:9101", weight = 0.07 }]
balance = "round_robin"
idle_timeout = "7s"
resolve_interval = "8s"
[pool.b.health]
path = "/up"
host = "b.example.com"
interval = "2s"
timeout = "1s"
rise = 4
fall = 5
)");
  const PoolSettings expected{
      "b",
      {{"127.0.0.1:9101", 7}},
      Balance::round_robin,
      HealthSettings{"/up", "b.example.com", milliseconds{2'000}, milliseconds{1'000}, 4, 5},
      milliseconds{7'000},
      milliseconds{8'000}};
  EXPECT_EQ(settings.pools.at(1), expected);
}

TEST(Parse, reads_every_condition_and_rule_of_a_route) {
  const Settings settings = settings_of(std::string(least_file) + R"(
[route.s]
host = "*.example.com"
path = "/s"
methods = ["GET", "HEAD"]
match = [{ header = "X-A", value = "1" }, { header = "X-B", value = "2" }]
split = { a = 12.5 }
sticky = { header = "X-User-Id" }
force = [{ cookie = "release", value = "new", pool = "a" }]
[route.t]
path = "/t"
split = { a = 1 }
sticky = { client_ip = true }
)");
  RouteSettings expected;
  expected.name = "s";
  expected.host = "*.example.com";
  expected.path = "/s";
  expected.methods = {"GET", "HEAD"};
  expected.fields = {{"X-A", "1"}, {"X-B", "2"}};
  expected.split = {{"a", 1'250}};
  expected.sticky = {StickyKind::header, "X-User-Id"};
  expected.force = {{true, "release", "new", "a"}};
  EXPECT_EQ(settings.routes.at(1), expected);
  EXPECT_EQ(settings.routes.at(2).sticky, (StickySettings{StickyKind::client_ip, ""}));
}

TEST(Parse, puts_the_deadlines_of_a_route_on_top_of_those_of_the_file) {
  // [timeouts] comes last, to show that the order of the file does not count.
  const Settings settings = settings_of(std::string(least_file) + R"(
[route.slow]
path = "/slow"
split = { a = 1 }
timeouts = { first_byte = "5m" }
[timeouts]
first_byte = "3s"
connect = "1s"
)");
  const TimeoutSettings& plain = settings.routes.at(0).timeouts;
  const TimeoutSettings& slow = settings.routes.at(1).timeouts;
  EXPECT_EQ(plain, settings.timeouts);
  EXPECT_EQ(slow.first_byte, milliseconds{300'000});
  EXPECT_EQ(slow.connect, milliseconds{1'000});
  EXPECT_EQ(slow.head, TimeoutSettings{}.head);
}

TEST(Parse, a_listener_may_be_shared) {
  const Settings settings = settings_of(R"(
[[listener]]
address = "127.0.0.1:8080"
shared = true
[[listener]]
address = "127.0.0.1:8081"
[pool.a]
backends = ["127.0.0.1:1"]
[route.b.split]
a = 1
)");
  EXPECT_TRUE(settings.listeners.at(0).shared);
  EXPECT_FALSE(settings.listeners.at(1).shared);
}

TEST(Parse, keeps_pools_routes_and_shares_in_the_order_of_the_file) {
  const Settings settings = settings_of(R"(
[[listener]]
address = "127.0.0.1:8080"
[pool.z]
backends = ["127.0.0.1:1"]
[pool.m]
backends = ["127.0.0.1:2"]
[pool.a]
backends = ["127.0.0.1:3"]
[route.y.split]
z = 1
a = 2
m = 3
[route.b]
path = "/b"
split.m = 1
split.a = 2
split.z = 3
)");
  const auto names = [](const auto& list) {
    std::string text;
    for (const auto& one : list) text += one.name;
    return text;
  };
  EXPECT_EQ(names(settings.pools), "zma");
  EXPECT_EQ(names(settings.routes), "yb");
  EXPECT_EQ(settings.routes.at(0).split,
            (std::vector<ShareSettings>{{"z", 100}, {"a", 200}, {"m", 300}}));
  EXPECT_EQ(settings.routes.at(1).split,
            (std::vector<ShareSettings>{{"m", 100}, {"a", 200}, {"z", 300}}));
}

TEST(Parse, reads_weights_exactly) {
  for (const auto& [text, hundredths] :
       {std::pair{"0.07", 7U}, {"0.29", 29U}, {"1.1", 110U}, {"33.33", 3'333U}, {"1e2", 10'000U}}) {
    const Settings settings = settings_of(
        std::string(least_file) + "[route.w]\npath = \"/w\"\nsplit = { a = " + text + " }\n");
    EXPECT_EQ(settings.routes.at(1).split.at(0).weight, hundredths) << text;
  }
}

TEST(Parse, takes_windows_line_ends_and_a_byte_order_mark) {
  std::string text = "\xef\xbb\xbf";
  for (const char c : contract) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(settings_of(text), contract_settings());
}

TEST(Parse, takes_names_of_64_characters) {
  const std::string name(64, 'x');
  const Settings settings = settings_of(std::string(least_file) + "[route." + name +
                                        "]\npath = \"/x\"\nsplit = { a = 1 }\n");
  EXPECT_EQ(settings.routes.at(1).name, name);
}

}  // namespace
}  // namespace sluice::conf
