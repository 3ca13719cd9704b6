#include "core/split.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/draw.hpp"
#include "tests/core/split_of.hpp"

namespace sluice::core {
namespace {

/// Its pools begin at 7, so that none has the number of a share.
Split split_from_7(const std::vector<Weight>& weights) {
  return split_of(weights, 7);
}

/// A hash that lies exactly on `point`.
std::uint64_t hash_on(std::uint64_t point) {
  std::uint64_t hash = point * (word_max / sticky_points);
  while (scaled(hash, sticky_points) < point) ++hash;
  return hash + 1'000'000;
}

TEST(ScaledTest, CoversTheWholeRangeAndNothingElse) {
  EXPECT_EQ(scaled(0, 100), 0U);
  EXPECT_EQ(scaled(word_max, 100), 99U);
  EXPECT_EQ(scaled(word_max / 2 + 1, 100), 50U);
  EXPECT_EQ(scaled(word_max, 1), 0U);
  EXPECT_EQ(scaled(word_max, 0), 0U);
}

TEST(SplitDrawTest, EachShareOwnsItsStretchOfTheWords) {
  const Split split = split_from_7({100, 0, 300});
  EXPECT_EQ(split.total(), 400U);
  EXPECT_EQ(split.draw(0), 0U);
  EXPECT_EQ(split.draw(word_max / 4), 0U);
  EXPECT_EQ(split.draw(word_max / 4 + 1), 2U);
  EXPECT_EQ(split.draw(word_max), 2U);
}

TEST(SplitDrawTest, RedrawsByWeightAmongTheRest) {
  const Split split = split_from_7({100, 200, 600});
  EXPECT_EQ(split.draw(0, 0b010), 0U);
  EXPECT_EQ(split.draw(word_max / 7, 0b010), 0U);
  EXPECT_EQ(split.draw(word_max / 7 + 1, 0b010), 2U);
  EXPECT_EQ(split.draw(word_max, 0b100), 1U);
}

TEST(SplitDrawTest, GivesNothingWhenTheRestWeighsNothing) {
  const Split split = split_from_7({100, 0});
  EXPECT_EQ(split.draw(0, 0b01), std::nullopt);
  EXPECT_EQ(split.draw(0, 0b11), std::nullopt);
  EXPECT_EQ(split_of({0, 0}).draw(word_max), std::nullopt);
}

TEST(SplitDrawTest, TakesTheLargestSplitThatIsAllowed) {
  const Split split = split_from_7(std::vector<Weight>(max_shares, weight_max));
  EXPECT_EQ(split.total(), std::uint64_t{max_shares} * weight_max);
  EXPECT_EQ(split.draw(0), 0U);
  EXPECT_EQ(split.draw(word_max), max_shares - 1);
  EXPECT_EQ(split.at(hash_on(9'999)), max_shares - 1);
  EXPECT_EQ(split.at(hash_on(0), ~ShareSet{0}), std::nullopt);
}

TEST(SplitAtTest, TheFirstShareOwnsTheLowPoints) {
  const Split split = split_from_7({9'000, 1'000});
  EXPECT_EQ(split.at(hash_on(0)), 0U);
  EXPECT_EQ(split.at(hash_on(8'999)), 0U);
  EXPECT_EQ(split.at(hash_on(9'000)), 1U);
  EXPECT_EQ(split.at(hash_on(9'999)), 1U);
}

TEST(SplitAtTest, AHundredthOfAPercentIsOnePoint) {
  const Split split = split_from_7({9'999, 1});
  EXPECT_EQ(split.at(hash_on(9'998)), 0U);
  EXPECT_EQ(split.at(hash_on(9'999)), 1U);
}

TEST(SplitAtTest, OnlyRatiosCount) {
  const Split small = split_from_7({3, 1});
  const Split large = split_from_7({75'000'000, 25'000'000});
  for (std::uint64_t point = 0; point < sticky_points; ++point) {
    ASSERT_EQ(small.at(hash_on(point)), large.at(hash_on(point))) << point;
  }
}

TEST(SplitAtTest, AUnitStaysWhenAnotherPoolIsExcluded) {
  const Split split = split_from_7({5'000, 3'000, 2'000});
  for (std::uint64_t unit = 0; unit < 2'000; ++unit) {
    const std::uint64_t hash = sticky_hash(1, std::to_string(unit));
    const auto owner = split.at(hash);
    ASSERT_TRUE(owner);
    const ShareSet others = ~(ShareSet{1} << *owner);
    ASSERT_EQ(split.at(hash, others), owner);
  }
}

TEST(SplitAtTest, AUnitOfAnExcludedPoolMovesOnceAndByWeight) {
  const Split split = split_from_7({5'000, 4'000, 1'000});
  std::map<ShareIndex, int> moved;
  int units = 0;
  for (std::uint64_t unit = 0; unit < 40'000; ++unit) {
    const std::uint64_t hash = sticky_hash(1, std::to_string(unit));
    if (split.at(hash) != 0U) continue;
    const auto next = split.at(hash, 0b001);
    ASSERT_TRUE(next);
    ASSERT_EQ(split.at(hash, 0b001), next);
    ++moved[*next];
    ++units;
  }
  EXPECT_EQ(moved[0], 0);
  EXPECT_NEAR(moved[1], units * 0.8, 5 * std::sqrt(units * 0.8 * 0.2));
}

TEST(SplitAtTest, GivesNothingWhenTheRestWeighsNothing) {
  const Split split = split_from_7({100, 0});
  EXPECT_EQ(split.at(hash_on(5), 0b01), std::nullopt);
  EXPECT_EQ(split.at(hash_on(5), 0b10), 0U);
  EXPECT_EQ(split_of({0}).at(hash_on(5)), std::nullopt);
}

TEST(SplitShareOfTest, FindsAPoolWhateverItsWeight) {
  const Split split = split_from_7({100, 0});
  EXPECT_EQ(split.share_of(7), 0U);
  EXPECT_EQ(split.share_of(8), 1U);
  EXPECT_EQ(split.share_of(9), std::nullopt);
}

// Sticky users must stay where they are over an upgrade of the proxy, so these never change.
TEST(StickyHashTest, IsPinned) {
  EXPECT_EQ(sticky_hash(0, ""), 0x7bd3144f29c0cc9eULL);
  EXPECT_EQ(sticky_hash(0, "user-1"), 0xd89d065404a6a76aULL);
  EXPECT_EQ(sticky_hash(1, "user-1"), 0x459063175d9c585aULL);
  EXPECT_EQ(sticky_hash(0x0123456789abcdefULL, "203.0.113.7"), 0x408fff681f14eb4cULL);
  EXPECT_EQ(sticky_hash(42, std::string("\0\xff", 2)), 0x62746f1ea635743eULL);
}

/// Chi-square of `units` sequential ids over the points, in standard deviations from its mean.
double deviation_of_points(const std::string& prefix, std::uint64_t salt) {
  constexpr int units = 1'000'000;
  std::vector<int> counts(sticky_points);
  for (int i = 0; i < units; ++i) {
    ++counts[scaled(sticky_hash(salt, prefix + std::to_string(i)), sticky_points)];
  }
  constexpr double expected = double{units} / sticky_points;
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - expected) * (count - expected) / expected;
  const double freedom = sticky_points - 1;
  return (chi_square - freedom) / std::sqrt(2 * freedom);
}

TEST(StickyHashTest, SpreadsSequentialIdsEvenly) {
  EXPECT_LT(std::abs(deviation_of_points("", 0)), 5);
  EXPECT_LT(std::abs(deviation_of_points("user-", 77)), 5);
  EXPECT_LT(std::abs(deviation_of_points("10.0.", word_max)), 5);
}

TEST(StickyHashTest, AnotherSaltPutsOtherUnitsFirst) {
  const Split split = split_from_7({9'000, 1'000});
  int first = 0;
  int both = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::string unit = std::to_string(i);
    if (split.at(sticky_hash(1, unit)) != 1U) continue;
    ++first;
    if (split.at(sticky_hash(2, unit)) == 1U) ++both;
  }
  EXPECT_NEAR(both, first * 0.1, 5 * std::sqrt(first * 0.1 * 0.9));
}

}  // namespace
}  // namespace sluice::core
