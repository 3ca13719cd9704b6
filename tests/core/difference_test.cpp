#include "core/difference.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace sluice::core {
namespace {

Settings shop() {
  Settings settings;
  settings.listeners = {{"0.0.0.0:80"}};
  settings.pools = {{.name = "shop-v1", .backends = {{"127.0.0.1:9001"}, {"127.0.0.1:9002"}}},
                    {.name = "shop-v2", .backends = {{"127.0.0.1:9101"}}}};
  settings.routes = {
      {.name = "shop", .host = "shop.example.com", .split = {{"shop-v1", 10000}, {"shop-v2", 0}}}};
  return settings;
}

std::vector<std::string> sentences(const std::function<void(Settings&)>& change) {
  Settings after = shop();
  change(after);
  return in_words(difference(shop(), after));
}

using Sentences = std::vector<std::string>;

TEST(Difference, OfEqualSettingsIsNothing) {
  EXPECT_TRUE(difference(shop(), shop()).empty());
  EXPECT_TRUE(difference({}, {}).empty());
}

TEST(Difference, ASplitShowsItsWeights) {
  EXPECT_EQ(sentences([](Settings& after) {
              after.routes[0].split = {{"shop-v1", 9000}, {"shop-v2", 1250}};
            }),
            Sentences{"route shop changed: split: shop-v1=100 shop-v2=0 -> shop-v1=90 "
                      "shop-v2=12.5"});
}

TEST(Difference, BackendsAreAddedRemovedAndWeighed) {
  EXPECT_EQ(sentences([](Settings& after) {
              after.pools[0].backends = {{"127.0.0.1:9001", 250}, {"127.0.0.1:9003", 200}};
            }),
            Sentences{"pool shop-v1 changed: backends: +127.0.0.1:9003@2 -127.0.0.1:9002 "
                      "127.0.0.1:9001@1->2.5"});
}

TEST(Difference, AListenerThatIsSharedFromNowOnIsNotTheSame) {
  EXPECT_EQ(sentences([](Settings& after) { after.listeners[0].shared = true; }),
            Sentences{"listener 0.0.0.0:80 changed: shared: false -> true (when the address is "
                      "opened next; what listens there stays)"});
}

TEST(Difference, ThingsComeAndGo) {
  EXPECT_EQ(sentences([](Settings& after) {
              after.listeners = {{"0.0.0.0:81"}};
              after.pools.push_back({.name = "shop-v3"});
              after.pools.erase(after.pools.begin() + 1);
              after.routes.clear();
            }),
            (Sentences{"listener 0.0.0.0:81 added", "listener 0.0.0.0:80 removed",
                       "pool shop-v3 added", "pool shop-v2 removed", "route shop removed"}));
  const auto changes = difference({}, shop());
  ASSERT_EQ(changes.size(), 4U);
  EXPECT_EQ(changes[0], (SettingsChange{"listener 0.0.0.0:80", ChangeKind::added, {}}));
}

TEST(Difference, AnotherOrderIsAChange) {
  const auto swap = [](auto& list) { std::swap(list[0], list[1]); };
  EXPECT_EQ(sentences([&](Settings& after) { swap(after.pools); }),
            Sentences{"pools changed: order: changed"});
  EXPECT_EQ(sentences([&](Settings& after) { swap(after.pools[0].backends); }),
            Sentences{"pool shop-v1 changed: backends: order changed"});
  EXPECT_EQ(sentences([&](Settings& after) { swap(after.routes[0].split); }),
            Sentences{"route shop changed: split: shop-v1=100 shop-v2=0 -> shop-v2=0 "
                      "shop-v1=100"});
}

TEST(Difference, ARouteThatOnlyFollowsTheTimeoutsIsNotSaidOnceMore) {
  EXPECT_EQ(sentences([](Settings& after) {
              after.timeouts.connect = milliseconds(1500);
              after.routes[0].timeouts.connect = milliseconds(1500);
            }),
            Sentences{"timeouts changed: connect: 2s -> 1500ms"});
  EXPECT_EQ(sentences([](Settings& after) {
              after.timeouts.connect = milliseconds(1000);
              after.routes[0].timeouts.connect = milliseconds(1000);
              after.routes[0].timeouts.total = milliseconds(300'000);
            }),
            (Sentences{"timeouts changed: connect: 2s -> 1s",
                       "route shop changed: timeouts.total: 0s -> 5m"}));
  EXPECT_EQ(
      sentences([](Settings& after) { after.routes[0].timeouts.connect = milliseconds(1000); }),
      Sentences{"route shop changed: timeouts.connect: 2s -> 1s"});
}

TEST(Difference, HealthIsSaidKeyByKey) {
  Settings before = shop();
  before.pools[0].health = HealthSettings{};
  Settings after = before;
  after.pools[0].health->path = "/up";
  after.pools[0].health->fall = 5;
  EXPECT_EQ(in_words(difference(before, after)),
            Sentences{"pool shop-v1 changed: health.path: \"/\" -> \"/up\"; health.fall: 3 -> 5"});
  EXPECT_EQ(in_words(difference(shop(), before)), Sentences{"pool shop-v1 changed: health: added"});
  EXPECT_EQ(in_words(difference(before, shop())),
            Sentences{"pool shop-v1 changed: health: removed"});
}

TEST(Difference, LongListsAreCutWithTheirNumber) {
  Settings after = shop();
  for (int port = 1; port <= 1000; ++port) {
    after.pools[1].backends.push_back({"10.0.0.1:" + std::to_string(port)});
  }
  const std::string sentence = in_words(difference(shop(), after)).at(0);
  EXPECT_NE(sentence.find("+10.0.0.1:1 "), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(" and 980 more"), std::string::npos) << sentence;
}

TEST(Difference, NamesThatStandTwiceDoNotHideAChange) {
  Settings before = shop();
  before.listeners = {{"a"}, {"a"}};
  Settings after = shop();
  after.listeners = {{"a"}};
  EXPECT_FALSE(difference(before, after).empty());
}

using Change = void (*)(Settings&);

/// Every key of a configuration, with another value, and the word under which it is reported.
struct KeyCase {
  const char* said;
  Change change;
};

const KeyCase key_cases[] = {
    {"server changed: workers: 0 -> 3", [](Settings& s) { s.server.workers = 3; }},
    {"io_uring: auto -> on", [](Settings& s) { s.server.io_uring = IoUring::on; }},
    {"io_uring: auto -> off", [](Settings& s) { s.server.io_uring = IoUring::off; }},
    {"lame_duck: 0s -> 1h", [](Settings& s) { s.server.lame_duck = milliseconds(3'600'000); }},
    {"drain_timeout: 30s -> 250ms",
     [](Settings& s) { s.server.drain_timeout = milliseconds(250); }},
    {"state_dir: \"/var/lib/sluice\" -> \"\"", [](Settings& s) { s.server.state_dir = ""; }},
    {"forwarded: false -> true", [](Settings& s) { s.server.forwarded = true; }},
    {"trusted_proxies: [] -> [\"10.0.0.0/8\"]",
     [](Settings& s) { s.server.trusted_proxies = {"10.0.0.0/8"}; }},
    {"watch: false -> true", [](Settings& s) { s.server.watch = true; }},
    {"admin changed: address", [](Settings& s) { s.admin.address = "x"; }},
    {"token_file", [](Settings& s) { s.admin.token_file = "x"; }},
    {"log changed: level: \"info\" -> \"debug\"", [](Settings& s) { s.log.level = "debug"; }},
    {"access", [](Settings& s) { s.log.access = "off"; }},
    {"timeouts changed: head", [](Settings& s) { s.timeouts.head = milliseconds(1); }},
    {"keep_alive", [](Settings& s) { s.timeouts.keep_alive = milliseconds(1); }},
    {"body_idle", [](Settings& s) { s.timeouts.body_idle = milliseconds(1); }},
    {"connect", [](Settings& s) { s.timeouts.connect = milliseconds(1); }},
    {"first_byte", [](Settings& s) { s.timeouts.first_byte = milliseconds(1); }},
    {"backend_idle", [](Settings& s) { s.timeouts.backend_idle = milliseconds(1); }},
    {"total", [](Settings& s) { s.timeouts.total = milliseconds(1); }},
    {"tunnel_idle", [](Settings& s) { s.timeouts.tunnel_idle = milliseconds(1); }},
    {"limits changed: request_line: 8192 -> 1", [](Settings& s) { s.limits.request_line = 1; }},
    {"head: 32768 -> 1", [](Settings& s) { s.limits.head = 1; }},
    {"fields", [](Settings& s) { s.limits.fields = 1; }},
    {"body", [](Settings& s) { s.limits.body = 1; }},
    {"connections", [](Settings& s) { s.limits.connections = 1; }},
    {"balance: least_request -> round_robin",
     [](Settings& s) { s.pools[0].balance = Balance::round_robin; }},
    {"idle_timeout", [](Settings& s) { s.pools[0].idle_timeout = milliseconds(1); }},
    {"resolve_interval", [](Settings& s) { s.pools[0].resolve_interval = milliseconds(1); }},
    {"host: \"shop.example.com\" -> \"x\"", [](Settings& s) { s.routes[0].host = "x"; }},
    {"path: \"/\" -> \"/x\"", [](Settings& s) { s.routes[0].path = "/x"; }},
    {"methods: [] -> [\"GET\"]", [](Settings& s) { s.routes[0].methods = {"GET"}; }},
    {"match: [] -> [\"X-A=1\"]",
     [](Settings& s) {
       s.routes[0].fields = {{"X-A", "1"}};
     }},
    {"sticky: none -> cookie \"c\"",
     [](Settings& s) {
       s.routes[0].sticky = {StickyKind::cookie, "c"};
     }},
    {"force: [] -> [\"header X=new to shop-v2\"]",
     [](Settings& s) {
       s.routes[0].force = {{false, "X", "new", "shop-v2"}};
     }},
    {"timeouts.total: 0s -> 1ms",
     [](Settings& s) { s.routes[0].timeouts.total = milliseconds(1); }},
    {"rollout.mode: act -> observe",
     [](Settings& s) { s.routes[0].rollout.mode = RolloutMode::observe; }},
    {"rollout.steps: [1, 5, 25, 50, 95] -> [0.5, 95]",
     [](Settings& s) {
       s.routes[0].rollout.steps = {50, 9500};
     }},
    {"rollout.step_time", [](Settings& s) { s.routes[0].rollout.step_time = milliseconds(1); }},
    {"rollout.step_timeout",
     [](Settings& s) { s.routes[0].rollout.step_timeout = milliseconds(1); }},
    {"rollout.min_requests", [](Settings& s) { s.routes[0].rollout.min_requests = 1; }},
    {"rollout.on_inconclusive: hold -> advance",
     [](Settings& s) { s.routes[0].rollout.on_inconclusive = Inconclusive::advance; }},
    {"rollout.bake", [](Settings& s) { s.routes[0].rollout.bake = milliseconds(1); }},
    {"rollout.retain_old", [](Settings& s) { s.routes[0].rollout.retain_old = milliseconds(1); }},
    {"rollout.deadline", [](Settings& s) { s.routes[0].rollout.deadline = milliseconds(1); }},
    {"rollout.alpha: 0.001 -> 0.01", [](Settings& s) { s.routes[0].rollout.alpha = 0.01; }},
    {"rollout.supersede: reject -> queue",
     [](Settings& s) { s.routes[0].rollout.supersede = Supersede::queue; }},
    {"rollout.shield: true -> false", [](Settings& s) { s.routes[0].rollout.shield = false; }},
    {"rollout.shield_budget", [](Settings& s) { s.routes[0].rollout.shield_budget = 0.2; }},
    {"rollout.slew: 0 -> 12.5", [](Settings& s) { s.routes[0].rollout.slew = 1250; }},
    {"rollout.catastrophe", [](Settings& s) { s.routes[0].rollout.catastrophe = 1; }},
    {"rollout.freeze", [](Settings& s) { s.routes[0].rollout.freeze = {"Fri 16:00 - Mon 07:00"}; }},
    {"rollout.errors.statuses", [](Settings& s) { s.routes[0].rollout.errors.statuses = {}; }},
    {"rollout.errors.tolerance", [](Settings& s) { s.routes[0].rollout.errors.tolerance = 2; }},
    {"rollout.errors.max_rate", [](Settings& s) { s.routes[0].rollout.errors.max_rate = 0.1; }},
    {"rollout.latency.tolerance", [](Settings& s) { s.routes[0].rollout.latency.tolerance = 2; }},
    {"rollout.latency.slack",
     [](Settings& s) { s.routes[0].rollout.latency.slack = milliseconds(5); }},
    {"rollout.latency.quantiles: [50, 90, 99] -> [50]",
     [](Settings& s) { s.routes[0].rollout.latency.quantiles = {50}; }},
    {"rollout.guard.max_error_rate: none -> 0.05",
     [](Settings& s) { s.routes[0].rollout.guard.max_error_rate = 0.05; }},
    {"rollout.guard.max_p99: none -> 2s",
     [](Settings& s) { s.routes[0].rollout.guard.max_p99 = milliseconds(2000); }},
    {"rollout.mirror.time", [](Settings& s) { s.routes[0].rollout.mirror.time = milliseconds(5); }},
    {"rollout.mirror.share", [](Settings& s) { s.routes[0].rollout.mirror.share = 1; }},
    {"rollout.mirror.max_body", [](Settings& s) { s.routes[0].rollout.mirror.max_body = 1; }},
    {"rollout.gate: changed", [](Settings& s) { s.routes[0].rollout.gates.emplace_back(); }},
    {"rollout.hook: changed", [](Settings& s) { s.routes[0].rollout.hooks.emplace_back(); }},
    {"rollout.query: changed", [](Settings& s) { s.routes[0].rollout.queries.emplace_back(); }},
};

TEST(Difference, SaysEveryKeyBothWays) {
  for (const KeyCase& key : key_cases) {
    Settings after = shop();
    key.change(after);
    ASSERT_NE(after, shop()) << key.said;
    const auto there = in_words(difference(shop(), after));
    ASSERT_EQ(there.size(), 1U) << key.said;
    EXPECT_NE(there[0].find(key.said), std::string::npos) << there[0];
    EXPECT_EQ(there[0].find(';'), std::string::npos) << there[0];
    EXPECT_EQ(difference(after, shop()).size(), 1U) << key.said;
  }
}

}  // namespace
}  // namespace sluice::core
