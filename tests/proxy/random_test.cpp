#include "proxy/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace sluice::proxy {
namespace {

TEST(RandomTest, EveryBitIsSetHalfOfTheTime) {
  Random random;
  std::array<int, 64> set{};
  constexpr int rounds = 40'000;
  for (int i = 0; i < rounds; ++i) {
    const std::uint64_t word = random.next();
    for (std::size_t bit = 0; bit < set.size(); ++bit)
      set[bit] += static_cast<int>(word >> bit & 1U);
  }
  // Seven standard deviations: 7 * sqrt(40000) / 2 = 700.
  for (const int count : set) EXPECT_NEAR(count, rounds / 2, 700);
}

TEST(RandomTest, FractionsFillTheUnitIntervalEvenly) {
  Random random;
  std::array<int, 10> tenths{};
  constexpr int rounds = 40'000;
  for (int i = 0; i < rounds; ++i) {
    const double fraction = random.fraction();
    ASSERT_GE(fraction, 0.0);
    ASSERT_LT(fraction, 1.0);
    ++tenths[static_cast<std::size_t>(fraction * 10)];
  }
  // Seven standard deviations: 7 * sqrt(40000 * 0.1 * 0.9) = 420.
  for (const int count : tenths) EXPECT_NEAR(count, rounds / 10, 420);
}

TEST(RandomTest, TwoOfThemSayDifferentThings) {
  std::set<std::uint64_t> words;
  for (int i = 0; i < 20; ++i) {
    Random random;
    for (int j = 0; j < 50; ++j) words.insert(random.next());
  }
  EXPECT_EQ(words.size(), 1000U);
}

}  // namespace
}  // namespace sluice::proxy
