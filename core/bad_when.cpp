#include "core/bad_when.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "core/octets.hpp"

namespace sluice::core {
namespace {

struct Operator {
  std::string_view text;
  Comparison comparison;
};

/// The longer ones first: "<" begins "<=".
constexpr std::array<Operator, 6> operators{{
    {"<=", Comparison::less_equal},
    {">=", Comparison::greater_equal},
    {"==", Comparison::equal},
    {"!=", Comparison::not_equal},
    {"<", Comparison::less},
    {">", Comparison::greater},
}};

std::optional<double> parse_finite(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::optional<BadWhen> parse_bad_when(std::string_view text) {
  text = trim_blanks(text);
  for (const Operator& one : operators) {
    if (!text.starts_with(one.text)) continue;
    const auto bound = parse_finite(trim_blanks(text.substr(one.text.size())));
    if (!bound) return std::nullopt;
    return BadWhen{one.comparison, *bound};
  }
  return std::nullopt;
}

bool holds(const BadWhen& condition, double value) {
  if (std::isnan(value)) return false;
  switch (condition.comparison) {
    case Comparison::less:
      return value < condition.bound;
    case Comparison::less_equal:
      return value <= condition.bound;
    case Comparison::greater:
      return value > condition.bound;
    case Comparison::greater_equal:
      return value >= condition.bound;
    case Comparison::equal:
      return value == condition.bound;
    case Comparison::not_equal:
      return value != condition.bound;
  }
  return false;
}

}  // namespace sluice::core
