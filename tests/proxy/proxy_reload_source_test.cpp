#include <gtest/gtest.h>

#include "tests/proxy/running_proxy.hpp"

namespace sluice::proxy {
namespace {

using support::eventually;

TEST(ProxyReloadSource, WithoutAReaderThereIsNothingToReadAnew) {
  RunningProxy running;
  running.start();
  EXPECT_EQ(running.proxy->reload_source().get().error().status, 501U);
  EXPECT_EQ(running.proxy->confirm_reload().get().error().status, 409U);
  EXPECT_EQ(running.proxy->roll_back_settings().get().error().status, 404U);
}

/// A proxy whose settings are read from `text`: "v1" and "v2" send everything there, "only v2" has
/// no other pool.
struct ReadingProxy {
  ReadingProxy() {
    Proxy::Options options;
    options.observer = running.recorder;
    options.settings_text = "v1";
    options.read_settings = [this](const std::optional<std::string>& given) {
      SettingsSource source{given.value_or(text), running.settings, {}};
      if (source.text == "v2") source.settings.routes[0].split = {{"v1", 0}, {"v2", 100}};
      if (source.text == "only v2") {
        source.settings.pools.erase(source.settings.pools.begin());
        source.settings.routes[0].split = {{"v2", 100}};
      }
      if (source.text == "bad") source.problems = {{"file:1:1", "bad"}};
      return source;
    };
    running.proxy = std::make_unique<Proxy>(running.settings, std::move(options));
    for (const Problem& problem : running.proxy->start()) ADD_FAILURE() << problem.what;
    EXPECT_TRUE(eventually([&] { return running.proxy->status().get()->readiness.ready; }));
  }

  RunningProxy running;
  std::string text = "v1";  ///< set only while nothing reads
};

TEST(ProxyReloadSource, AReaderBringsSettingsAndTheHistoryLeadsBack) {
  ReadingProxy reading;
  Proxy& proxy = *reading.running.proxy;
  EXPECT_EQ(proxy.reload_source().get()->generation, 1U) << "nothing has changed";
  reading.text = "v2";
  EXPECT_TRUE(proxy.reload_source({.dry_run = true}).get()->is_dry_run);
  EXPECT_EQ(reading.running.who_answers(), "v1");
  const auto reloaded = proxy.reload_source().get();
  ASSERT_TRUE(reloaded) << reloaded.error().detail;
  EXPECT_EQ(reading.running.who_answers(), "v2");
  ASSERT_TRUE(proxy.roll_back_settings().get());
  EXPECT_EQ(reading.running.who_answers(), "v1");
  reading.text = "bad";
  EXPECT_EQ(proxy.reload_source().get().error().problems.size(), 1U);
  EXPECT_FALSE(proxy.snapshot().get()->last_reload_ok);
  EXPECT_EQ(reading.running.who_answers(), "v1");
}

TEST(ProxyReloadSource, AnUnconfirmedReloadIsTakenBack) {
  ReadingProxy reading;
  Proxy& proxy = *reading.running.proxy;
  reading.text = "v2";
  ASSERT_TRUE(proxy.reload_source({.confirm = milliseconds(100)}).get());
  EXPECT_TRUE(eventually([&] { return reading.running.who_answers() == "v1"; }));
  EXPECT_EQ(proxy.reload_history().get()->front().why, "confirmation did not come");
  ASSERT_TRUE(proxy.reload_source({.confirm = std::chrono::hours(1)}).get());
  EXPECT_EQ(proxy.reload_source().get().error().status, 409U);
  ASSERT_TRUE(proxy.confirm_reload().get());
  EXPECT_EQ(reading.running.who_answers(), "v2");
}

TEST(ProxyReloadSource, WhatWasChangedAtRunTimeComesBackWithTheSettingsBefore) {
  ReadingProxy reading;
  Proxy& proxy = *reading.running.proxy;
  ASSERT_TRUE(proxy.set_split("all", {{"v2", 100}}).get());
  ASSERT_TRUE(proxy.drain("v1").get());
  reading.text = "only v2";
  const auto reloaded = proxy.reload_source({.confirm = milliseconds(100)}).get();
  ASSERT_TRUE(reloaded) << reloaded.error().detail;
  EXPECT_EQ(reloaded->notices.size(), 2U) << "weights and drain are dropped";
  ASSERT_TRUE(eventually(
      [&] { return proxy.reload_history().get()->front().why == "confirmation did not come"; }));
  EXPECT_EQ(reading.running.who_answers(), "v2") << "the version that ran before";
  EXPECT_EQ(reading.running.backend("v1").drain, DrainState::drained);
  const RouteStatus route = proxy.status().get()->routes.front();
  EXPECT_TRUE(route.overridden);
  EXPECT_EQ(route.since.by, "library");
  EXPECT_EQ(route.revision, 4U) << "no ETag of before matches";
  EXPECT_EQ(reading.running.recorder->count("drain v1 by library"), 2U);
  EXPECT_EQ(proxy.set_split("all", {{"v1", 50}, {"v2", 50}}).get()->revision, 5U);
}

TEST(ProxyReloadSource, AReloadThatEndsARolloutIsNotTakenOnTrial) {
  ReadingProxy reading;
  Proxy& proxy = *reading.running.proxy;
  RolloutOrder order;
  order.to = "v2";
  order.id = "build-42";
  ASSERT_TRUE(proxy.start_rollout("all", order).get());
  reading.text = "only v2";
  const auto refused = proxy.reload_source({.confirm = std::chrono::hours(1)}).get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 409U);
  EXPECT_NE(refused.error().detail.find("build-42"), std::string::npos) << refused.error().detail;
  EXPECT_TRUE(is_active(proxy.rollout("all").get()->state)) << "it goes on";
  EXPECT_TRUE(proxy.reload_source().get()) << "without a way back it is taken";
}

TEST(ProxyReloadSource, AStopForgetsTheConfirmation) {
  ReadingProxy reading;
  reading.text = "v2";
  ASSERT_TRUE(reading.running.proxy->reload_source({.confirm = std::chrono::hours(1)}).get());
  reading.running.proxy->stop();
  reading.running.proxy->wait();
}

}  // namespace
}  // namespace sluice::proxy
