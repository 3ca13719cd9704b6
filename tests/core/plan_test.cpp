#include "core/plan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::core {
namespace {

Settings two_versions() {
  Settings settings;
  settings.listeners = {{"127.0.0.1:0"}};
  for (const char* name : {"v1", "v2", "v3"}) {
    PoolSettings pool;
    pool.name = name;
    pool.backends = {{std::string("127.0.0.1:") + name[1]}};
    settings.pools.push_back(pool);
  }
  RouteSettings shop;
  shop.name = "shop";
  shop.split = {{"v2", 300}, {"v1", 100}};
  settings.routes = {shop};
  return settings;
}

TEST(BuildPlanTest, SharesKeepTheirOrderAndNameTheirPoolsByIndex) {
  const Plan plan = build_plan(7, two_versions());
  EXPECT_EQ(plan.generation, 7U);
  ASSERT_EQ(plan.splits.size(), 1U);
  const auto& shares = plan.splits[0]->shares();
  ASSERT_EQ(shares.size(), 2U);
  EXPECT_EQ(shares[0].pool, 1U);
  EXPECT_EQ(shares[0].weight, 300U);
  EXPECT_EQ(shares[1].pool, 0U);
  EXPECT_EQ(shares[1].weight, 100U);
}

TEST(BuildPlanTest, AForcedPoolOutsideTheSplitBecomesAShareOfWeightZero) {
  Settings settings = two_versions();
  settings.routes[0].force = {{false, "X-Release", "next", "v3"}, {true, "beta", "1", "v3"}};
  const Plan plan = build_plan(1, settings);
  const auto& shares = plan.splits[0]->shares();
  ASSERT_EQ(shares.size(), 3U) << "one share, however many rules name the pool";
  EXPECT_EQ(shares[2].pool, 2U);
  EXPECT_EQ(shares[2].weight, 0U);
  const auto& rules = plan.topology->routes[0].force;
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[0].share, 2U);
  EXPECT_FALSE(rules[0].cookie);
  EXPECT_EQ(rules[1].share, 2U);
  EXPECT_TRUE(rules[1].cookie);
  EXPECT_EQ(rules[1].name, "beta");
}

TEST(SplitListTest, ACopyKeepsWhatItHadWhenTheOtherChanges) {
  SplitList all;
  const auto split_of = [](Weight weight) {
    return std::make_shared<const Split>(std::vector<Share>{{0, weight}});
  };
  for (Weight weight = 0; weight < 200; ++weight) all.push_back(split_of(weight));
  const SplitList before = all;
  for (const std::size_t route : {0U, 63U, 64U, 199U}) all.put(route, split_of(1000));
  ASSERT_EQ(all.size(), 200U);
  for (std::size_t route = 0; route < 200; ++route) {
    const bool is_changed = route == 0 || route == 63 || route == 64 || route == 199;
    EXPECT_EQ(before[route]->total(), route);
    EXPECT_EQ(all[route]->total(), is_changed ? 1000U : route);
  }
}

TEST(BuildPlanTest, WhatEveryRequestAsksStandsInTheRoute) {
  Settings settings = two_versions();
  settings.routes[0].timeouts.first_byte = std::chrono::milliseconds(1234);
  const auto route_of = [](const Settings& of) { return build_plan(1, of).topology->routes[0]; };
  EXPECT_EQ(route_of(settings).timeouts, settings.routes[0].timeouts);
  EXPECT_FALSE(route_of(settings).steers);
  Settings forced = settings;
  forced.routes[0].force = {{false, "X-Release", "old", "v1"}};
  EXPECT_TRUE(route_of(forced).steers);
  settings.routes[0].sticky.kind = StickyKind::client_ip;
  EXPECT_TRUE(route_of(settings).steers);
}

TEST(BuildPlanTest, AForcedPoolInsideTheSplitKeepsItsShareAndWeight) {
  Settings settings = two_versions();
  settings.routes[0].force = {{false, "X-Release", "old", "v1"}};
  const Plan plan = build_plan(1, settings);
  EXPECT_EQ(plan.splits[0]->shares().size(), 2U);
  EXPECT_EQ(plan.topology->routes[0].force[0].share, 1U);
  EXPECT_EQ(plan.splits[0]->total(), 400U);
}

TEST(BuildPlanTest, RoutesHaveDifferentSaltsThatDoNotChangeFromBuildToBuild) {
  Settings settings = two_versions();
  RouteSettings api = settings.routes[0];
  api.name = "api";
  api.path = "/api";
  settings.routes.push_back(api);
  const Plan one = build_plan(1, settings);
  const Plan two = build_plan(2, settings);
  EXPECT_NE(one.topology->routes[0].salt, one.topology->routes[1].salt);
  EXPECT_EQ(one.topology->routes[0].salt, two.topology->routes[0].salt);
}

TEST(BuildPlanTest, TrustedProxiesAreReadAsNetworks) {
  Settings settings = two_versions();
  settings.server.trusted_proxies = {"10.0.0.0/8", "2001:db8::/32"};
  EXPECT_EQ(build_plan(1, settings).topology->trusted_proxies.size(), 2U);
}

TEST(BuildPlanTest, SettingsWithoutRoutesMakeAnEmptyPlan) {
  const Plan plan = build_plan(0, {});
  EXPECT_TRUE(plan.splits.empty());
  ASSERT_NE(plan.topology, nullptr);
  EXPECT_TRUE(plan.topology->routes.empty());
}

TEST(BuildSplitTest, PoolsLeftOutGetNothingButStay) {
  const Plan plan = build_plan(1, two_versions());
  const auto split = build_split(*plan.topology, 0, {{"v1", 100}});
  ASSERT_EQ(split->shares().size(), 2U);
  EXPECT_EQ(split->shares()[0].weight, 0U);
  EXPECT_EQ(split->shares()[1].weight, 100U);
  EXPECT_EQ(split->total(), 100U);
}

TEST(BuildSplitTest, TheOrderOfTheConfigurationStaysWhateverTheOrderOfTheWeights) {
  const Plan plan = build_plan(1, two_versions());
  const auto split = build_split(*plan.topology, 0, {{"v1", 11}, {"v2", 22}});
  EXPECT_EQ(split->shares()[0].pool, 1U);
  EXPECT_EQ(split->shares()[0].weight, 22U);
  EXPECT_EQ(split->shares()[1].weight, 11U);
}

TEST(PlanIndexTest, NamesAreFoundAndUnknownOnesAreTheSizeOfTheList) {
  const Plan plan = build_plan(1, two_versions());
  EXPECT_EQ(pool_index(*plan.topology, "v1"), 0U);
  EXPECT_EQ(pool_index(*plan.topology, "v3"), 2U);
  EXPECT_EQ(pool_index(*plan.topology, "v4"), 3U);
  EXPECT_EQ(route_index(*plan.topology, "shop"), 0U);
  EXPECT_EQ(route_index(*plan.topology, "Shop"), 1U);
}

}  // namespace
}  // namespace sluice::core
