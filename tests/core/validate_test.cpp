#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sluice/problem.hpp"

namespace sluice {
namespace {

using Places = std::vector<std::string>;

/// Settings that have no problem and something of everything.
Settings good() {
  Settings settings;
  settings.listeners = {{"0.0.0.0:8080"}, {"[::]:8080"}, {"unix:/run/sluice.sock"}};
  settings.server.trusted_proxies = {"10.0.0.0/8", "::1"};
  PoolSettings v1;
  v1.name = "v1";
  v1.backends = {{"127.0.0.1:9001"}, {"shop.example.com:80", 250}, {"unix:/run/shop.sock", 1}};
  v1.health = HealthSettings{};
  PoolSettings v2;
  v2.name = "v2";
  v2.backends = {{"127.0.0.1:9001"}};
  settings.pools = {v1, v2};
  RouteSettings route;
  route.name = "shop";
  route.host = "*.example.com";
  route.path = "/a";
  route.methods = {"GET"};
  route.fields = {{"X-Beta", "1"}};
  route.split = {{"v1", 10'000}, {"v2", 0}};
  route.sticky = {StickyKind::cookie, "sluice_shop"};
  route.force = {{false, "X-Release", "new", "v2"}};
  settings.routes = {route};
  return settings;
}

/// Where good() has problems after `change`, in order.
template <class Change>
Places places_after(Change change) {
  Settings settings = good();
  change(settings);
  Places places;
  for (const Problem& problem : validate(settings)) {
    EXPECT_TRUE(problem.what.ends_with('.')) << problem.where << ": " << problem.what;
    places.push_back(problem.where);
  }
  return places;
}

/// The only problem of good() after `change`.
template <class Change>
std::string sentence_after(Change change) {
  Settings settings = good();
  change(settings);
  const auto problems = validate(settings);
  EXPECT_EQ(problems.size(), 1U);
  return problems.empty() ? "" : problems.front().what;
}

TEST(ValidateTest, HasNothingToSayOfGoodSettings) {
  EXPECT_EQ(validate(good()), decltype(validate(good())){});
}

TEST(ValidateTest, ReportsEverythingAtOnce) {
  EXPECT_EQ(places_after([](Settings& s) {
              s.server.workers = 5'000;
              s.listeners[1].address = "nonsense";
              s.pools[0].backends[1].weight = 0;
              s.routes[0].split[1].pool = "v9";
            }),
            (Places{"server.workers", "listener[1].address", "pool.v1.backends[1].weight",
                    "route.shop.split.v9"}));
}

TEST(ValidateServerTest, BoundsWorkersAndDurations) {
  EXPECT_EQ(places_after([](Settings& s) { s.server.workers = 1'024; }), Places{});
  EXPECT_EQ(places_after([](Settings& s) { s.server.workers = 1'025; }), Places{"server.workers"});
  EXPECT_EQ(places_after([](Settings& s) {
              s.server.lame_duck = milliseconds(-1);
              s.server.drain_timeout = milliseconds(-1);
            }),
            (Places{"server.lame_duck", "server.drain_timeout"}));
}

TEST(ValidateServerTest, TrustedProxiesAreNetworks) {
  EXPECT_EQ(places_after([](Settings& s) {
              s.server.trusted_proxies = {"10.0.0.0/8", "shop", "10.0.0.0/33"};
            }),
            (Places{"server.trusted_proxies[1]", "server.trusted_proxies[2]"}));
}

TEST(ValidateListenerTest, ThereMustBeOne) {
  EXPECT_EQ(places_after([](Settings& s) { s.listeners.clear(); }), Places{"listener"});
}

TEST(ValidateListenerTest, TwoMayNotShareAnAddress) {
  EXPECT_EQ(places_after([](Settings& s) { s.listeners[1].address = "0.0.0.0:8080"; }),
            Places{"listener[1].address"});
  EXPECT_EQ(places_after([](Settings& s) { s.listeners.push_back({"[0:0::0]:8080"}); }),
            Places{"listener[3].address"});
  EXPECT_EQ(places_after([](Settings& s) { s.listeners.push_back({"unix:/run/sluice.sock"}); }),
            Places{"listener[3].address"});
  EXPECT_EQ(sentence_after([](Settings& s) { s.listeners[1].address = "0.0.0.0:8080"; }),
            "\"0.0.0.0:8080\" is taken by listener[0].address already; an address may be listened "
            "on once.");
}

TEST(ValidateListenerTest, APortMayBeSharedWithAnotherProcessAndAUnixSocketMayNot) {
  EXPECT_EQ(places_after([](Settings& s) {
              s.listeners = {{"127.0.0.1:8080", true}, {"unix:/run/shop.sock", true}};
            }),
            Places{"listener[1].shared"});
}

TEST(ValidateListenerTest, PortZeroIsAnotherPortEachTime) {
  EXPECT_EQ(places_after([](Settings& s) {
              s.listeners = {{"127.0.0.1:0"}, {"127.0.0.1:0"}};
            }),
            Places{});
}

TEST(ValidateListenerTest, ANameIsNoAddressToListenOn) {
  EXPECT_EQ(places_after([](Settings& s) { s.listeners[0].address = "localhost:80"; }),
            Places{"listener[0].address"});
}

TEST(ValidateAdminTest, MayNotShareTheAddressOfAListener) {
  EXPECT_EQ(places_after([](Settings& s) { s.listeners[0].address = s.admin.address; }),
            Places{"admin.address"});
}

TEST(ValidateAdminTest, NeedsATokenWhereOthersCanReachIt) {
  for (const char* address : {"0.0.0.0:9901", "192.0.2.1:9901", "[::]:9901"}) {
    EXPECT_EQ(places_after([&](Settings& s) { s.admin.address = address; }),
              Places{"admin.token_file"});
    EXPECT_EQ(places_after([&](Settings& s) {
                s.admin = {address, "/etc/sluice/token"};
              }),
              Places{});
  }
  for (const char* address : {"", "127.0.0.2:9901", "[::1]:9901", "unix:/run/admin.sock"}) {
    EXPECT_EQ(places_after([&](Settings& s) { s.admin.address = address; }), Places{}) << address;
  }
  EXPECT_EQ(places_after([](Settings& s) { s.admin.address = "9901"; }), Places{"admin.address"});
}

TEST(ValidateLogTest, TakesKnownLevelsOnly) {
  for (const char* level : {"trace", "debug", "info", "warn", "error", "off"}) {
    EXPECT_EQ(places_after([&](Settings& s) { s.log.level = level; }), Places{});
  }
  EXPECT_EQ(places_after([](Settings& s) {
              s.log = {"INFO", ""};
            }),
            (Places{"log.level", "log.access"}));
}

TEST(ValidateLimitsTest, MustLetARequestThrough) {
  EXPECT_EQ(places_after([](Settings& s) {
              s.limits.head = 1'023;
              s.limits.request_line = 100;
            }),
            Places{"limits.head"});
  EXPECT_EQ(places_after([](Settings& s) { s.limits.request_line = s.limits.head; }), Places{});
  EXPECT_EQ(places_after([](Settings& s) { s.limits.request_line = s.limits.head + 1; }),
            Places{"limits.request_line"});
  EXPECT_EQ(places_after([](Settings& s) { s.limits.request_line = 0; }),
            Places{"limits.request_line"});
  EXPECT_EQ(places_after([](Settings& s) { s.limits.fields = 0; }), Places{"limits.fields"});
}

TEST(ValidateTimeoutsTest, MayNotBeNegative) {
  EXPECT_EQ(places_after([](Settings& s) { s.timeouts.connect = milliseconds(0); }), Places{});
  // The route inherited the deadline, so it is said once.
  EXPECT_EQ(places_after([](Settings& s) {
              s.timeouts.connect = milliseconds(-1);
              s.routes[0].timeouts.connect = milliseconds(-1);
            }),
            Places{"timeouts.connect"});
  EXPECT_EQ(places_after([](Settings& s) { s.routes[0].timeouts.total = milliseconds(-5); }),
            Places{"route.shop.timeouts.total"});
}

TEST(ValidatePoolTest, NamesArePlainAndGivenOnce) {
  EXPECT_EQ(places_after([](Settings& s) { s.pools.push_back(s.pools[1]); }), Places{"pool.v2"});
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a.b"),
                                  std::string("\xc3\xa4"), std::string(65, 'a')}) {
    EXPECT_EQ(places_after([&](Settings& s) { s.pools.emplace_back().name = name; }),
              Places{"pool." + name});
  }
  EXPECT_EQ(places_after([](Settings& s) { s.pools.emplace_back().name = std::string(64, '_'); }),
            Places{});
}

TEST(ValidatePoolTest, MayBeEmpty) {
  EXPECT_EQ(places_after([](Settings& s) { s.pools[1].backends.clear(); }), Places{});
}

TEST(ValidatePoolTest, BackendsAreAddressesGivenOnce) {
  EXPECT_EQ(places_after([](Settings& s) {
              s.pools[0].backends = {{"127.0.0.1"}, {"127.0.0.1:0"}, {"a:1"}, {"A.:1"}};
            }),
            (Places{"pool.v1.backends[0].address", "pool.v1.backends[1].address",
                    "pool.v1.backends[3].address"}));
  // In the order of the file, whatever the sort of problem and however the address is written.
  EXPECT_EQ(places_after([](Settings& s) {
              s.pools[0].backends = {{"[::1]:9"}, {"b:1", 0}, {"[0::1]:9", 0}, {"unix:/s"},
                                     {"B:1"},     {"c"},      {"b.:1"},        {"unix:/s"}};
            }),
            (Places{"pool.v1.backends[1].weight", "pool.v1.backends[2].weight",
                    "pool.v1.backends[2].address", "pool.v1.backends[4].address",
                    "pool.v1.backends[5].address", "pool.v1.backends[6].address",
                    "pool.v1.backends[7].address"}));
  EXPECT_EQ(sentence_after([](Settings& s) {
              s.pools[0].backends = {{"127.0.0.1:9"}, {"b:1"}, {"a:1"}, {"B.:1"}};
            }),
            "\"B.:1\" is the same address as pool.v1.backends[1]; a backend may be in a pool once, "
            "with a higher weight to get more.");
}

TEST(ValidatePoolTest, WeightsOfBackendsAreAboveZero) {
  EXPECT_EQ(places_after([](Settings& s) { s.pools[0].backends[0].weight = weight_max; }),
            Places{});
  EXPECT_EQ(places_after([](Settings& s) {
              s.pools[0].backends[0].weight = 0;
              s.pools[0].backends[1].weight = weight_max + 1;
            }),
            (Places{"pool.v1.backends[0].weight", "pool.v1.backends[1].weight"}));
  EXPECT_EQ(sentence_after([](Settings& s) { s.pools[0].backends[0].weight = weight_max + 5; }),
            "The weight is 1000000.05; allowed for a backend are weights above 0 up to "
            "1000000.00.");
}

TEST(ValidatePoolTest, DurationsAreAboveZero) {
  EXPECT_EQ(places_after([](Settings& s) {
              s.pools[0].health->interval = milliseconds(0);
              s.pools[0].health->timeout = milliseconds(-1);
              s.pools[0].idle_timeout = milliseconds(0);
              s.pools[0].resolve_interval = milliseconds(0);
            }),
            (Places{"pool.v1.health.interval", "pool.v1.health.timeout", "pool.v1.idle_timeout",
                    "pool.v1.resolve_interval"}));
}

TEST(ValidatePoolTest, HealthChecksCanBeSentAndCounted) {
  for (const char* path : {"", "healthz", "/a b", "/a\r\n", "/a#b", "/\xc3\xa4"}) {
    EXPECT_EQ(places_after([&](Settings& s) { s.pools[0].health->path = path; }),
              Places{"pool.v1.health.path"})
        << path;
  }
  EXPECT_EQ(places_after([](Settings& s) { s.pools[0].health->path = "/health?full=1"; }),
            Places{});
  EXPECT_EQ(places_after([](Settings& s) { s.pools[0].health->host = "a\r\nX: 1"; }),
            Places{"pool.v1.health.host"});
  EXPECT_EQ(places_after([](Settings& s) {
              s.pools[0].health->rise = 0;
              s.pools[0].health->fall = 0;
            }),
            (Places{"pool.v1.health.rise", "pool.v1.health.fall"}));
}

}  // namespace
}  // namespace sluice
