#include "core/bad_when.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sluice::core {
namespace {

TEST(ParseBadWhenTest, ReadsEveryOperator) {
  EXPECT_EQ(parse_bad_when("< 1"), (BadWhen{Comparison::less, 1}));
  EXPECT_EQ(parse_bad_when("<= 1"), (BadWhen{Comparison::less_equal, 1}));
  EXPECT_EQ(parse_bad_when("> 1"), (BadWhen{Comparison::greater, 1}));
  EXPECT_EQ(parse_bad_when(">= 1"), (BadWhen{Comparison::greater_equal, 1}));
  EXPECT_EQ(parse_bad_when("== 1"), (BadWhen{Comparison::equal, 1}));
  EXPECT_EQ(parse_bad_when("!= 1"), (BadWhen{Comparison::not_equal, 1}));
}

TEST(ParseBadWhenTest, ReadsDecimalNumbers) {
  EXPECT_EQ(parse_bad_when("> 0.85"), (BadWhen{Comparison::greater, 0.85}));
  EXPECT_EQ(parse_bad_when(">-2.5"), (BadWhen{Comparison::greater, -2.5}));
  EXPECT_EQ(parse_bad_when("  >\t1e3 "), (BadWhen{Comparison::greater, 1000}));
}

TEST(ParseBadWhenTest, RefusesEverythingElse) {
  for (const char* text : {"",      ">",     "0.85",   "= 1",     "=> 1", "=< 1",    "! 1",
                           "<> 1",  "> = 1", "> 1 2",  "> x",     "> 1x", "> 0x10",  "> 1,5",
                           "> nan", "> inf", "> -inf", "> 1e999", "> +1", "above 1", "1 <"}) {
    EXPECT_EQ(parse_bad_when(text), std::nullopt) << text;
  }
}

/// Whether the values below, at and above the bound 2 are bad, as "xxx" or "..." or between.
std::string bad_around_two(const char* text) {
  std::string found;
  for (const double value : {1.0, 2.0, 3.0}) {
    found += holds(*parse_bad_when(text), value) ? 'x' : '.';
  }
  return found;
}

TEST(HoldsTest, ComparesTheValueWithTheBound) {
  EXPECT_EQ(bad_around_two("< 2"), "x..");
  EXPECT_EQ(bad_around_two("<= 2"), "xx.");
  EXPECT_EQ(bad_around_two("> 2"), "..x");
  EXPECT_EQ(bad_around_two(">= 2"), ".xx");
  EXPECT_EQ(bad_around_two("== 2"), ".x.");
  EXPECT_EQ(bad_around_two("!= 2"), "x.x");
}

TEST(HoldsTest, NaNIsNeverBadAndInfinityIsANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const char* text : {"< 2", "<= 2", "> 2", ">= 2", "== 2", "!= 2"}) {
    EXPECT_FALSE(holds(*parse_bad_when(text), nan)) << text;
  }
  EXPECT_TRUE(holds(*parse_bad_when("> 2"), std::numeric_limits<double>::infinity()));
}

}  // namespace
}  // namespace sluice::core
