#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/split.hpp"
#include "tests/core/split_of.hpp"

namespace sluice::core {
namespace {

using Random = std::mt19937_64;

std::vector<std::uint64_t> make_units(std::size_t count, std::uint64_t salt) {
  std::vector<std::uint64_t> units;
  for (std::size_t i = 0; i < count; ++i) {
    units.push_back(sticky_hash(salt, "user-" + std::to_string(i)));
  }
  return units;
}

/// Expects `hits` out of `tries` to be within 5 standard deviations of the share, and exact at the
/// ends.
void expect_share(std::uint64_t hits, std::uint64_t tries, double share) {
  const auto n = static_cast<double>(tries);
  if (share == 0) {
    EXPECT_EQ(hits, 0U);
  } else if (share == 1) {
    EXPECT_EQ(hits, tries);
  } else {
    EXPECT_NEAR(static_cast<double>(hits), n * share, 5 * std::sqrt(n * share * (1 - share)) + 1);
  }
}

class SplitShareTest : public testing::TestWithParam<Weight> {};

TEST_P(SplitShareTest, DrawsItsShare) {
  Random random(1);
  const Split split = split_of({10'000 - GetParam(), GetParam()});
  constexpr std::uint64_t tries = 500'000;
  std::uint64_t hits = 0;
  for (std::uint64_t i = 0; i < tries; ++i) hits += split.draw(random()) == 1U ? 1U : 0U;
  expect_share(hits, tries, GetParam() / 10'000.0);
}

TEST_P(SplitShareTest, OwnsItsShareOfUnits) {
  const Split split = split_of({10'000 - GetParam(), GetParam()});
  const auto units = make_units(200'000, 99);
  std::uint64_t hits = 0;
  for (const std::uint64_t unit : units) hits += split.at(unit) == 1U ? 1U : 0U;
  expect_share(hits, units.size(), GetParam() / 10'000.0);
}

// 0, 0.01, 1, 50, 99.99 and 100 %.
INSTANTIATE_TEST_SUITE_P(Percent, SplitShareTest, testing::Values(0, 1, 100, 5'000, 9'999, 10'000));

/// Weights as they come in practice: ends, hundredths, whole numbers, huge ones.
Weight random_weight(Random& random) {
  switch (random() % 5) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return static_cast<Weight>(random() % 100 * weight_one);
    case 3:
      return static_cast<Weight>(random() % 10'001);
    default:
      return static_cast<Weight>(random() % weight_max + 1);
  }
}

std::vector<Weight> random_weights(Random& random) {
  std::vector<Weight> weights(2 + random() % 5);
  for (Weight& weight : weights) weight = random_weight(random);
  weights[random() % weights.size()] += 1;
  return weights;
}

TEST(SplitChangeTest, RaisingOneWeightNeverTakesAUnitFromItsPool) {
  Random random(2);
  const auto units = make_units(2'000, 5);
  for (int round = 0; round < 300; ++round) {
    std::vector<Weight> weights = random_weights(random);
    const auto raised = static_cast<ShareIndex>(random() % weights.size());
    for (int step = 0; step < 4; ++step) {
      const Split before = split_of(weights);
      weights[raised] += random_weight(random) / 4;
      const Split after = split_of(weights);
      for (const std::uint64_t unit : units) {
        if (before.at(unit) == raised) {
          ASSERT_EQ(after.at(unit), raised) << "round " << round;
        }
      }
    }
  }
}

TEST(SplitChangeTest, BetweenTwoPoolsUnitsMoveOnlyTowardsTheRaisedOneAndBack) {
  const auto units = make_units(20'000, 6);
  std::vector<Weight> steps;
  for (Weight weight = 0; weight <= 10'000; weight += 250) steps.push_back(weight);
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const Split low = split_of({10'000 - steps[i - 1], steps[i - 1]});
    const Split high = split_of({10'000 - steps[i], steps[i]});
    std::uint64_t moved = 0;
    for (const std::uint64_t unit : units) {
      if (low.at(unit) == 1U) {
        ASSERT_EQ(high.at(unit), 1U);
      }
      if (low.at(unit) != high.at(unit)) ++moved;
    }
    expect_share(moved, units.size(), 0.025);
  }
}

// Pitfall P16: truncation of shares gave everything to the new version.
TEST(SplitChangeTest, SharesAreRightAfterEverySequenceOfChanges) {
  Random random(3);
  const auto units = make_units(20'000, 7);
  std::vector<Weight> weights = {10'000, 0, 0};
  for (int change = 0; change < 60; ++change) {
    weights[random() % weights.size()] = random_weight(random);
    if (weights[0] + weights[1] + weights[2] == 0) weights[0] = 1;
    const Split split = split_of(weights);
    std::vector<std::uint64_t> drawn(weights.size());
    std::vector<std::uint64_t> owned(weights.size());
    for (const std::uint64_t unit : units) {
      ++drawn[split.draw(random()).value()];
      ++owned[split.at(unit).value()];
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "change " << change << ", share " << i);
      const double share = weights[i] / static_cast<double>(split.total());
      expect_share(drawn[i], units.size(), share);
      // A unit lies on one of 10,000 points, so a share may be off by up to one of them.
      const auto n = static_cast<double>(units.size());
      EXPECT_NEAR(static_cast<double>(owned[i]), n * share,
                  5 * std::sqrt(n * share * (1 - share)) + n / sticky_points + 5);
      if (weights[i] == 0) {
        EXPECT_EQ(owned[i], 0U);
      }
      if (weights[i] == split.total()) {
        EXPECT_EQ(owned[i], units.size());
      }
    }
  }
}

// Pitfalls P28 and P29: a pool that cannot serve gets nothing, the rest shares by weight.
TEST(SplitExcludedTest, TheRestSharesByWeight) {
  Random random(4);
  const auto units = make_units(20'000, 8);
  for (int round = 0; round < 60; ++round) {
    const std::vector<Weight> weights = random_weights(random);
    const Split split = split_of(weights);
    const ShareSet excluded = random() % (ShareSet{1} << weights.size());
    double rest = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if ((excluded >> i & 1U) == 0) rest += weights[i];
    }
    std::vector<std::uint64_t> drawn(weights.size());
    for (const std::uint64_t unit : units) {
      const auto share = split.draw(random(), excluded);
      ASSERT_EQ(share.has_value(), rest > 0);
      if (share) ++drawn[*share];
      const auto owner = split.at(unit, excluded);
      if (owner) {
        ASSERT_EQ(excluded >> *owner & 1U, 0U);
      }
      if (rest > 0) {
        ASSERT_TRUE(owner);
      }
    }
    for (std::size_t i = 0; i < weights.size() && rest > 0; ++i) {
      const bool is_out = (excluded >> i & 1U) != 0;
      expect_share(drawn[i], units.size(), is_out ? 0 : weights[i] / rest);
    }
  }
}

}  // namespace
}  // namespace sluice::core
