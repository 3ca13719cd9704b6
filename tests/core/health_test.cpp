#include "core/health.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::core {
namespace {

/// The verdict after results in order ('+' success, '-' failure), by the words of the chart alone:
/// the first result decides; after that the last `rise` or `fall` results must agree.
HealthState expected_after(const std::string& results, unsigned rise, unsigned fall) {
  HealthState state = HealthState::unknown;
  std::size_t since = 0;
  for (std::size_t end = 1; end <= results.size(); ++end) {
    const char last = results[end - 1];
    const auto other = last == '+' ? HealthState::up : HealthState::down;
    if (state == other) continue;
    const std::size_t needed = state == HealthState::unknown ? 1 : last == '+' ? rise : fall;
    if (end - since < needed) continue;
    const std::string run = results.substr(end - needed, needed);
    if (run != std::string(needed, last)) continue;
    state = other;
    since = end;
  }
  return state;
}

TEST(HealthTest, StartsUnknown) {
  EXPECT_EQ(Health(2, 3).state(), HealthState::unknown);
}

TEST(HealthTest, OneCheckDecidesAtFirst) {
  Health good(5, 5);
  EXPECT_TRUE(good.observe(true));
  EXPECT_EQ(good.state(), HealthState::up);
  Health bad(5, 5);
  EXPECT_TRUE(bad.observe(false));
  EXPECT_EQ(bad.state(), HealthState::down);
}

TEST(HealthTest, GoesDownAfterFallFailuresInARow) {
  Health health(2, 3);
  health.observe(true);
  EXPECT_FALSE(health.observe(false));
  EXPECT_FALSE(health.observe(false));
  EXPECT_EQ(health.state(), HealthState::up);
  EXPECT_TRUE(health.observe(false));
  EXPECT_EQ(health.state(), HealthState::down);
}

TEST(HealthTest, ComesUpAfterRiseSuccessesInARow) {
  Health health(2, 3);
  health.observe(false);
  EXPECT_FALSE(health.observe(true));
  EXPECT_EQ(health.state(), HealthState::down);
  EXPECT_TRUE(health.observe(true));
  EXPECT_EQ(health.state(), HealthState::up);
}

TEST(HealthTest, GoesOnFromAVerdictThatIsKnown) {
  Health well(2, 3, HealthState::up);
  EXPECT_EQ(well.state(), HealthState::up);
  EXPECT_FALSE(well.observe(false));
  EXPECT_FALSE(well.observe(false));
  EXPECT_TRUE(well.observe(false)) << "`fall` failures, as for any other that is up";
  Health ill(2, 3, HealthState::down);
  EXPECT_FALSE(ill.observe(true));
  EXPECT_TRUE(ill.observe(true));
  EXPECT_EQ(Health(2, 3, HealthState::unchecked).state(), HealthState::unknown) << "no verdict";
}

TEST(HealthTest, AResultThatAgreesEndsTheRunAgainst) {
  Health health(2, 2);
  health.observe(true);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(health.observe(false));
    EXPECT_FALSE(health.observe(true));
  }
  EXPECT_EQ(health.state(), HealthState::up);
}

TEST(HealthTest, FollowsTheChartForEverySequenceOfResults) {
  constexpr unsigned length = 10;
  for (unsigned rise = 1; rise <= 4; ++rise) {
    for (unsigned fall = 1; fall <= 4; ++fall) {
      for (unsigned bits = 0; bits < 1U << length; ++bits) {
        Health health(rise, fall);
        std::string results;
        for (unsigned i = 0; i < length; ++i) {
          const bool success = (bits >> i & 1U) != 0;
          const HealthState before = health.state();
          results += success ? '+' : '-';
          const bool changed = health.observe(success);
          ASSERT_EQ(health.state(), expected_after(results, rise, fall))
              << results << " rise " << rise << " fall " << fall;
          ASSERT_EQ(changed, health.state() != before) << results;
        }
      }
    }
  }
}

TEST(HealthStateTest, HasWords) {
  EXPECT_EQ(to_string(HealthState::unchecked), "unchecked");
  EXPECT_EQ(to_string(HealthState::unknown), "unknown");
  EXPECT_EQ(to_string(HealthState::up), "up");
  EXPECT_EQ(to_string(HealthState::down), "down");
}

}  // namespace
}  // namespace sluice::core
