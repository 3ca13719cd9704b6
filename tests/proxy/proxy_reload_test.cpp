#include <gtest/gtest.h>

#include "tests/proxy/running_proxy.hpp"
#include "tests/support/load.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

using support::eventually;

std::vector<std::string> keys_of(const Denial& denial) {
  std::vector<std::string> keys;
  for (const Problem& problem : denial.problems) keys.push_back(problem.where);
  return keys;
}

TEST(ProxyReload, ARouteAndAPoolAreAdded) {
  RunningProxy running;
  running.start();
  TestBackend v3("v3");
  Settings next = running.settings;
  next.pools.push_back(pool_of("v3", {v3.address()}));
  next.routes.insert(next.routes.begin(), route_of("new", "/new", {{"v3", 100}}));
  const auto reloaded = running.reload(next);
  ASSERT_TRUE(reloaded) << reloaded.error().detail;
  EXPECT_EQ(reloaded->generation, 2U);
  EXPECT_EQ(running.who_answers("/new/x"), "v3");
  EXPECT_EQ(running.who_answers("/"), "v1");
  const auto status = running.proxy->status().get();
  EXPECT_EQ(status->routes.front().name, "new") << "in the order of the settings";
  EXPECT_EQ(running.recorder->count("reload taken generation 2"), 1U);
  EXPECT_EQ(running.recorder->count("audit reload of settings by library"), 1U);
  EXPECT_EQ(running.recorder->count("membership v3 0 -> 1 why reload"), 1U);
}

TEST(ProxyReload, BadSettingsChangeNothing) {
  RunningProxy running;
  running.start();
  Settings next = running.settings;
  next.pools.erase(next.pools.begin());
  next.routes[0].path = "no-slash";
  next.listeners.push_back({"127.0.0.1:0"});
  const auto reloaded = running.reload(next);
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(reloaded.error().status, 422U);
  EXPECT_EQ(reloaded.error().problems.size(), 2U) << reloaded.error().detail;
  EXPECT_EQ(running.who_answers(), "v1");
  EXPECT_EQ(running.proxy->status().get()->generation, 1U);
  EXPECT_EQ(running.proxy->listener_addresses().size(), 1U);
  EXPECT_FALSE(running.proxy->snapshot().get()->last_reload_ok);
  EXPECT_EQ(running.recorder->count("reload refused generation 1"), 1U);
  ASSERT_TRUE(running.reload(running.settings));
  EXPECT_TRUE(running.proxy->snapshot().get()->last_reload_ok);
}

TEST(ProxyReload, WhatTakesARestartIsRefusedByKey) {
  RunningProxy running;
  running.start();
  Settings next = running.settings;
  next.server.workers = 3;
  next.admin.address = "127.0.0.1:0";
  next.routes[0].split = {{"v1", 0}, {"v2", 100}};
  const auto reloaded = running.reload(next);
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(keys_of(reloaded.error()),
            (std::vector<std::string>{"server.workers", "admin.address"}));
  EXPECT_EQ(running.who_answers(), "v1");
}

TEST(ProxyReload, BackendsThatStayKeepTheirConnectionsAndCounts) {
  RunningProxy running;
  running.settings.server.workers = 1;
  running.start();
  EXPECT_EQ(running.who_answers(), "v1");
  Settings next = running.settings;
  next.pools.push_back(pool_of("v3", {"127.0.0.1:1"}));
  next.routes[0].timeouts.first_byte = seconds(7);
  ASSERT_TRUE(running.reload(next));
  EXPECT_EQ(running.who_answers(), "v1");
  EXPECT_EQ(running.v1.accepted(), 1U) << "the pooled connection was used again";
  EXPECT_EQ(running.backend("v1").requests, 2U);
  EXPECT_TRUE(eventually([&] { return running.requests("all", "v1") == 2; }));
}

TEST(ProxyReload, AnotherHealthCheckKeepsTheVerdictUntilItHasItsOwn) {
  RunningProxy running;
  running.settings.pools[0].health = quick_health();
  running.start();
  Settings next = running.settings;
  next.pools[0].health->path = "/slow";
  next.pools[0].health->timeout = seconds(20);
  const auto latch = std::make_shared<Latch>();
  running.v1.set_script([latch](support::Exchange& exchange) {
    if (exchange.request().target == "/slow") exchange.wait(*latch);
    exchange.answer(200, "");
  });
  ASSERT_TRUE(running.reload(next));
  ASSERT_TRUE(running.v1.wait_for_requests(1)) << "the new check is under way";
  EXPECT_EQ(running.backend("v1").health, HealthState::up);
  EXPECT_EQ(running.who_answers(), "v1");
  latch->release();
  EXPECT_TRUE(eventually([&] { return running.v1.request_count() >= 3; }));
  EXPECT_EQ(running.recorder->count("health v1"), 1U) << "the verdict has not changed";
  next.pools[0].health.reset();
  ASSERT_TRUE(running.reload(next));
  EXPECT_EQ(running.backend("v1").health, HealthState::unchecked);
  EXPECT_EQ(running.who_answers(), "v1");
}

TEST(ProxyReload, AnotherHealthCheckTakesAsManyFailuresAsBefore) {
  RunningProxy running;
  running.settings.pools[0].health = quick_health();
  running.settings.pools[0].health->fall = 20;
  running.start();
  ASSERT_EQ(running.backend("v1").health, HealthState::up);
  const std::size_t before = running.v1.health_checks();
  running.v1.set_healthy(false);
  Settings next = running.settings;
  next.pools[0].health->interval = milliseconds(51);
  ASSERT_TRUE(running.reload(next));
  ASSERT_TRUE(eventually([&] { return running.backend("v1").health == HealthState::down; }));
  EXPECT_GE(running.v1.health_checks(), before + 20);
}

TEST(ProxyReload, ARequestInFlightKeepsThePlanItBeganWith) {
  const auto latch = std::make_shared<Latch>();
  RunningProxy running(support::answers_after(latch));
  running.start();
  RawClient client(running.address());
  client.send(support::request_text("GET", "/"));
  ASSERT_TRUE(running.v1.wait_for_requests(1));
  Settings next = running.settings;
  next.pools.erase(next.pools.begin());
  next.routes = {route_of("other", "/", {{"v2", 100}})};
  ASSERT_TRUE(running.reload(next));
  EXPECT_EQ(running.who_answers(), "v2");
  EXPECT_EQ(running.recorder->count("drained v1"), 0U);
  latch->release();
  const Response response = client.response();
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.fields.get("X-Version"), "v1");
  EXPECT_TRUE(running.recorder->hears("drained v1 " + running.v1.address() + " cut 0"))
      << "a removed backend is followed to its end";
  EXPECT_TRUE(eventually([&] { return running.requests("all", "v1") == 1; }))
      << "counters of a route that is gone stay";
  EXPECT_EQ(client.get("/").fields.get("X-Version"), "v2") << "on the same connection";
}

TEST(ProxyReload, EachOfManyRemovedBackendsIsFollowedOnItsOwn) {
  constexpr std::size_t count = 300;
  const auto latch = std::make_shared<Latch>();
  RunningProxy running(support::answers_after(latch));
  std::vector<BackendSettings>& many = running.settings.pools[1].backends;
  for (std::size_t index = 0; index < count; ++index) {
    many.push_back({"127.0.0.2:" + std::to_string(1000 + index), weight_one});
  }
  running.start();
  const std::string of_v1 = "drained v1 " + running.v1.address();
  RawClient client(running.address());
  client.send(support::request_text("GET", "/"));
  ASSERT_TRUE(running.v1.wait_for_requests(1));
  Settings without = running.settings;
  without.pools[0].backends = without.pools[1].backends = {{running.v2.address(), weight_one}};
  ASSERT_TRUE(running.reload(without));
  for (std::size_t index = 1; index < many.size(); ++index) {
    EXPECT_TRUE(running.recorder->hears("drained v2 " + many[index].address + " cut 0"));
  }
  EXPECT_EQ(running.recorder->count("drained v2 "), count) << "each once";
  EXPECT_EQ(running.recorder->count(of_v1), 0U) << "a request is in flight";

  ASSERT_TRUE(running.reload(running.settings));
  latch->release();
  EXPECT_EQ(client.response().status, 200U);
  EXPECT_EQ(running.recorder->count(of_v1), 0U) << "it is back";
  ASSERT_TRUE(running.reload(without));
  EXPECT_TRUE(running.recorder->hears(of_v1 + " cut 0"));
  EXPECT_EQ(running.recorder->count(of_v1), 1U);
}

TEST(ProxyReload, WeightsSetAtRunTimeStayOnTop) {
  RunningProxy running;
  running.start();
  ASSERT_TRUE(running.proxy->set_split("all", {{"v2", 100}}).get());
  Settings next = running.settings;
  next.routes[0].timeouts.first_byte = seconds(7);
  const auto reloaded = running.reload(next);
  ASSERT_TRUE(reloaded);
  EXPECT_TRUE(reloaded->notices.empty());
  EXPECT_EQ(running.who_answers(), "v2");
  const auto status = running.proxy->status().get();
  EXPECT_EQ(status->routes.front().revision, 2U);
  EXPECT_TRUE(status->routes.front().overridden);
}

TEST(ProxyReload, AConfiguredSplitThatChangedWinsVisibly) {
  RunningProxy running;
  running.start();
  ASSERT_TRUE(running.proxy->set_split("all", {{"v2", 100}}).get());
  Settings next = running.settings;
  next.routes[0].split = {{"v1", 9900}, {"v2", 0}};
  const auto reloaded = running.reload(next);
  ASSERT_TRUE(reloaded);
  ASSERT_EQ(reloaded->notices.size(), 1U);
  EXPECT_NE(reloaded->notices.front().find("route.all"), std::string::npos);
  EXPECT_EQ(running.recorder->count("log 3 " + reloaded->notices.front()), 1U);
  EXPECT_EQ(running.recorder->count("split all v1=0 v2=1 -> v1=99 v2=0 revision 3 why reload"), 1U);
  EXPECT_EQ(running.who_answers(), "v1");
  const auto status = running.proxy->status().get();
  EXPECT_EQ(status->routes.front().revision, 3U) << "an old ETag must not match again";
  EXPECT_FALSE(status->routes.front().overridden);
  ASSERT_EQ(running.proxy->set_split("all", {{"v2", 100}}).get()->revision, 4U);
}

TEST(ProxyReload, ARouteThatComesBackHasARevisionOfItsOwn) {
  RunningProxy running;
  running.start();
  Settings without = running.settings;
  without.routes = {route_of("other", "/", {{"v2", 100}})};
  ASSERT_TRUE(running.proxy->set_split("all", {{"v2", 100}}).get());
  ASSERT_TRUE(running.reload(without));
  ASSERT_TRUE(running.reload(running.settings));
  const auto revision = [&] { return running.proxy->status().get()->routes.front().revision; };
  EXPECT_EQ(revision(), 3U) << "1 and 2 were of the route that is gone";
  ASSERT_TRUE(running.reload(without));
  ASSERT_TRUE(running.reload(without));
  ASSERT_TRUE(running.reload(running.settings));
  EXPECT_EQ(revision(), 4U);
}

TEST(ProxyReload, ADrainGoesWithItsPool) {
  RunningProxy running;
  running.start();
  ASSERT_TRUE(running.proxy->drain("v2").get());
  ASSERT_TRUE(running.reload(running.settings));
  EXPECT_EQ(running.backend("v2").drain, DrainState::drained) << "it stays";
  Settings without = running.settings;
  without.pools.pop_back();
  without.routes[0].split.pop_back();
  EXPECT_EQ(running.reload(without)->notices.size(), 1U);
  ASSERT_TRUE(running.reload(running.settings));
  EXPECT_EQ(running.backend("v2").drain, DrainState::none);
}

TEST(ProxyReload, ListenersComeAndGo) {
  RunningProxy running;
  running.start();
  const std::string old_address = running.address();
  RawClient stays(old_address);
  EXPECT_EQ(stays.get("/").status, 200U);
  Settings next = running.settings;
  next.listeners.push_back({"127.0.0.1:0"});
  ASSERT_TRUE(running.reload(next));
  ASSERT_EQ(running.proxy->listener_addresses().size(), 2U);
  EXPECT_EQ(running.address(0), old_address);
  const std::string new_address = running.address(1);
  EXPECT_EQ(RawClient(new_address).get("/").status, 200U);
  next.limits.fields = 50;
  ASSERT_TRUE(running.reload(next));
  EXPECT_EQ(running.proxy->listener_addresses(),
            (std::vector<std::string>{old_address, new_address}))
      << "both are configured as 127.0.0.1:0";

  support::TempDir folder;
  const std::string path = "unix:" + folder.file("proxy.sock");
  next.listeners = {{path}};
  ASSERT_TRUE(running.reload(next));
  EXPECT_EQ(running.proxy->listener_addresses(), std::vector<std::string>{path});
  EXPECT_EQ(RawClient(path).get("/").status, 200U);
  EXPECT_EQ(stays.get("/").status, 200U) << "connections that stand go on";
  EXPECT_THROW(RawClient refused(old_address), support::Failure);

  next.listeners = {{old_address}, {path}};
  const auto back = running.reload(next);
  ASSERT_TRUE(back) << "the address is free again: " << back.error().detail;
  EXPECT_EQ(RawClient(old_address).get("/").status, 200U);
}

TEST(ProxyReload, AListenerThatCannotBeOpenedChangesNothing) {
  RunningProxy running;
  running.start();
  TestBackend other("other");
  Settings next = running.settings;
  next.listeners = {{"127.0.0.1:0"}, {other.address()}};
  next.routes[0].split = {{"v1", 0}, {"v2", 100}};
  const auto reloaded = running.reload(next);
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(keys_of(reloaded.error()), std::vector<std::string>{"listener[1].address"});
  EXPECT_EQ(running.proxy->listener_addresses().size(), 1U);
  EXPECT_EQ(running.who_answers(), "v1");
}

TEST(ProxyReload, AnAddressOverAnOpenOneTakesTwoReloads) {
  RunningProxy running;
  running.start();
  const std::string old_address = running.address();
  const std::string port = old_address.substr(old_address.rfind(':'));
  for (const std::string& wide : {"0.0.0.0" + port, old_address}) {
    Settings next = running.settings;
    next.listeners = {{wide}};
    const auto refused = running.reload(next);
    ASSERT_FALSE(refused) << wide;
    const std::string& detail = refused.error().detail;
    EXPECT_NE(detail.find("this process listens on " + old_address), std::string::npos) << detail;
    EXPECT_NE(detail.find("two reloads"), std::string::npos) << detail;
    EXPECT_EQ(detail.find("another process"), std::string::npos) << detail;
    next.listeners = {{running.settings.listeners[0].address}, {wide}};
    EXPECT_NE(running.reload(next).error().detail.find("stays"), std::string::npos);
  }
  support::TempDir folder;
  Settings next = running.settings;
  next.listeners = {{"unix:" + folder.file("proxy.sock")}};
  ASSERT_TRUE(running.reload(next));
  next.listeners = {{"0.0.0.0" + port}};
  const auto back = running.reload(next);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(RawClient(old_address).get("/").status, 200U);
}

TEST(ProxyReload, ChangesOfServerSettingsAreObeyed) {
  const auto latch = std::make_shared<Latch>();
  RunningProxy running(support::answers_after(latch));
  running.start();
  Settings next = running.settings;
  next.server.drain_timeout = milliseconds(1);
  next.limits.fields = 5;
  ASSERT_TRUE(running.reload(next));
  RawClient client(running.address());
  EXPECT_EQ(client.get("/", "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n").status, 431U);
  RawClient held(running.address());
  held.send(support::request_text("GET", "/"));
  ASSERT_TRUE(running.v1.wait_for_requests(1));
  running.proxy->stop();
  EXPECT_EQ(running.proxy->wait(), 1U) << "the new time to drain has passed";
  running.v1.stop();
}

TEST(ProxyReload, NoRequestFailsWhileSettingsChange) {
  RunningProxy running;
  running.settings.pools[0].health = quick_health();
  running.settings.pools[1].health = quick_health();
  running.start();
  support::LoadOptions options;
  options.address = running.address();
  options.connections = 8;
  support::Load load(options);
  Settings next = running.settings;
  for (int round = 1; round <= 20; ++round) {
    next.pools[0].health->interval = milliseconds(50 + round);
    next.routes[0].split = {{"v1", round % 2 == 0 ? 100U : 50U}, {"v2", 50}};
    next.listeners.resize(1);
    if (round % 2 == 0) next.listeners.push_back({"127.0.0.1:0"});
    ASSERT_TRUE(running.reload(next));
    ASSERT_TRUE(load.wait_for_further(50));
  }
  const auto counts = load.stop();
  EXPECT_EQ(counts.failures, 0U) << counts.first_failure;
  EXPECT_EQ(counts.versions.size(), 2U);
  EXPECT_TRUE(eventually([&] {
    return running.requests("all", "v1") + running.requests("all", "v2") == counts.requests;
  })) << "not one was lost from the counters";
}

TEST(ProxyReload, TellsWhatItChanged) {
  RunningProxy running;
  running.start();
  Settings next = running.settings;
  next.routes[0].split = {{"v1", 0}, {"v2", 100}};
  const auto reloaded = running.reload(next);
  ASSERT_TRUE(reloaded);
  ASSERT_EQ(reloaded->changes.size(), 1U);
  EXPECT_EQ(reloaded->changes[0].subject, "route all");
  EXPECT_EQ(reloaded->record, 2U);
  EXPECT_EQ(running.recorder->count("log 2 reloaded: route all changed: split: "), 1U);
  const auto history = running.proxy->reload_history().get();
  ASSERT_TRUE(history);
  ASSERT_EQ(history->size(), 2U);
  EXPECT_EQ(history->front().why, "library");
  EXPECT_GT(running.proxy->snapshot().get()->last_reload_ms, 0);
}

}  // namespace
}  // namespace sluice::proxy
