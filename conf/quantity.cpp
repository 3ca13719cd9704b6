#include "conf/quantity.hpp"

#include <array>
#include <cmath>
#include <optional>
#include <span>

#include "conf/nearest.hpp"
#include "conf/words.hpp"

namespace sluice::conf {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 4> duration_units{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 4> size_units{
    {{"B", 1}, {"KiB", 1U << 10U}, {"MiB", 1U << 20U}, {"GiB", 1U << 30U}}};

/// "1.5s" as "1", "5" and "s". `point` tells "1." from "1".
struct Quantity {
  std::string_view whole;
  bool point = false;
  std::string_view fraction;
  std::string_view unit;
};

std::string_view take_digits(std::string_view& text) {
  const auto end = text.find_first_not_of("0123456789");
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(digits.size());
  return digits;
}

/// Nothing when `text` does not begin with a number, or only with half of one.
std::optional<Quantity> split_quantity(std::string_view text) {
  Quantity quantity;
  quantity.whole = take_digits(text);
  if (text.starts_with('.')) {
    quantity.point = true;
    text.remove_prefix(1);
    quantity.fraction = take_digits(text);
  }
  if (quantity.whole.empty() || (quantity.point && quantity.fraction.empty())) return std::nullopt;
  quantity.unit = text;
  return quantity;
}

/// The value of a run of digits, or nothing when it is above `most`.
std::optional<std::uint64_t> number_of(std::string_view digits, std::uint64_t most) {
  std::uint64_t number = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (digit > most || number > (most - digit) / 10) return std::nullopt;
    number = number * 10 + digit;
  }
  return number;
}

std::optional<std::uint64_t> factor_of(std::string_view name, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.factor;
  }
  return std::nullopt;
}

/// `fraction`, the digits behind the point, times `factor`; nothing when that is not whole.
std::optional<std::uint64_t> whole_part(std::string_view fraction, std::uint64_t factor) {
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  if (fraction.size() > 9) return std::nullopt;
  std::uint64_t product = factor;
  std::uint64_t divisor = 1;
  product *= number_of(fraction, UINT64_MAX).value_or(0);
  for (std::size_t i = 0; i < fraction.size(); ++i) divisor *= 10;
  if (product % divisor != 0) return std::nullopt;
  return product / divisor;
}

std::string wrong_duration(std::string_view text) {
  return "found " + in_quotes(text) +
         R"(, expected a number and a unit, such as "250ms", "30s", "5m" or "1h")";
}

std::string wrong_size(std::string_view text) {
  return "found " + in_quotes(text) +
         R"(, expected a whole number and a unit, such as "512B", "64KiB", "1MiB" or "2GiB")";
}

std::string wrong_unit(std::string_view unit, std::string_view text, std::string_view allowed) {
  return "found the unit " + in_quotes(unit) + " in " + in_quotes(text) + ", expected " +
         std::string(allowed);
}

std::string wrong_size_unit(std::string_view unit, std::string_view text) {
  constexpr std::array<std::string_view, 3> binary{"KiB", "MiB", "GiB"};
  std::string what = wrong_unit(unit, text, "B, KiB, MiB or GiB");
  for (const std::string_view name : binary) {
    const bool meant = unit == name.substr(0, 1) || edit_distance(unit, name) == 0 ||
                       edit_distance(unit, std::string{name[0], 'B'}) == 0;
    if (meant) return what + "; did you mean " + in_quotes(name) + " (1024 based)?";
  }
  return what;
}

constexpr std::uint32_t one = 100;

std::string wrong_decimal(const std::string& found, const Decimal& kind) {
  return "found " + found + ", expected " + range_of(kind);
}

std::string described(double number) {
  return describe(Node{.place = {}, .value = number});
}

}  // namespace

core::Result<milliseconds, std::string> parse_duration(std::string_view text) {
  const auto parts = split_quantity(text);
  if (!parts) return wrong_duration(text);
  if (parts->unit.empty()) {
    return "found " + in_quotes(text) +
           " without a unit, expected one of ms, s, m and h, such as " +
           in_quotes(std::string(text) + "s");
  }
  const auto factor = factor_of(parts->unit, duration_units);
  if (!factor) return wrong_unit(parts->unit, text, "ms, s, m or h");

  const auto most = static_cast<std::uint64_t>(max_duration.count());
  const auto whole = number_of(parts->whole, most / *factor);
  const auto rest = whole_part(parts->fraction, *factor);
  if (!rest) return "found " + in_quotes(text) + ", expected whole milliseconds";
  if (!whole || *whole * *factor + *rest > most) {
    return "found " + in_quotes(text) + ", expected at most \"8760h\" (a year)";
  }
  return milliseconds{*whole * *factor + *rest};
}

core::Result<std::uint64_t, std::string> parse_size(std::string_view text) {
  const auto parts = split_quantity(text);
  if (!parts || parts->point) return wrong_size(text);
  if (parts->unit.empty()) {
    return "found " + in_quotes(text) +
           " without a unit, expected one of B, KiB, MiB and GiB, such " + "as " +
           in_quotes(std::string(text) + "KiB");
  }
  const auto factor = factor_of(parts->unit, size_units);
  if (!factor) return wrong_size_unit(parts->unit, text);

  const auto whole = number_of(parts->whole, max_size / *factor);
  if (!whole) return "found " + in_quotes(text) + ", expected at most \"8589934591GiB\"";
  return *whole * *factor;
}

std::string range_of(const Decimal& kind) {
  return std::string(kind.name) + " from 0 to " + std::to_string(kind.most / one) +
         " with at most two decimals";
}

core::Result<std::uint32_t, std::string> to_hundredths(std::int64_t number, const Decimal& kind) {
  if (number < 0 || number > kind.most / one) {
    return wrong_decimal("the integer " + std::to_string(number), kind);
  }
  return static_cast<std::uint32_t>(number) * one;
}

core::Result<std::uint32_t, std::string> to_hundredths(double number, const Decimal& kind) {
  const double most = static_cast<double>(kind.most) / one;
  // Also false for NaN.
  if (!(number >= 0 && number <= most)) return wrong_decimal(described(number), kind);
  const double hundredths = std::round(number * one);
  // Both sides are the double closest to the same decimal, so they are equal exactly when `number`
  // was written with at most two decimals. Comparing number * 100 would fail for 0.07.
  if (hundredths / one != number) return wrong_decimal(described(number), kind);
  return static_cast<std::uint32_t>(hundredths);
}

core::Result<Weight, std::string> to_weight(std::int64_t number) {
  return to_hundredths(number, weight_number);
}

core::Result<Weight, std::string> to_weight(double number) {
  return to_hundredths(number, weight_number);
}

}  // namespace sluice::conf
