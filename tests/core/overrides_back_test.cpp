#include "core/overrides_back.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::core {
namespace {

using Shares = std::vector<ShareSettings>;

/// One route over v1 and v2, one backend each.
Settings settings_of(Weight v1, Weight v2) {
  Settings settings;
  for (const char* name : {"v1", "v2"}) {
    PoolSettings& pool = settings.pools.emplace_back();
    pool.name = name;
    pool.backends = {{"127.0.0.1:9001"}};
  }
  RouteSettings& route = settings.routes.emplace_back();
  route.name = "shop";
  route.path = "/";
  route.split = {{"v1", v1}, {"v2", v2}};
  return settings;
}

Overrides only(SplitOverride split) {
  Overrides overrides;
  overrides.splits = {std::move(split)};
  return overrides;
}

SplitOverride weights(const Settings& over, Shares shares) {
  return {"shop", over.routes[0].split, std::move(shares), 2, {"anna", 5}};
}

/// In force after `reloaded` took the place of `before`, was changed by `change`, and went back.
template <class Change>
Effective there_and_back(const Settings& before, const Overrides& overrides,
                         const Settings& reloaded, Change change) {
  OverridesAround around;
  around.before = overrides;
  around.kept = around.now = lay_over(reloaded, overrides).kept;
  change(around.now);
  return lay_over(before, overrides_back(before, around));
}

constexpr auto nothing = [](Overrides&) {};

TEST(OverridesBackTest, WeightsThatTheReloadDroppedComeBack) {
  const Settings before = settings_of(100, 0);
  const Effective back =
      there_and_back(before, only(weights(before, {{"v2", 100}})), settings_of(90, 10), nothing);
  EXPECT_EQ(back.settings.routes[0].split, (Shares{{"v1", 0}, {"v2", 100}}));
  EXPECT_TRUE(back.notices.empty());
}

TEST(OverridesBackTest, WeightsThatWereSetSinceHold) {
  const Settings before = settings_of(100, 0);
  const Settings reloaded = settings_of(90, 10);
  const Effective back =
      there_and_back(before, only(weights(before, {{"v2", 100}})), reloaded, [&](Overrides& now) {
        now.splits = {weights(reloaded, {{"v1", 30}, {"v2", 70}})};
      });
  EXPECT_EQ(back.settings.routes[0].split, (Shares{{"v1", 30}, {"v2", 70}}));
  EXPECT_TRUE(back.notices.empty());
}

TEST(OverridesBackTest, WeightsForAPoolThatIsGoneAgainAreThoseBefore) {
  const Settings before = settings_of(100, 0);
  Settings reloaded = before;
  reloaded.pools.emplace_back().name = "v3";
  reloaded.routes[0].split.push_back({"v3", 0});
  const Overrides overrides = only(weights(before, {{"v2", 100}}));
  const auto back_from = [&](const Shares& set_since) {
    return there_and_back(before, overrides, reloaded,
                          [&](Overrides& now) { now.splits = {weights(reloaded, set_since)}; })
        .settings.routes[0]
        .split;
  };
  EXPECT_EQ(back_from({{"v3", 100}}), (Shares{{"v1", 0}, {"v2", 100}}));
  EXPECT_EQ(back_from({{"v1", 50}, {"v2", 50}, {"v3", 0}}), (Shares{{"v1", 50}, {"v2", 50}}));
}

TEST(OverridesBackTest, ADrainOfAPoolThatWasGoneComesBackUnlessItWasTakenBack) {
  const Settings before = settings_of(100, 0);
  Settings reloaded = before;
  reloaded.pools.pop_back();
  reloaded.routes[0].split.pop_back();
  Overrides overrides;
  overrides.drains = {{"v2", "", {}}, {"v1", "127.0.0.1:9001", {}}};
  const Effective back = there_and_back(before, overrides, reloaded, nothing);
  EXPECT_EQ(back.kept.drains.size(), 2U);
  const Effective undrained =
      there_and_back(before, overrides, reloaded, [](Overrides& now) { now.drains.clear(); });
  ASSERT_EQ(undrained.kept.drains.size(), 1U);
  EXPECT_EQ(undrained.kept.drains[0].pool, "v2");
  const Effective drained = there_and_back(before, {}, reloaded, [](Overrides& now) {
    now.drains = {{"v1", "", {}}};
  });
  EXPECT_EQ(drained.kept.drains.size(), 1U);
}

TEST(OverridesBackTest, BackendsThatTheReloadDroppedComeBackUnlessOthersWereSetSince) {
  const Settings before = settings_of(100, 0);
  Settings reloaded = before;
  reloaded.pools[0].backends = {{"127.0.0.1:9002"}};
  MembershipOverride change{"v1", before.pools[0].backends, {{"127.0.0.1:9009"}}, {}};
  Overrides overrides;
  overrides.memberships = {change};
  const Effective back = there_and_back(before, overrides, reloaded, nothing);
  EXPECT_EQ(back.settings.pools[0].backends, change.backends);
  MembershipOverride newer{"v1", reloaded.pools[0].backends, {{"127.0.0.1:9010"}}, {}};
  const Effective set = there_and_back(before, overrides, reloaded,
                                       [&](Overrides& now) { now.memberships = {newer}; });
  EXPECT_EQ(set.settings.pools[0].backends, newer.backends);
}

RolloutRecord rollout_in(RolloutState state) {
  RolloutRecord record;
  record.route = "shop";
  record.id = "build-42";
  record.from = "v1";
  record.to = "v2";
  record.state = state;
  return record;
}

TEST(EndedRolloutTest, IsOneWhoseWeightsOrPoolsGo) {
  const Settings before = settings_of(100, 0);
  Overrides now = only(weights(before, {{"v1", 95}, {"v2", 5}}));
  now.rollouts = {rollout_in(RolloutState::holding)};
  EXPECT_EQ(ended_rollout(before, now), "");
  EXPECT_EQ(ended_rollout(settings_of(90, 10), now), "build-42");
  now.rollouts = {rollout_in(RolloutState::done)};
  EXPECT_EQ(ended_rollout(settings_of(90, 10), now), "") << "it is over already";
}

TEST(EndedRolloutTest, IsOneBesideWhichAThirdPoolHasAWeight) {
  Settings next = settings_of(100, 0);
  next.pools.emplace_back().name = "v3";
  next.routes[0].split.push_back({"v3", 10});
  Overrides now;
  now.rollouts = {rollout_in(RolloutState::staged)};
  EXPECT_EQ(ended_rollout(next, now), "build-42");
  now.rollouts[0].policy.mode = RolloutMode::observe;
  EXPECT_EQ(ended_rollout(next, now), "") << "who only observes does not mind";
}

}  // namespace
}  // namespace sluice::core
