#include "core/freeze.hpp"

#include <gtest/gtest.h>

namespace sluice::core {
namespace {

constexpr unsigned minute_at(unsigned day, unsigned hour, unsigned minute) {
  return (day * 24 + hour) * 60 + minute;
}
constexpr unsigned mon = 0;
constexpr unsigned tue = 1;
constexpr unsigned fri = 4;
constexpr unsigned sat = 5;
constexpr unsigned sun = 6;

/// How many minutes of a week `text` freezes.
unsigned frozen_minutes(std::string_view text) {
  const auto window = parse_freeze(text);
  EXPECT_TRUE(window) << text;
  unsigned count = 0;
  for (unsigned minute = 0; window && minute < minutes_per_week; ++minute) {
    if (is_frozen(*window, minute)) ++count;
  }
  return count;
}

TEST(ParseFreezeTest, ReadsAWindowOfTheWeek) {
  EXPECT_EQ(parse_freeze("Fri 16:00 - Mon 07:00"),
            (FreezeWindow{false, minute_at(fri, 16, 0), minute_at(mon, 7, 0)}));
  EXPECT_EQ(parse_freeze("Sat 00:00 - Sun 24:00"),
            (FreezeWindow{false, minute_at(sat, 0, 0), minutes_per_week}));
}

TEST(ParseFreezeTest, ReadsAWindowOfTheDay) {
  EXPECT_EQ(parse_freeze("22:00 - 06:00"), (FreezeWindow{true, 22 * 60, 6 * 60}));
  EXPECT_EQ(parse_freeze("12:30 - 24:00"), (FreezeWindow{true, 12 * 60 + 30, minutes_per_day}));
}

TEST(ParseFreezeTest, KnowsAllDaysInEitherCase) {
  unsigned day = 0;
  for (const char* text :
       {"Mon 01:00 - Mon 02:00", "tue 01:00 - tue 02:00", "WED 01:00 - wed 02:00",
        "Thu 01:00 - Thu 02:00", "Fri 01:00 - Fri 02:00", "Sat 01:00 - Sat 02:00",
        "Sun 01:00 - Sun 02:00"}) {
    EXPECT_EQ(parse_freeze(text), (FreezeWindow{false, minute_at(day, 1, 0), minute_at(day, 2, 0)}))
        << text;
    ++day;
  }
}

TEST(ParseFreezeTest, TakesBlanksWhereTheyDoNoHarm) {
  const auto plain = parse_freeze("Fri 16:00 - Mon 07:00");
  for (const char* text : {"Fri 16:00-Mon 07:00", "  Fri  16:00  -\tMon 07:00 "}) {
    EXPECT_EQ(parse_freeze(text), plain) << text;
  }
}

TEST(ParseFreezeTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "-",
                           "Fri",
                           "Fri 16:00",
                           "Fri 16:00 -",
                           "- Mon 07:00",
                           "Fri - Mon",
                           "Fri 16:00 - 07:00",
                           "16:00 - Mon 07:00",
                           "Friday 16:00 - Mon 07:00",
                           "Fr 16:00 - Mon 07:00",
                           "Fri 16:60 - Mon 07:00",
                           "Fri 24:01 - Mon 07:00",
                           "Fri 25:00 - Mon 07:00",
                           "Fri 7:00 - Mon 07:00",
                           "Fri 07.00 - Mon 07:00",
                           "Fri 07:00:00 - Mon 07:00",
                           "Fri 1a:00 - Mon 07:00",
                           "Fri 16:00 - Mon 07:00 - Tue 07:00",
                           "Fri 16:00 Mon 07:00",
                           "+1:00 - 02:00",
                           "22:00 - 06:00 UTC",
                           "Fri16:00 - Mon07:00"}) {
    EXPECT_EQ(parse_freeze(text), std::nullopt) << text;
  }
}

TEST(ParseFreezeTest, RefusesABeginAtTheEndOfADayAndTwoEqualEnds) {
  for (const char* text : {"24:00 - 06:00", "Sun 24:00 - Mon 06:00", "06:00 - 06:00",
                           "Mon 06:00 - Mon 06:00", "Tue 00:00 - Mon 24:00"}) {
    EXPECT_EQ(parse_freeze(text), std::nullopt) << text;
  }
}

TEST(IsFrozenTest, HoldsTheBeginAndNotTheEnd) {
  const auto window = *parse_freeze("Mon 09:00 - Tue 10:00");
  EXPECT_FALSE(is_frozen(window, minute_at(mon, 8, 59)));
  EXPECT_TRUE(is_frozen(window, minute_at(mon, 9, 0)));
  EXPECT_TRUE(is_frozen(window, minute_at(tue, 9, 59)));
  EXPECT_FALSE(is_frozen(window, minute_at(tue, 10, 0)));
}

TEST(IsFrozenTest, RunsOverTheEndOfTheWeek) {
  const auto window = *parse_freeze("Fri 16:00 - Mon 07:00");
  EXPECT_FALSE(is_frozen(window, minute_at(fri, 15, 59)));
  EXPECT_TRUE(is_frozen(window, minute_at(fri, 16, 0)));
  EXPECT_TRUE(is_frozen(window, minute_at(sun, 23, 59)));
  EXPECT_TRUE(is_frozen(window, minute_at(mon, 0, 0)));
  EXPECT_TRUE(is_frozen(window, minute_at(mon, 6, 59)));
  EXPECT_FALSE(is_frozen(window, minute_at(mon, 7, 0)));
}

TEST(IsFrozenTest, RunsOverMidnightOnEveryDay) {
  const auto window = *parse_freeze("22:00 - 06:00");
  for (unsigned day = mon; day <= sun; ++day) {
    EXPECT_TRUE(is_frozen(window, minute_at(day, 0, 0))) << day;
    EXPECT_TRUE(is_frozen(window, minute_at(day, 5, 59))) << day;
    EXPECT_FALSE(is_frozen(window, minute_at(day, 6, 0))) << day;
    EXPECT_FALSE(is_frozen(window, minute_at(day, 21, 59))) << day;
    EXPECT_TRUE(is_frozen(window, minute_at(day, 22, 0))) << day;
  }
}

TEST(IsFrozenTest, FreezesAsManyMinutesAsTheWindowIsLong) {
  EXPECT_EQ(frozen_minutes("Fri 16:00 - Mon 07:00"), (8 + 24 + 24 + 7) * 60U);
  EXPECT_EQ(frozen_minutes("Sat 00:00 - Sun 24:00"), 2 * minutes_per_day);
  EXPECT_EQ(frozen_minutes("Fri 16:00 - Mon 00:00"), (8 + 24 + 24) * 60U);
  EXPECT_EQ(frozen_minutes("Mon 00:00 - Sun 24:00"), minutes_per_week);
  EXPECT_EQ(frozen_minutes("Mon 08:00 - Mon 07:59"), minutes_per_week - 1);
  EXPECT_EQ(frozen_minutes("22:00 - 06:00"), 7 * 8 * 60U);
  EXPECT_EQ(frozen_minutes("00:00 - 24:00"), minutes_per_week);
  EXPECT_EQ(frozen_minutes("22:00 - 24:00"), 7 * 2 * 60U);
}

}  // namespace
}  // namespace sluice::core
