#include "proxy/live_plan.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/ticket.hpp"
#include "tests/proxy/loop.hpp"

namespace sluice::proxy {
namespace {

using std::chrono::minutes;
using testing::Line;
using testing::Loop;

std::shared_ptr<const core::Topology> topology_of(const std::vector<std::string>& v1) {
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
  return std::make_shared<const core::Topology>(settings);
}

class LivePlanTest : public ::testing::Test {
 protected:
  LocalPtr<LiveTopology> build(const std::vector<std::string>& v1) {
    auto live = build_live_topology(topology_of(v1), backends_, tally_, in_force_.get());
    if (in_force_) backends_.retire(*in_force_, *live);
    in_force_ = live;
    return live;
  }
  Loop loop_;
  BackendRegistry backends_;
  Tally tally_;
  LocalPtr<LiveTopology> in_force_;
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
  EXPECT_EQ(live->routes[0].shares[1], &tally_.route_pool("shop", "v2"));
  EXPECT_EQ(live->routes[0].unserved, &tally_.route_pool("shop", ""));
  EXPECT_EQ(live->routes[0].tally, &tally_.route("shop"));
}

TEST_F(LivePlanTest, CountersAndBackendsOutliveANewPlan) {
  auto old = build({"127.0.0.1:9001"});
  LiveBackend* const backend = old->pools[0]->members[0].get();
  old->routes[0].shares[0]->count_code(200, 5);
  backend->requests = 5;
  const auto next = build({"127.0.0.1:9001", "127.0.0.1:9002"});
  old = {};
  EXPECT_EQ(next->pools[0]->members[0].get(), backend);
  EXPECT_EQ(backend->requests, 5U);
  next->routes[0].shares[0]->count_code(200);
  EXPECT_EQ(tally_.route_pool("shop", "v1").codes[0].second, 6U);
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

}  // namespace
}  // namespace sluice::proxy
