#include <gtest/gtest.h>

#include <algorithm>

#include "tests/proxy/running_proxy.hpp"

namespace sluice::proxy {
namespace {

TEST(ProxyObserver, HearsASplit) {
  RunningProxy running;
  running.start();
  ASSERT_TRUE(running.proxy->set_split("all", {{"v1", 9000}, {"v2", 1000}}).get());
  EXPECT_EQ(
      running.recorder->count("split all v1=1 v2=0 -> v1=90 v2=10 revision 2 why library call"),
      1U);
  EXPECT_EQ(running.recorder->count(
                "audit split of all by library from library: v1=1 v2=0 -> v1=90 v2=10"),
            1U);
}

TEST(ProxyObserver, HearsADrainFromItsBeginningToItsEnd) {
  RunningProxy running;
  running.start();
  Answer<DrainStatus> drained;
  running.proxy->drain("v1", "", std::nullopt, drained.done(), "bob");
  ASSERT_TRUE(drained.get());
  Answer<PoolStatus> back;
  running.proxy->undrain("v1", "", back.done(), "carol");
  ASSERT_TRUE(back.get());
  const auto lines = running.recorder->lines();
  const auto at = [&](const std::string& text) {
    return std::find_if(lines.begin(), lines.end(),
                        [&](const std::string& line) { return line.starts_with(text); }) -
           lines.begin();
  };
  EXPECT_LT(at("drain v1 by bob"), at("drained v1 cut 0"));
  EXPECT_LT(at("drained v1 cut 0"), at("undrain v1 by carol"));
  EXPECT_LT(at("undrain v1 by carol"), static_cast<std::ptrdiff_t>(lines.size()));
  EXPECT_EQ(running.recorder->count("log 2 v1 is drained, 0 cut"), 1U);
  EXPECT_EQ(running.recorder->count("audit drain of v1 by bob from library"), 1U);
}

TEST(ProxyObserver, HearsHealthReadinessAndTheEnd) {
  RunningProxy running;
  running.settings.pools[0].health = quick_health();
  running.start();
  EXPECT_EQ(running.recorder->count("health v1 up"), 1U);
  running.v1.set_healthy(false);
  EXPECT_TRUE(running.recorder->hears("health v1 down"));
  EXPECT_TRUE(running.recorder->hears("log 3 backend " + running.v1.address() +
                                      " of pool v1 is down: status 503"));
  running.proxy->stop();
  running.proxy->wait();
  const auto lines = running.recorder->lines();
  EXPECT_EQ(running.recorder->count("ready"), 2U) << "ready, not ready: draining";
  EXPECT_EQ(lines.back(), "stopped 0");
  EXPECT_EQ(lines[lines.size() - 2], "log 2 stopped");
}

TEST(ProxyObserver, HearsEverythingOnOneThread) {
  RunningProxy running;
  running.start();
  Answer<RouteStatus> split;
  running.proxy->set_split("all", {{"v2", 1}}, split.done());
  ASSERT_TRUE(split.get());
  running.proxy->stop();
  running.proxy->wait();
  EXPECT_EQ(running.recorder->threads(), std::set<std::thread::id>{split.thread()});
}

/// Changes the split when it hears that a backend is down: a program that acts on what it hears.
class Defender : public Observer {
 public:
  void on_health_changed(const HealthChange& change) override {
    if (change.state == HealthState::down) proxy->set_split("all", {{"v2", 1}}, moved.done());
  }
  Proxy* proxy = nullptr;
  Answer<RouteStatus> moved;
};

TEST(ProxyObserver, MayCallTheProxyItObserves) {
  RunningProxy running;
  running.settings.pools[0].health = quick_health();
  const auto defender = std::make_shared<Defender>();
  Proxy::Options options;
  options.observer = defender;
  running.proxy = std::make_unique<Proxy>(running.settings, std::move(options));
  defender->proxy = running.proxy.get();
  ASSERT_TRUE(running.proxy->start().empty());
  running.v1.set_healthy(false);
  ASSERT_TRUE(defender->moved.get());
  EXPECT_EQ(running.who_answers(), "v2");
}

TEST(ProxyObserver, WithoutOneNothingIsPrinted) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  {
    RunningProxy running;
    running.proxy = std::make_unique<Proxy>(running.settings);
    EXPECT_TRUE(running.proxy->start().empty());
    EXPECT_TRUE(running.proxy->drain("v1").get());
    running.proxy->stop();
    running.proxy->wait();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace sluice::proxy
