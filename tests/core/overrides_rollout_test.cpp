#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/overrides.hpp"

namespace sluice::core {
namespace {

Settings rollout_settings() {
  Settings settings;
  for (const char* name : {"v1", "v2", "v3"}) settings.pools.emplace_back().name = name;
  for (const char* name : {"shop", "blog"}) {
    RouteSettings& route = settings.routes.emplace_back();
    route.name = name;
    route.path = std::string("/") + name;
    route.split = {{"v1", 10'000}, {"v2", 0}};
  }
  return settings;
}

RolloutRecord rollout(RolloutState state = RolloutState::stepping) {
  RolloutRecord record;
  record.route = "shop";
  record.id = "build-42";
  record.from = "v1";
  record.to = "v2";
  record.state = state;
  record.step = 2;
  record.weight = 500;
  return record;
}

SplitOverride weights_of(const RolloutRecord& record) {
  return {.route = record.route,
          .configured = {{"v1", 10'000}, {"v2", 0}},
          .weights = {{"v1", 10'000 - record.weight}, {"v2", record.weight}},
          .revision = 7,
          .origin = {"rollout", 5}};
}

/// A rollout and the weights that it has set.
Overrides saved_with(const RolloutRecord& record) {
  Overrides saved;
  saved.splits = {weights_of(record)};
  saved.rollouts = {record};
  return saved;
}

/// The notices that are about a rollout.
std::vector<std::string> rollout_notices(const Effective& effective) {
  std::vector<std::string> notices;
  for (const std::string& notice : effective.notices) {
    if (notice.starts_with("The rollout ")) notices.push_back(notice);
  }
  return notices;
}

/// Expects that the one rollout is dropped with the notice "... has ended: `reason`", and that
/// what is configured is in force.
void expect_ended(const Settings& settings, const Overrides& saved, const std::string& reason) {
  const Effective effective = lay_over(settings, saved);
  EXPECT_EQ(effective.kept, Overrides{});
  EXPECT_EQ(effective.settings, settings);
  EXPECT_EQ(rollout_notices(effective),
            std::vector<std::string>{"The rollout \"build-42\" of pool." + saved.rollouts[0].to +
                                     " on route.shop was dropped and has ended: " + reason});
}

const std::vector<RolloutState> states_under_way = {
    RolloutState::staged,   RolloutState::mirroring, RolloutState::stepping,
    RolloutState::holding,  RolloutState::paused,    RolloutState::baking,
    RolloutState::promoted, RolloutState::draining,  RolloutState::rolling_back};
const std::vector<RolloutState> states_at_the_end = {RolloutState::done, RolloutState::rolled_back};

TEST(LayOverRolloutTest, OneUnderWayGoesOnWithItsWeights) {
  for (const RolloutState state : states_under_way) {
    const Overrides saved = saved_with(rollout(state));
    const Effective effective = lay_over(rollout_settings(), saved);
    EXPECT_EQ(effective.kept, saved) << to_string(state);
    EXPECT_EQ(effective.settings.routes[0].split, saved.splits[0].weights);
    EXPECT_TRUE(effective.notices.empty());
  }
}

TEST(LayOverRolloutTest, OneThatHasSetNoWeightsYetGoesOn) {
  Overrides saved;
  saved.rollouts = {rollout(RolloutState::staged)};
  const Effective effective = lay_over(rollout_settings(), saved);
  EXPECT_EQ(effective.kept, saved);
  EXPECT_TRUE(effective.notices.empty());
}

TEST(LayOverRolloutTest, HistoryStaysInItsOrder) {
  Overrides saved = saved_with(rollout());
  RolloutRecord first = rollout(RolloutState::rolled_back);
  RolloutRecord second = rollout(RolloutState::done);
  first.id = "build-40";
  second.id = "build-41";
  saved.rollouts = {first, second, rollout()};
  EXPECT_EQ(lay_over(rollout_settings(), saved).kept.rollouts, saved.rollouts);
}

TEST(LayOverRolloutTest, OneUnderWayEndsWithItsRoute) {
  Settings settings = rollout_settings();
  settings.routes.erase(settings.routes.begin());
  for (const RolloutState state : states_under_way) {
    expect_ended(settings, saved_with(rollout(state)), "the route is no longer configured.");
  }
}

TEST(LayOverRolloutTest, HistoryIsForgottenSilentlyWithItsRoute) {
  Settings settings = rollout_settings();
  settings.routes.erase(settings.routes.begin());
  for (const RolloutState state : states_at_the_end) {
    Overrides saved;
    saved.rollouts = {rollout(state)};
    const Effective effective = lay_over(settings, saved);
    EXPECT_TRUE(effective.kept.rollouts.empty()) << to_string(state);
    EXPECT_TRUE(effective.notices.empty());
  }
}

TEST(LayOverRolloutTest, OneUnderWayEndsWithEitherPool) {
  Settings without_new = rollout_settings();
  without_new.pools.erase(without_new.pools.begin() + 1);
  for (RouteSettings& route : without_new.routes) route.split = {{"v1", 10'000}};
  expect_ended(without_new, saved_with(rollout()), "pool.v2 is no longer configured.");

  Settings without_old = rollout_settings();
  without_old.pools.erase(without_old.pools.begin());
  for (RouteSettings& route : without_old.routes) route.split = {{"v2", 10'000}};
  expect_ended(without_old, saved_with(rollout()), "pool.v1 is no longer configured.");
}

TEST(LayOverRolloutTest, OneUnderWayEndsWhenItsPoolLeavesTheSplit) {
  Settings settings = rollout_settings();
  settings.routes[0].split = {{"v1", 10'000}, {"v3", 0}};
  expect_ended(settings, saved_with(rollout()), "pool.v2 is no longer in the split of the route.");
}

TEST(LayOverRolloutTest, OneWithAPoolThatNeverWasInTheSplitTakesItsWeightsAlong) {
  Overrides saved = saved_with(rollout());
  saved.rollouts[0].to = "v3";
  expect_ended(rollout_settings(), saved, "pool.v3 is no longer in the split of the route.");
}

// Pitfall P15: a state file must not silently beat a changed configuration.
TEST(LayOverRolloutTest, OneUnderWayEndsWhenTheConfiguredSplitChanges) {
  Settings settings = rollout_settings();
  settings.routes[0].split = {{"v1", 5'000}, {"v2", 5'000}};
  for (const RolloutState state : states_under_way) {
    expect_ended(settings, saved_with(rollout(state)),
                 "its weights hold no longer, and the configured split wins.");
  }
}

TEST(LayOverRolloutTest, OneUnderWayEndsWhenItsWeightsCannotBeUsed) {
  Overrides saved = saved_with(rollout());
  saved.splits[0].weights = {{"v1", 0}, {"v2", 0}};
  expect_ended(rollout_settings(), saved,
               "its weights hold no longer, and the configured split wins.");
}

TEST(LayOverRolloutTest, HistoryOutlivesItsPoolsAndAChangedSplit) {
  Settings settings = rollout_settings();
  settings.pools.erase(settings.pools.begin() + 1);
  for (RouteSettings& route : settings.routes) route.split = {{"v1", 10'000}};
  for (const RolloutState state : states_at_the_end) {
    const Effective effective = lay_over(settings, saved_with(rollout(state)));
    EXPECT_EQ(effective.kept.rollouts, std::vector{rollout(state)}) << to_string(state);
    EXPECT_TRUE(rollout_notices(effective).empty());
  }
}

TEST(LayOverRolloutTest, AnotherChangeOfTheRouteEndsNothing) {
  Settings settings = rollout_settings();
  settings.routes[0].host = "shop.example.com";
  settings.routes[1].split = {{"v2", 10'000}};
  const Effective effective = lay_over(settings, saved_with(rollout()));
  EXPECT_EQ(effective.kept, saved_with(rollout()));
  EXPECT_TRUE(effective.notices.empty());
}

TEST(LayOverRolloutTest, OneUnderWayWithAPolicyNobodyCouldFollowTakesItsWeightsAlong) {
  Overrides saved = saved_with(rollout());
  saved.rollouts[0].policy.steps.clear();
  const Effective effective = lay_over(rollout_settings(), saved);
  EXPECT_EQ(effective.kept, Overrides{});
  EXPECT_EQ(effective.settings, rollout_settings());
  ASSERT_EQ(effective.notices.size(), 1U);
  EXPECT_NE(effective.notices[0].find("has ended: it cannot be used. policy.steps: "),
            std::string::npos)
      << effective.notices[0];
  EXPECT_TRUE(effective.notices[0].ends_with('.')) << effective.notices[0];
}

TEST(LayOverRolloutTest, HistoryWithAPolicyNobodyCouldFollowIsForgottenAndLeavesTheWeights) {
  Overrides saved = saved_with(rollout(RolloutState::done));
  saved.rollouts[0].policy.alpha = 0;
  const Effective effective = lay_over(rollout_settings(), saved);
  EXPECT_TRUE(effective.kept.rollouts.empty());
  EXPECT_EQ(effective.kept.splits, saved.splits);
  ASSERT_EQ(effective.notices.size(), 1U);
  EXPECT_NE(effective.notices[0].find("was forgotten"), std::string::npos) << effective.notices[0];
}

TEST(LayOverRolloutTest, OneThatEndsLeavesThoseOfOtherRoutes) {
  Overrides saved = saved_with(rollout());
  RolloutRecord blog = rollout();
  blog.route = "blog";
  saved.splits.push_back(weights_of(blog));
  saved.rollouts.push_back(blog);
  Settings settings = rollout_settings();
  settings.routes[0].split = {{"v1", 1}, {"v2", 1}};
  const Effective effective = lay_over(settings, saved);
  EXPECT_EQ(effective.kept, saved_with(blog));
  EXPECT_EQ(effective.settings.routes[0].split, settings.routes[0].split);
  EXPECT_EQ(effective.settings.routes[1].split, weights_of(blog).weights);
}

TEST(LayOverRolloutTest, LayingOverWhatWasKeptChangesNothing) {
  Overrides saved = saved_with(rollout());
  RolloutRecord gone = rollout();
  gone.route = "gone";
  saved.rollouts.push_back(gone);
  const Effective once = lay_over(rollout_settings(), saved);
  const Effective twice = lay_over(rollout_settings(), once.kept);
  EXPECT_EQ(twice.kept, once.kept);
  EXPECT_EQ(twice.settings, once.settings);
  EXPECT_TRUE(twice.notices.empty());
}

}  // namespace
}  // namespace sluice::core
