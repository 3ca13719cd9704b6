#include "core/overrides.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace sluice::core {
namespace {

Settings configured() {
  Settings settings;
  for (const char* name : {"v1", "v2"}) {
    PoolSettings& pool = settings.pools.emplace_back();
    pool.name = name;
    pool.backends = {{"127.0.0.1:9001"}, {"127.0.0.1:9002", 200}};
  }
  for (const char* name : {"shop", "blog"}) {
    RouteSettings& route = settings.routes.emplace_back();
    route.name = name;
    route.path = std::string("/") + name;
    route.split = {{"v1", 10'000}, {"v2", 0}};
  }
  return settings;
}

SplitOverride split_override() {
  return {.route = "shop",
          .configured = {{"v1", 10'000}, {"v2", 0}},
          .weights = {{"v1", 9'000}, {"v2", 1'000}},
          .revision = 7,
          .origin = {"anna", 1'700'000'000'000}};
}

MembershipOverride membership_override() {
  return {.pool = "v1",
          .configured = configured().pools[0].backends,
          .backends = {{"127.0.0.1:9002", 200}, {"127.0.0.1:9003"}},
          .origin = {"anna", 5}};
}

/// Expects that `saved` is dropped with one notice that holds `reason`, and changes nothing.
void expect_dropped(const Settings& settings, const Overrides& saved, const std::string& reason) {
  const Effective effective = lay_over(settings, saved);
  EXPECT_EQ(effective.settings, settings);
  EXPECT_EQ(effective.kept, Overrides{});
  ASSERT_EQ(effective.notices.size(), 1U);
  EXPECT_NE(effective.notices[0].find(reason), std::string::npos) << effective.notices[0];
  EXPECT_TRUE(effective.notices[0].ends_with('.')) << effective.notices[0];
}

TEST(LayOverTest, WithoutOverridesNothingChanges) {
  const Effective effective = lay_over(configured(), {});
  EXPECT_EQ(effective.settings, configured());
  EXPECT_EQ(effective.kept, Overrides{});
  EXPECT_TRUE(effective.notices.empty());
}

TEST(LayOverSplitTest, WeightsSetAtRunTimeHoldOverARestart) {
  const Overrides saved{.splits = {split_override()}, .drains = {}, .memberships = {}};
  const Effective effective = lay_over(configured(), saved);
  EXPECT_EQ(effective.settings.routes[0].split, split_override().weights);
  EXPECT_EQ(effective.settings.routes[1], configured().routes[1]);
  EXPECT_EQ(effective.kept, saved);
  EXPECT_TRUE(effective.notices.empty());
}

TEST(LayOverSplitTest, WeightsThatAreWrittenIntoTheFileTakeNothingBack) {
  const SplitOverride change = split_override();
  Settings settings = configured();
  settings.routes[0].split = {{"v1", 900}, {"v2", 100}};
  const Effective effective = lay_over(settings, {{change}, {}, {}});
  EXPECT_TRUE(effective.notices.empty());
  ASSERT_EQ(effective.kept.splits.size(), 1U);
  EXPECT_EQ(effective.kept.splits[0].configured, settings.routes[0].split) << "the new word";
  EXPECT_EQ(effective.kept.splits[0].weights, change.weights);
  EXPECT_EQ(effective.settings.routes[0].split, change.weights);
  settings.routes[0].split = {{"v1", 900}, {"v2", 101}};
  EXPECT_EQ(lay_over(settings, {{change}, {}, {}}).kept.splits.size(), 0U);
}

TEST(LayOverSplitTest, TheOrderOfTheConfigurationStays) {
  SplitOverride change = split_override();
  change.configured = {{"v2", 0}, {"v1", 10'000}};
  change.weights = {{"v2", 1'000}, {"v1", 9'000}};
  const Effective effective = lay_over(configured(), {{change}, {}, {}});
  EXPECT_EQ(effective.settings.routes[0].split, split_override().weights);
  EXPECT_EQ(effective.kept.splits, std::vector{change});
}

TEST(LayOverSplitTest, PoolsLeftOutGetNothing) {
  SplitOverride change = split_override();
  change.weights = {{"v2", 100}};
  const Effective effective = lay_over(configured(), {{change}, {}, {}});
  EXPECT_EQ(effective.settings.routes[0].split,
            (std::vector<ShareSettings>{{"v1", 0}, {"v2", 100}}));
}

// Pitfall P15: a state file must not silently beat a changed configuration.
TEST(LayOverSplitTest, AChangedConfigurationWins) {
  Settings settings = configured();
  settings.routes[0].split[1].weight = 500;
  expect_dropped(settings, {{split_override()}, {}, {}}, "has changed since, and it wins");
}

TEST(LayOverSplitTest, AnAddedPoolIsAChangeOfTheConfiguration) {
  Settings settings = configured();
  settings.pools.emplace_back().name = "v3";
  settings.routes[0].split.push_back({"v3", 0});
  expect_dropped(settings, {{split_override()}, {}, {}}, "has changed since");
}

TEST(LayOverSplitTest, AnOtherwiseChangedRouteKeepsItsWeights) {
  Settings settings = configured();
  settings.routes[0].host = "shop.example.com";
  settings.routes[0].sticky = {StickyKind::client_ip, ""};
  const Effective effective = lay_over(settings, {{split_override()}, {}, {}});
  EXPECT_EQ(effective.settings.routes[0].split, split_override().weights);
  EXPECT_EQ(effective.settings.routes[0].host, "shop.example.com");
}

TEST(LayOverSplitTest, IsDroppedWithItsRoute) {
  Settings settings = configured();
  settings.routes.erase(settings.routes.begin());
  expect_dropped(settings, {{split_override()}, {}, {}},
                 "route.shop by \"anna\" were dropped: the route is no longer configured");
}

TEST(LayOverSplitTest, IsDroppedWhenItCannotBeUsed) {
  for (const std::vector<ShareSettings>& weights : {std::vector<ShareSettings>{},
                                                    {{"v1", 0}, {"v2", 0}},
                                                    {{"v1", 1}, {"v3", 1}},
                                                    {{"v1", 1}, {"v1", 1}},
                                                    {{"v1", weight_max + 1}}}) {
    SplitOverride change = split_override();
    change.weights = weights;
    expect_dropped(configured(), {{change}, {}, {}}, "cannot be used");
  }
}

TEST(LayOverSplitTest, OneThatIsDroppedLeavesTheOthers) {
  SplitOverride blog = split_override();
  blog.route = "blog";
  Settings settings = configured();
  settings.routes[0].split[0].weight = 1;
  const Effective effective = lay_over(settings, {{split_override(), blog}, {}, {}});
  EXPECT_EQ(effective.settings.routes[0].split, settings.routes[0].split);
  EXPECT_EQ(effective.settings.routes[1].split, blog.weights);
  EXPECT_EQ(effective.kept.splits, std::vector{blog});
  EXPECT_EQ(effective.notices.size(), 1U);
}

TEST(LayOverSplitTest, OfTwoForOneRouteTheLaterHolds) {
  SplitOverride later = split_override();
  later.weights = {{"v1", 1}, {"v2", 3}};
  const Effective effective = lay_over(configured(), {{split_override(), later}, {}, {}});
  EXPECT_EQ(effective.settings.routes[0].split, later.weights);
  EXPECT_EQ(effective.kept.splits, std::vector{later});
}

TEST(LayOverMembershipTest, BackendsSetAtRunTimeHoldOverARestart) {
  const Overrides saved{.splits = {}, .drains = {}, .memberships = {membership_override()}};
  const Effective effective = lay_over(configured(), saved);
  EXPECT_EQ(effective.settings.pools[0].backends, membership_override().backends);
  EXPECT_EQ(effective.settings.pools[1], configured().pools[1]);
  EXPECT_EQ(effective.kept, saved);
  EXPECT_TRUE(effective.notices.empty());
}

TEST(LayOverMembershipTest, AnEmptyPoolMayBeFilledAndEmptied) {
  MembershipOverride change = membership_override();
  change.backends.clear();
  EXPECT_TRUE(lay_over(configured(), {{}, {}, {change}}).settings.pools[0].backends.empty());
}

TEST(LayOverMembershipTest, AChangedConfigurationWins) {
  Settings settings = configured();
  settings.pools[0].backends.push_back({"127.0.0.1:9009"});
  expect_dropped(settings, {{}, {}, {membership_override()}}, "they win");
  settings = configured();
  settings.pools[0].backends[0].weight = 50;
  expect_dropped(settings, {{}, {}, {membership_override()}}, "they win");
}

TEST(LayOverMembershipTest, IsDroppedWithItsPool) {
  MembershipOverride change = membership_override();
  change.pool = "v0";
  expect_dropped(configured(), {{}, {}, {change}}, "the pool is no longer configured");
}

TEST(LayOverMembershipTest, IsDroppedWhenItCannotBeUsed) {
  MembershipOverride change = membership_override();
  change.backends = {{"nonsense"}};
  expect_dropped(configured(), {{}, {}, {change}}, "cannot be used");
}

// Pitfall P15: drains survive a restart.
TEST(LayOverDrainTest, DrainsOfPoolsAndBackendsHoldOverARestart) {
  const Overrides saved{
      .splits = {}, .drains = {{"v1", "", {}}, {"v2", "127.0.0.1:9002", {}}}, .memberships = {}};
  const Effective effective = lay_over(configured(), saved);
  EXPECT_EQ(effective.kept, saved);
  EXPECT_EQ(effective.settings, configured());
  EXPECT_TRUE(effective.notices.empty());
}

TEST(LayOverDrainTest, IsDroppedWithItsPoolOrBackend) {
  expect_dropped(configured(), {{}, {{"v0", "", {}}}, {}}, "The drain of pool.v0 was dropped");
  expect_dropped(configured(), {{}, {{"v1", "127.0.0.1:1", {"bob", 0}}}, {}},
                 "The drain of backend \"127.0.0.1:1\" of pool.v1 by \"bob\" was dropped");
}

TEST(LayOverDrainTest, LooksAtTheBackendsInForce) {
  const DrainOverride added{"v1", "127.0.0.1:9003", {}};
  const DrainOverride removed{"v1", "127.0.0.1:9001", {}};
  const Effective effective =
      lay_over(configured(), {{}, {added, removed}, {membership_override()}});
  EXPECT_EQ(effective.kept.drains, std::vector{added});
  EXPECT_EQ(effective.notices.size(), 1U);
}

TEST(LayOverDrainTest, KeepsItsDeadline) {
  const DrainOverride drain{"v1", "", {"bob", 5}, 1'714'564'800'001};
  const Effective effective = lay_over(configured(), {{}, {drain}, {}});
  EXPECT_EQ(effective.kept.drains, std::vector{drain});
}

TEST(DrainDeadlineTest, IsAMomentThatComesNearer) {
  constexpr std::int64_t now = 1'714'564'800'000;
  DrainOverride drain{"v1", "", {}};
  EXPECT_EQ(time_left(drain, now), std::nullopt);
  drain.deadline_ms = moment_after(milliseconds(30'000), now);
  EXPECT_EQ(time_left(drain, now), milliseconds(30'000));
  EXPECT_EQ(time_left(drain, now + 29'999), milliseconds(1));
  EXPECT_EQ(time_left(drain, now + 30'000), milliseconds(0));
  EXPECT_EQ(time_left(drain, now + 90'000), milliseconds(0));
}

TEST(DrainDeadlineTest, NoDamagedMomentOverflows) {
  constexpr std::int64_t now = 1'714'564'800'000;
  DrainOverride drain{"v1", "", {}, std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(time_left(drain, now), longest_deadline);
  drain.deadline_ms = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(time_left(drain, now), milliseconds(0));
  EXPECT_EQ(moment_after(milliseconds::max(), now), now + longest_deadline.count());
  EXPECT_EQ(moment_after(milliseconds(-5), now), now);
}

TEST(LayOverTest, LayingOverWhatWasKeptChangesNothing) {
  Overrides saved{.splits = {split_override()},
                  .drains = {{"v1", "127.0.0.1:9003", {}}, {"gone", "", {}}},
                  .memberships = {membership_override()}};
  const Effective once = lay_over(configured(), saved);
  const Effective twice = lay_over(configured(), once.kept);
  EXPECT_EQ(twice.settings, once.settings);
  EXPECT_EQ(twice.kept, once.kept);
  EXPECT_TRUE(twice.notices.empty());
}

}  // namespace
}  // namespace sluice::core
