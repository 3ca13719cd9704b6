#include "conf/quantity.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace sluice::conf {
namespace {

std::string duration_error(std::string_view text) {
  const auto result = parse_duration(text);
  return result.ok() ? "" : result.error();
}

std::string size_error(std::string_view text) {
  const auto result = parse_size(text);
  return result.ok() ? "" : result.error();
}

TEST(ParseDuration, takes_every_unit) {
  EXPECT_EQ(*parse_duration("250ms"), milliseconds{250});
  EXPECT_EQ(*parse_duration("30s"), milliseconds{30'000});
  EXPECT_EQ(*parse_duration("5m"), milliseconds{300'000});
  EXPECT_EQ(*parse_duration("1h"), milliseconds{3'600'000});
  EXPECT_EQ(*parse_duration("0s"), milliseconds{0});
}

TEST(ParseDuration, takes_decimals_that_give_whole_milliseconds) {
  EXPECT_EQ(*parse_duration("1.5s"), milliseconds{1'500});
  EXPECT_EQ(*parse_duration("0.001s"), milliseconds{1});
  EXPECT_EQ(*parse_duration("0.25h"), milliseconds{900'000});
  EXPECT_EQ(*parse_duration("1.0000000000000000000000ms"), milliseconds{1});
  EXPECT_EQ(duration_error("0.5ms"), "found '0.5ms', expected whole milliseconds");
  EXPECT_EQ(duration_error("1.0005s"), "found '1.0005s', expected whole milliseconds");
  EXPECT_EQ(duration_error("0.00000000000000000000001h"),
            "found '0.00000000000000000000001h', expected whole milliseconds");
}

TEST(ParseDuration, asks_for_a_missing_unit) {
  EXPECT_EQ(duration_error("30"),
            "found '30' without a unit, expected one of ms, s, m and h, such as '30s'");
}

TEST(ParseDuration, names_the_units_for_an_unknown_one) {
  EXPECT_EQ(duration_error("30sec"), "found the unit 'sec' in '30sec', expected ms, s, m or h");
  EXPECT_EQ(duration_error("30S"), "found the unit 'S' in '30S', expected ms, s, m or h");
  EXPECT_EQ(duration_error("1h30m"), "found the unit 'h30m' in '1h30m', expected ms, s, m or h");
}

TEST(ParseDuration, refuses_what_is_not_a_number_and_a_unit) {
  for (const char* text : {"", "s", "-5s", "+5s", ".5s", "5.s", " 5s", "five", "\xc3\xa4"}) {
    EXPECT_NE(duration_error(text).find("expected a number and a unit"), std::string::npos) << text;
  }
  for (const char* text : {"5s ", "5 s", "1.2.3s", "1e3s", "0x1s"}) {
    EXPECT_NE(duration_error(text).find("found the unit"), std::string::npos) << text;
  }
}

TEST(ParseDuration, ends_at_a_year_without_overflow) {
  EXPECT_EQ(*parse_duration("8760h"), max_duration);
  EXPECT_EQ(*parse_duration("31536000000ms"), max_duration);
  for (const char* text :
       {"8761h", "8760.5h", "31536000001ms", "31536000000.5s", "18446744073709551617ms",
        "5124095576030431h", "99999999999999999999999999999999999999s"}) {
    EXPECT_NE(duration_error(text).find("expected at most \"8760h\""), std::string::npos) << text;
  }
}

TEST(ParseSize, takes_every_unit) {
  EXPECT_EQ(*parse_size("0B"), 0U);
  EXPECT_EQ(*parse_size("512B"), 512U);
  EXPECT_EQ(*parse_size("64KiB"), 65'536U);
  EXPECT_EQ(*parse_size("1MiB"), 1'048'576U);
  EXPECT_EQ(*parse_size("2GiB"), 2'147'483'648U);
}

TEST(ParseSize, points_from_units_of_1000_to_units_of_1024) {
  EXPECT_EQ(size_error("8KB"),
            "found the unit 'KB' in '8KB', expected B, KiB, MiB or GiB; did you mean 'KiB' (1024 "
            "based)?");
  for (const char* text : {"8MB", "8mb", "8M", "8mib"}) {
    EXPECT_NE(size_error(text).find("did you mean 'MiB'"), std::string::npos) << text;
  }
  EXPECT_EQ(size_error("8X"), "found the unit 'X' in '8X', expected B, KiB, MiB or GiB");
}

TEST(ParseSize, asks_for_a_missing_unit) {
  EXPECT_EQ(size_error("64"),
            "found '64' without a unit, expected one of B, KiB, MiB and GiB, such as '64KiB'");
}

TEST(ParseSize, refuses_what_is_not_a_whole_number_and_a_unit) {
  for (const char* text : {"", "KiB", "-1KiB", "1.5KiB", " 1KiB"}) {
    EXPECT_NE(size_error(text).find("expected a whole number and a unit"), std::string::npos)
        << text;
  }
}

TEST(ParseSize, ends_at_63_bits_without_overflow) {
  EXPECT_EQ(*parse_size("9223372036854775807B"), max_size);
  EXPECT_EQ(*parse_size("8589934591GiB"), 8'589'934'591ULL << 30U);
  for (const char* text : {"9223372036854775808B", "8589934592GiB", "17179869185GiB",
                           "99999999999999999999999999999KiB"}) {
    EXPECT_NE(size_error(text).find("expected at most"), std::string::npos) << text;
  }
}

TEST(ToWeight, takes_every_decimal_with_two_places_exactly) {
  for (unsigned hundredths = 0; hundredths <= 10'000; ++hundredths) {
    const std::string text = std::to_string(hundredths / 100) + "." +
                             std::to_string(hundredths / 10 % 10) + std::to_string(hundredths % 10);
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    const auto weight = to_weight(number);
    ASSERT_TRUE(weight.ok()) << text;
    EXPECT_EQ(*weight, hundredths) << text;
  }
}

TEST(ToWeight, takes_integers) {
  EXPECT_EQ(*to_weight(std::int64_t{0}), 0U);
  EXPECT_EQ(*to_weight(std::int64_t{12}), 1'200U);
  EXPECT_EQ(*to_weight(std::int64_t{1'000'000}), weight_max);
  EXPECT_EQ(*to_weight(1'000'000.0), weight_max);
  EXPECT_EQ(*to_weight(999'999.99), weight_max - 1);
  EXPECT_EQ(*to_weight(-0.0), 0U);
}

TEST(ToWeight, refuses_more_than_two_decimals) {
  for (const double number : {12.345, 0.001, 0.009, 99.999, 1e-300, 999'999.995}) {
    EXPECT_FALSE(to_weight(number).ok()) << number;
  }
  EXPECT_EQ(to_weight(12.345).error(),
            "found the number 12.345, expected a weight from 0 to 1000000 with at most two "
            "decimals");
}

TEST(ToWeight, refuses_what_is_no_weight) {
  using Limits = std::numeric_limits<double>;
  for (const double number : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), -0.01,
                              1'000'000.01, Limits::max()}) {
    EXPECT_FALSE(to_weight(number).ok()) << number;
  }
  for (const std::int64_t number :
       {std::int64_t{-1}, std::int64_t{1'000'001}, INT64_MIN, INT64_MAX}) {
    EXPECT_FALSE(to_weight(number).ok()) << number;
  }
}

}  // namespace
}  // namespace sluice::conf
