#include "proxy/live_plan.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/ticket.hpp"
#include "proxy/plan_change.hpp"
#include "tests/proxy/loop.hpp"

namespace sluice::proxy {
namespace {

using std::chrono::minutes;
using testing::Line;
using testing::Loop;

std::shared_ptr<const core::Plan> plan_of(const std::vector<std::string>& v1) {
  Settings settings;
  for (const char* name : {"v1", "v2"}) {
    PoolSettings pool;
    pool.name = name;
    settings.pools.push_back(pool);
  }
  for (const std::string& address : v1) settings.pools[0].backends.push_back({address});
  settings.pools[0].idle_timeout = milliseconds(1234);
  settings.pools[1].backends = {{"127.0.0.1:9101"}};
  RouteSettings shop;
  shop.name = "shop";
  shop.split = {{"v1", 100}, {"v2", 0}};
  settings.routes = {shop};
  return std::make_shared<const core::Plan>(core::build_plan(1, settings));
}

class LivePlanTest : public ::testing::Test {
 protected:
  LocalPtr<LiveTopology> build(const std::vector<std::string>& v1) {
    change(v1, TimePoint::max());
    return in_force_->topology;
  }
  /// Parts that end at `until` each. Returns how many there were.
  std::size_t change(
      const std::vector<std::string>& v1, TimePoint until,
      const std::vector<BackendCondition>& conditions = {},
      const std::function<void()>& between = [] {}) {
    PlanChange change({backends_, tally_, in_force_}, plan_of(v1), conditions);
    std::size_t parts = 1;
    for (; !change.go_on(until); ++parts) between();
    return parts;
  }
  Loop loop_;
  BackendRegistry backends_;
  Tally tally_;
  LocalPtr<LivePlan> in_force_;
};

TEST_F(LivePlanTest, ResolvesPoolsRoutesAndShares) {
  const auto live = build({"127.0.0.1:9001", "127.0.0.1:9002"});
  ASSERT_EQ(live->pools.size(), 2U);
  EXPECT_EQ(live->pools[0]->name, "v1");
  ASSERT_EQ(live->pools[0]->members.size(), 2U);
  EXPECT_EQ(live->pools[0]->members[1]->address, "127.0.0.1:9002");
  EXPECT_EQ(live->pools[0]->members[1]->pool, "v1");
  EXPECT_EQ(live->pools[0]->members[1]->idle_timeout, milliseconds(1234));
  ASSERT_EQ(live->routes.size(), 1U);
  ASSERT_EQ(live->routes[0].shares.size(), 2U);
  EXPECT_EQ(live->routes[0].shares[1].tally, &tally_.route_pool("shop", "v2"));
  EXPECT_EQ(live->routes[0].shares[1].pool, live->pools[1].get());
  EXPECT_TRUE(tally_.route_pools().contains({"shop", ""})) << "what reaches no pool counts there";
  EXPECT_EQ(live->routes[0].tally, &tally_.route("shop"));
}

TEST_F(LivePlanTest, ARouteOfTwoPoolsIsOneCacheLine) {
  const auto live = build({"127.0.0.1:9001"});
  EXPECT_EQ(sizeof(LiveRoute), 64U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(live->routes.data()) % 64, 0U);
}

TEST_F(LivePlanTest, CountersAndBackendsOutliveANewPlan) {
  auto old = build({"127.0.0.1:9001"});
  LiveBackend* const backend = old->pools[0]->members[0].get();
  old->routes[0].shares[0].tally->codes.add(200, 5);
  backend->requests = 5;
  const auto next = build({"127.0.0.1:9001", "127.0.0.1:9002"});
  old = {};
  EXPECT_EQ(next->pools[0]->members[0].get(), backend);
  EXPECT_EQ(backend->requests, 5U);
  next->routes[0].shares[0].tally->codes.add(200);
  EXPECT_EQ(tally_.route_pool("shop", "v1").codes.list()[0].second, 6U);
}

TEST_F(LivePlanTest, ABackendThatIsGoneTakesNothingNewAndDropsItsIdleConnections) {
  auto old = build({"127.0.0.1:9001", "127.0.0.1:9002"});
  const LocalPtr<LiveBackend> gone = old->pools[0]->members[1];
  Line idle(loop_);
  gone->give_idle(std::make_unique<BackendConnection>(gone, std::move(idle.stream)));
  Line unsent(loop_);
  const BackendConnection connecting(gone, std::move(unsent.stream));
  core::Ticket ticket(*gone);
  EXPECT_EQ(gone->idle, 1U);

  const auto next = build({"127.0.0.1:9001"});
  EXPECT_TRUE(gone->gone);
  EXPECT_FALSE(gone->admits());
  EXPECT_EQ(gone->idle, 0U);
  EXPECT_EQ(gone->open, 1U) << "the one in use";
  EXPECT_EQ(gone->in_flight, 1U) << "what is under way goes on";
  EXPECT_FALSE(next->pools[0]->members[0]->gone);
  ticket.finish();
}

TEST_F(LivePlanTest, ABackendThatComesBackIsTheSameOne) {
  auto first = build({"127.0.0.1:9001"});
  LiveBackend* const backend = first->pools[0]->members[0].get();
  backend->requests = 9;
  first = build({});
  EXPECT_TRUE(backend->gone);
  first = build({"127.0.0.1:9001"});
  EXPECT_EQ(first->pools[0]->members[0].get(), backend);
  EXPECT_FALSE(backend->gone);
  EXPECT_EQ(backend->requests, 9U);
}

TEST_F(LivePlanTest, OneAddressInTwoPoolsIsTwoBackends) {
  const auto live = build({"127.0.0.1:9101"});
  EXPECT_NE(live->pools[0]->members[0].get(), live->pools[1]->members[0].get());
  EXPECT_EQ(backends_.find("v1", "127.0.0.1:9101"), live->pools[0]->members[0].get());
  EXPECT_EQ(backends_.find("v2", "127.0.0.1:9101"), live->pools[1]->members[0].get());
  EXPECT_EQ(backends_.find("v3", "127.0.0.1:9101"), nullptr);
}

TEST_F(LivePlanTest, AGoneBackendIsForgottenOnlyWhenQuietAndLateAndUnused) {
  auto live = build({"127.0.0.1:9001"});
  LocalPtr<LiveBackend> held = live->pools[0]->members[0];
  core::Ticket ticket(*held);
  live = build({});
  const TimePoint later = Clock::now() + minutes(6);
  const auto is_known = [&] { return backends_.find("v1", "127.0.0.1:9001") != nullptr; };
  backends_.forget_gone(later, minutes(5));
  EXPECT_TRUE(is_known()) << "a request is under way and somebody holds it";
  ticket.finish();
  backends_.forget_gone(later, minutes(5));
  EXPECT_TRUE(is_known()) << "somebody holds it";
  held = {};
  backends_.forget_gone(Clock::now() + minutes(4), minutes(5));
  EXPECT_TRUE(is_known()) << "too early";
  backends_.forget_gone(later, minutes(5));
  EXPECT_FALSE(is_known());
  EXPECT_NE(backends_.find("v2", "127.0.0.1:9101"), nullptr) << "those in the plan stay";
}

TEST_F(LivePlanTest, GoneBackendsAreForgottenAFewAtATimeAndNotThoseThatCameBack) {
  std::vector<std::string> many;
  for (int port = 1; port <= 100; ++port) many.push_back("127.0.0.1:" + std::to_string(port));
  build(many);
  build({});
  build({"127.0.0.1:7"});
  const TimePoint later = Clock::now() + minutes(6);
  backends_.forget_gone(later, minutes(5));
  EXPECT_GT(backends_.all().size(), 50U) << "a worker serves nobody meanwhile";
  for (int round = 0; round < 100; ++round) backends_.forget_gone(later, minutes(5));
  EXPECT_EQ(backends_.all().size(), 2U);
  ASSERT_NE(backends_.find("v1", "127.0.0.1:7"), nullptr);
  build({});
  for (int round = 0; round < 100; ++round) backends_.forget_gone(later, minutes(5));
  EXPECT_EQ(backends_.find("v1", "127.0.0.1:7"), nullptr) << "it has gone once more";
}

TEST_F(LivePlanTest, AChangeInPartsIsNotSeenBeforeAllOfItIsThere) {
  const auto old = build({"127.0.0.1:9001", "127.0.0.1:9002"});
  const LocalPtr<LiveBackend> gone = old->pools[0]->members[1];
  const std::vector<BackendCondition> conditions{{"v1", "127.0.0.1:9001", true, true, {}},
                                                 {"v1", "127.0.0.1:9003", false, false, {}}};
  bool was_old = true;
  const std::size_t parts =
      change({"127.0.0.1:9001", "127.0.0.1:9003"}, TimePoint::min(), conditions, [&] {
        const LiveTopology& seen = *in_force_->topology;
        ASSERT_EQ(seen.pools.size(), 2U);
        ASSERT_EQ(seen.routes.size(), 1U);
        const bool is_old = &seen == old.get();
        EXPECT_TRUE(was_old || !is_old) << "it came back";
        was_old = is_old;
        if (is_old) {
          EXPECT_FALSE(gone->gone) << "requests are still given to it";
        }
        // Whom a part has told that it drains gets nothing more.
        const LiveBackend& drains = *seen.pools[0]->members[0];
        if (drains.draining) {
          EXPECT_FALSE(seen.pools[0]->balancer.can_serve());
        }
      });
  EXPECT_GT(parts, 8U) << "one part for each member, condition, pool, route and retirement";
  EXPECT_FALSE(was_old);
  EXPECT_TRUE(gone->gone);
  const LivePool& pool = *in_force_->topology->pools[0];
  EXPECT_TRUE(pool.members[0]->draining);
  EXPECT_FALSE(pool.members[1]->up);
  EXPECT_FALSE(pool.balancer.can_serve());
  EXPECT_EQ(in_force_->topology->pools[1].get(), old->pools[1].get()) << "as it was";
}

/// Regression: the route had nobody to go to until the plan that moves it was in force.
TEST_F(LivePlanTest, APoolThatDrainsServesUntilThePlanThatMovesTheTrafficIsInForce) {
  const auto old = build({"127.0.0.1:9001"});
  const std::vector<BackendCondition> conditions{{"v1", "127.0.0.1:9001", true, true, {}},
                                                 {"v1", "127.0.0.1:9003", true, true, {}}};
  bool was_old = false;
  change({"127.0.0.1:9001", "127.0.0.1:9003"}, TimePoint::min(), conditions, [&] {
    if (in_force_->topology.get() != old.get()) return;
    was_old = true;
    EXPECT_TRUE(old->pools[0]->balancer.can_serve());
  });
  EXPECT_TRUE(was_old);
  EXPECT_FALSE(in_force_->topology->pools[0]->balancer.can_serve());
}

TEST_F(LivePlanTest, ABackendThatIsNewIsInNoBalancerBeforeItsConditionIsKnown) {
  build({"127.0.0.1:9001"});
  const std::vector<BackendCondition> conditions{{"v1", "127.0.0.1:9003", false, false, {}}};
  change({"127.0.0.1:9003"}, TimePoint::min(), conditions, [&] {
    const LivePool& pool = *in_force_->topology->pools[0];
    if (pool.members[0]->address == "127.0.0.1:9003") {
      EXPECT_FALSE(pool.balancer.can_serve());
    }
  });
  EXPECT_FALSE(in_force_->topology->pools[0]->balancer.can_serve());
}

TEST_F(LivePlanTest, APoolThatIsRemovedRetiresAllOfItsBackends) {
  const auto old = build({"127.0.0.1:9001"});
  auto plan = std::make_shared<core::Plan>();
  Settings settings;
  settings.pools.resize(1);
  settings.pools[0].name = "v3";
  settings.pools[0].backends = {{"127.0.0.1:9001"}};
  plan->topology = std::make_shared<const core::Topology>(settings);
  EXPECT_TRUE(PlanChange({backends_, tally_, in_force_}, plan, {}).go_on(TimePoint::max()));
  EXPECT_TRUE(backends_.find("v1", "127.0.0.1:9001")->gone);
  EXPECT_TRUE(backends_.find("v2", "127.0.0.1:9101")->gone);
  EXPECT_FALSE(backends_.find("v3", "127.0.0.1:9001")->gone);
}

TEST_F(LivePlanTest, ConditionsAloneLeaveThePlan) {
  const auto live = build({"127.0.0.1:9001"});
  const std::vector<BackendCondition> conditions{{"v1", "127.0.0.1:9001", true, true, {}},
                                                 {"v7", "127.0.0.1:9001", true, true, {}}};
  EXPECT_TRUE(
      PlanChange({backends_, tally_, in_force_}, nullptr, conditions).go_on(TimePoint::max()));
  EXPECT_EQ(in_force_->topology.get(), live.get());
  EXPECT_FALSE(live->pools[0]->balancer.can_serve());
}

}  // namespace
}  // namespace sluice::proxy
