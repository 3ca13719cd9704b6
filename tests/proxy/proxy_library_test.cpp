#include <gtest/gtest.h>

#include "tests/proxy/running_proxy.hpp"

namespace sluice::proxy {
namespace {

using support::eventually;

TEST(ProxyLibrary, ASplitIsInForceWhenItsCompletionIsCalled) {
  RunningProxy running;
  running.start();
  EXPECT_EQ(running.who_answers(), "v1");
  Answer<RouteStatus> answer;
  running.proxy->set_split("all", {{"v2", 100}}, answer.done(), "alice");
  ASSERT_TRUE(answer.get());
  EXPECT_EQ(answer.get()->revision, 2U);
  EXPECT_EQ(answer.get()->since.by, "alice");
  EXPECT_TRUE(answer.get()->overridden);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(running.who_answers(), "v2");
}

TEST(ProxyLibrary, WhatCannotBeIsDeniedWithASentence) {
  RunningProxy running;
  running.start();
  const auto no_route = running.proxy->set_split("shop", {{"v1", 1}}).get();
  ASSERT_FALSE(no_route);
  EXPECT_EQ(no_route.error().status, 404U);
  EXPECT_NE(no_route.error().detail.find("shop"), std::string::npos);
  const auto no_weight = running.proxy->set_split("all", {}).get();
  ASSERT_FALSE(no_weight);
  EXPECT_EQ(no_weight.error().status, 422U);
  EXPECT_EQ(running.proxy->drain("v3").get().error().status, 404U);
  EXPECT_EQ(running.proxy->drain("v1", "127.0.0.1:1").get().error().status, 404U);
  EXPECT_EQ(running.proxy->undrain("v3").get().error().status, 404U);
  EXPECT_EQ(running.proxy->set_backends("v3", {}).get().error().status, 404U);
  EXPECT_EQ(running.proxy->status().get()->generation, 1U) << "nothing has changed";
}

TEST(ProxyLibrary, ADrainEndsWithTheLastRequest) {
  const auto latch = std::make_shared<Latch>();
  RunningProxy running(support::answers_after(latch));
  running.start();
  RawClient client(running.address());
  client.send(support::request_text("GET", "/"));
  ASSERT_TRUE(running.v1.wait_for_requests(1));
  Answer<DrainStatus> drained;
  running.proxy->drain("v1", "", std::nullopt, drained.done());
  EXPECT_EQ(running.backend("v1").drain, DrainState::draining) << "calls are carried out in order";
  EXPECT_EQ(running.backend("v1").in_flight, 1U);
  EXPECT_EQ(running.who_answers(), "503") << "v2 has weight 0";
  EXPECT_FALSE(drained.has_come());
  latch->release();
  EXPECT_EQ(client.response().status, 200U);
  ASSERT_TRUE(drained.get());
  EXPECT_EQ(drained.get()->state, DrainState::drained);
  EXPECT_EQ(drained.get()->cut, 0U);
  EXPECT_FALSE(drained.get()->deadline_passed);
}

TEST(ProxyLibrary, ADrainCutsAtItsDeadline) {
  RunningProxy running(support::answers_after(std::make_shared<Latch>()));
  running.start();
  RawClient client(running.address());
  client.send(support::request_text("GET", "/"));
  ASSERT_TRUE(running.v1.wait_for_requests(1));
  const auto drained = running.proxy->drain("v1", running.v1.address(), milliseconds(20)).get();
  ASSERT_TRUE(drained);
  EXPECT_TRUE(drained->deadline_passed);
  EXPECT_EQ(drained->cut, 1U);
  running.v1.stop();
}

TEST(ProxyLibrary, AnUndrainEndsTheDrainAndLetsTrafficIn) {
  const auto latch = std::make_shared<Latch>();
  RunningProxy running(support::answers_after(latch));
  running.start();
  RawClient client(running.address());
  client.send(support::request_text("GET", "/"));
  ASSERT_TRUE(running.v1.wait_for_requests(1));
  Answer<DrainStatus> drained;
  running.proxy->drain("v1", "", std::nullopt, drained.done());
  const auto pool = running.proxy->undrain("v1").get();
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->backends.front().drain, DrainState::none);
  ASSERT_TRUE(drained.get());
  EXPECT_EQ(drained.get()->state, DrainState::none);
  latch->release();
  EXPECT_EQ(client.response().status, 200U);
  EXPECT_EQ(running.who_answers(), "v1");
}

TEST(ProxyLibrary, ACompletionMayGoOnWithTheNextCall) {
  RunningProxy running;
  running.start();
  Answer<Status> end;
  Answer<RouteStatus> first;
  Proxy& proxy = *running.proxy;
  proxy.set_split("all", {{"v2", 1}}, [&, done = first.done()](Outcome<RouteStatus> split) {
    proxy.drain("v1", "", std::nullopt, [&](const auto&) { proxy.status(end.done()); });
    done(std::move(split));
  });
  ASSERT_TRUE(end.get());
  EXPECT_EQ(end.get()->pools.front().backends.front().drain, DrainState::drained);
  EXPECT_EQ(end.thread(), first.thread()) << "both came on the control thread";
  EXPECT_NE(end.thread(), std::this_thread::get_id());
}

TEST(ProxyLibrary, ANewMembershipTakesTraffic) {
  RunningProxy running;
  running.start();
  const auto pool = running.proxy->set_backends("v1", {{running.v2.address()}}).get();
  ASSERT_TRUE(pool);
  EXPECT_TRUE(pool->overridden);
  EXPECT_EQ(running.who_answers(), "v2");
}

TEST(ProxyLibrary, StatusAndSnapshotTellWhatHappened) {
  RunningProxy running;
  running.start();
  EXPECT_EQ(running.who_answers(), "v1");
  const auto status = running.proxy->status().get();
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->readiness.ready);
  EXPECT_EQ(status->workers, 2U);
  EXPECT_EQ(status->routes.front().name, "all");
  EXPECT_TRUE(eventually([&] { return running.requests("all", "v1") == 1; }));
}

TEST(ProxyLibrary, CallsMadeBeforeTheStartWaitForIt) {
  RunningProxy running;
  running.proxy = std::make_unique<Proxy>(running.settings);
  Answer<RouteStatus> split;
  running.proxy->set_split("all", {{"v2", 1}}, split.done());
  EXPECT_FALSE(split.has_come());
  ASSERT_TRUE(running.proxy->start().empty());
  ASSERT_TRUE(split.get());
  EXPECT_EQ(running.who_answers(), "v2");
  EXPECT_FALSE(running.proxy->start().empty()) << "it starts once";
}

TEST(ProxyLibrary, AProxyThatNeverStartsAnswersInItsDestructor) {
  Answer<Status> status;
  {
    Proxy proxy(quiet_settings());
    proxy.status(status.done());
    proxy.stop();
    EXPECT_EQ(proxy.wait(), 0U);
  }
  ASSERT_FALSE(status.get());
  EXPECT_EQ(status.get().error().status, 503U);
}

TEST(ProxyLibrary, AStartThatFailsLeavesNothingBehind) {
  RunningProxy running;
  running.start();
  const std::string taken = running.address();
  Settings settings = running.settings;
  running.proxy.reset();
  settings.listeners = {{taken}};
  settings.log.access = "/nonexistent/folder/log";
  Proxy failing(settings);
  const auto problems = failing.start();
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems.front().where, "log.access");
  settings.log.access = "off";
  Proxy second(settings);
  EXPECT_TRUE(second.start().empty()) << "the address is free again";
}

TEST(ProxyLibrary, AStopAnswersWhoeverStillWaits) {
  RunningProxy running(support::answers_after(std::make_shared<Latch>()));
  running.start();
  RawClient client(running.address());
  client.send(support::request_text("GET", "/"));
  ASSERT_TRUE(running.v1.wait_for_requests(1));
  Answer<DrainStatus> drained;
  running.proxy->drain("v1", "", std::nullopt, drained.done());
  running.proxy->stop_now();
  EXPECT_EQ(running.proxy->wait(), 1U);
  EXPECT_TRUE(drained.has_come()) << "before wait() returns";
  ASSERT_FALSE(drained.get());
  EXPECT_EQ(drained.get().error().status, 503U);
  running.v1.stop();
}

TEST(ProxyLibrary, CallsAfterTheEndAreDenied) {
  RunningProxy running;
  running.start();
  running.proxy->stop();
  running.proxy->wait();
  const auto status = running.proxy->status().get();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().status, 503U);
  EXPECT_EQ(running.proxy->set_split("all", {{"v1", 1}}).get().error().status, 503U);
  EXPECT_EQ(running.reload(running.settings).error().status, 503U);
}

TEST(ProxyLibrary, AGracefulStopStillTakesCalls) {
  const auto latch = std::make_shared<Latch>();
  RunningProxy running(support::answers_after(latch));
  running.start();
  RawClient client(running.address());
  client.send(support::request_text("GET", "/"));
  ASSERT_TRUE(running.v1.wait_for_requests(1));
  running.proxy->stop();
  const auto status = running.proxy->status().get();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->readiness.reason, "draining");
  EXPECT_EQ(running.reload(running.settings).error().status, 409U);
  latch->release();
  EXPECT_EQ(client.response().status, 200U);
  EXPECT_EQ(running.proxy->wait(), 0U);
}

}  // namespace
}  // namespace sluice::proxy
