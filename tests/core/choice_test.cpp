#include "core/choice.hpp"
#include "tests/core/split_of.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace sluice::core {
namespace {

constexpr ShareSet only(ShareIndex share) {
  return ShareSet{1} << share;
}

TEST(ChooseShareTest, AForcedPoolBeatsTheUnitAndTheDraw) {
  const Split split = split_of({100, 100});
  Steering steering;
  steering.forced = 1;
  steering.unit = 0;
  const auto choice = choose_share(split, steering, 0, 0);
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->share, 1U);
  EXPECT_EQ(choice->why, Why::force);
}

TEST(ChooseShareTest, AForceRuleReachesAPoolOfWeightZero) {
  const Split split = split_of({100, 0});
  Steering steering;
  steering.forced = 1;
  const auto choice = choose_share(split, steering, 0, 0);
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->share, 1U);
  EXPECT_EQ(choice->why, Why::force);
}

TEST(ChooseShareTest, TheUnitBeatsTheDraw) {
  const Split split = split_of({100, 100});
  Steering steering;
  for (std::uint64_t unit = 0; unit < 200; ++unit) {
    steering.unit = sticky_hash(1, std::to_string(unit));
    const auto low = choose_share(split, steering, 0, 0);
    const auto high = choose_share(split, steering, word_max, 0);
    ASSERT_TRUE(low && high);
    EXPECT_EQ(low->share, high->share);
    EXPECT_EQ(low->share, split.at(*steering.unit));
    EXPECT_EQ(low->why, Why::sticky);
  }
}

TEST(ChooseShareTest, WithoutForceAndUnitTheWordDecides) {
  const Split split = split_of({100, 100});
  EXPECT_EQ(choose_share(split, {}, 0, 0)->share, 0U);
  EXPECT_EQ(choose_share(split, {}, word_max, 0)->share, 1U);
  EXPECT_EQ(choose_share(split, {}, word_max, 0)->why, Why::draw);
}

TEST(ChooseShareTest, AForcedPoolThatCannotServeSpillsToWhereTheUnitBelongs) {
  const Split split = split_of({100, 100, 0});
  Steering steering;
  steering.forced = 2;
  steering.unit = sticky_hash(1, "somebody");
  const auto choice = choose_share(split, steering, 0, only(2));
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->share, split.at(*steering.unit));
  EXPECT_EQ(choice->why, Why::spill);
}

TEST(ChooseShareTest, AUnitWhosePoolCannotServeSpillsToTheSamePoolEveryTime) {
  const Split split = split_of({100, 100, 100});
  for (int user = 0; user < 200; ++user) {
    Steering steering;
    steering.unit = sticky_hash(1, "user" + std::to_string(user));
    const ShareIndex home = choose_share(split, steering, 0, 0)->share;
    const auto first = choose_share(split, steering, 0, only(home));
    const auto again = choose_share(split, steering, word_max, only(home));
    ASSERT_TRUE(first && again);
    EXPECT_NE(first->share, home);
    EXPECT_EQ(first->share, again->share);
    EXPECT_EQ(first->why, Why::spill);
  }
}

TEST(ChooseShareTest, ARedrawFallsOnTheRestByWeight) {
  const Split split = split_of({5000, 1000, 3000});
  std::mt19937_64 words(42);
  std::array<int, 3> hits{};
  constexpr int rounds = 40'000;
  for (int i = 0; i < rounds; ++i) {
    const auto choice = choose_share(split, {}, words(), only(0));
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->why, Why::spill);
    ++hits[choice->share];
  }
  EXPECT_EQ(hits[0], 0);
  // A quarter of the rest; six standard deviations are 6 * sqrt(40000 * 1/4 * 3/4) = 520.
  EXPECT_NEAR(hits[1], rounds / 4, 520);
}

TEST(ChooseShareTest, RedrawingEndsAfterEveryPoolOfWeightWasPassedOver) {
  std::mt19937_64 words(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<Weight> weights(1 + words() % 8);
    for (Weight& weight : weights) weight = static_cast<Weight>(words() % 4 * 100);
    const Split split = split_of(weights);
    Steering steering;
    if (words() % 2 == 0) steering.unit = words();
    if (words() % 3 == 0) steering.forced = static_cast<ShareIndex>(words() % weights.size());
    ShareSet excluded = 0;
    std::size_t draws = 0;
    while (const auto choice = choose_share(split, steering, words(), excluded)) {
      ASSERT_EQ(excluded & only(choice->share), 0U) << "an excluded pool was chosen";
      ASSERT_TRUE(weights[choice->share] > 0 || choice->why == Why::force);
      excluded |= only(choice->share);
      ASSERT_LE(++draws, weights.size());
    }
    for (ShareIndex share = 0; share < weights.size(); ++share) {
      EXPECT_TRUE(weights[share] == 0 || (excluded & only(share)) != 0) << "a pool was forgotten";
    }
  }
}

TEST(ChooseShareTest, NothingIsChosenWhenOnlyWeightZeroIsLeft) {
  const Split split = split_of({100, 0});
  EXPECT_FALSE(choose_share(split, {}, word_max, only(0)));
  Steering steering;
  steering.unit = 123;
  EXPECT_FALSE(choose_share(split, steering, 0, only(0)));
}

TEST(WhyTest, EveryReasonHasItsOwnWord) {
  EXPECT_EQ(to_string(Why::none), "none");
  EXPECT_EQ(to_string(Why::force), "force");
  EXPECT_EQ(to_string(Why::sticky), "sticky");
  EXPECT_EQ(to_string(Why::draw), "draw");
  EXPECT_EQ(to_string(Why::spill), "spill");
}

}  // namespace
}  // namespace sluice::core
