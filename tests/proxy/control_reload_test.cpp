#include "tests/proxy/control_side.hpp"

/// What a reload does to a rollout under way.
namespace sluice::proxy {
namespace {

/// A rollout of v2 at a quarter of the traffic.
::testing::AssertionResult starts_rollout(Side& side) {
  RolloutSettings policy;
  policy.steps = {2500, 5000};
  side.control->start_rollout("all", {"v2", "", "build-1", policy}, std::nullopt, alice,
                              [](const Outcome<RolloutStatus>&) {});
  return work({&side}, [&] { return weight_of_v2(side) == 2500; })
             ? ::testing::AssertionSuccess()
             : ::testing::AssertionFailure() << "no rollout";
}

TEST(ControlReload, ARolloutWithoutAPlaceInTheSettingsEndsAndCanStillBeSeen) {
  Settings settings = settings_in("");
  Side side(settings);
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  ASSERT_TRUE(starts_rollout(side));
  settings.routes[0].split = {{"v1", 100}, {"v2", 7}};
  ASSERT_TRUE(reloads(side, settings));
  EXPECT_EQ(weight_of_v2(side), 7U);
  const auto seen = side.control->rollout("all");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->id, "build-1");
  EXPECT_EQ(seen->state, RolloutState::rolled_back);
  EXPECT_EQ(seen->reason, "reload");
  EXPECT_TRUE(sets_split(side, 60, 40)) << "the weights are the operator's again";
  ASSERT_TRUE(work({&side}, [&] { return weight_of_v2(side) == 40; }));
}

TEST(ControlReload, WeightsThatAReleaseHasReachedMayBeWrittenIntoTheFile) {
  Settings settings = settings_in("");
  Side side(settings);
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  ASSERT_TRUE(starts_rollout(side));
  settings.routes[0].split = {{"v1", 75}, {"v2", 25}};
  ASSERT_TRUE(reloads(side, settings));
  const auto seen = side.control->rollout("all");
  ASSERT_TRUE(seen);
  EXPECT_TRUE(is_active(seen->state)) << seen->reason;
  EXPECT_EQ(weight_of_v2(side), 2500U);
}

}  // namespace
}  // namespace sluice::proxy
