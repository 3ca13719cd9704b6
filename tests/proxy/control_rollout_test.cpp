#include <gtest/gtest.h>

#include <optional>

#include "tests/proxy/control_side.hpp"

/// What a rollout does to the plan.
namespace sluice::proxy {
namespace {

std::uint64_t generation_of(Side& side) {
  std::optional<std::uint64_t> generation;
  side.control->status([&](const Outcome<Status>& status) { generation = status->generation; });
  EXPECT_TRUE(work({&side}, [&] { return generation.has_value(); }));
  return generation.value_or(0);
}

TEST(ControlRollout, ARollbackIsOnePlan) {
  const support::TempDir folder;
  Side side(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  RolloutSettings policy;
  policy.steps = {2500, 5000};
  side.control->start_rollout("all", {"v2", "", "build-1", policy}, std::nullopt, alice,
                              [](const Outcome<RolloutStatus>&) {});
  ASSERT_TRUE(work({&side}, [&] {
    const auto seen = side.control->rollout("all");
    return weight_of_v2(side) == 2500U && seen && seen->step == 1;
  }));
  const std::uint64_t before = generation_of(side);
  bool is_told = false;
  side.control->steer_rollout("all", RolloutVerb::abort, std::nullopt, alice,
                              [&](const Outcome<RolloutStatus>& outcome) {
                                EXPECT_TRUE(outcome);
                                is_told = true;
                              });
  ASSERT_TRUE(work({&side}, [&] {
    const auto seen = side.control->rollout("all");
    return is_told && weight_of_v2(side) == 0U && seen && seen->state == RolloutState::rolled_back;
  }));
  EXPECT_EQ(generation_of(side), before + 1)
      << "one that only ends the comparison sends requests to NEW that nobody shields";
}

}  // namespace
}  // namespace sluice::proxy
