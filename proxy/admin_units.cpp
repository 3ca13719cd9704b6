#include "proxy/admin_units.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <system_error>

namespace sluice::proxy {
namespace {

constexpr std::int64_t max_duration_ms = 1000LL * 3600 * 1000;

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

std::int64_t unit_ms(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1000;
  if (unit == "m") return 60 * 1000;
  if (unit == "h") return 3600 * 1000;
  return 0;
}

}  // namespace

std::optional<Weight> parse_weight(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = parse_digits(text.substr(0, point));
  if (!whole || *whole > weight_max / weight_one) return std::nullopt;
  std::uint64_t hundredths = *whole * weight_one;
  if (point != std::string_view::npos) {
    const std::string_view decimals = text.substr(point + 1);
    const auto rest = parse_digits(decimals);
    if (!rest || decimals.size() > 2) return std::nullopt;
    hundredths += decimals.size() == 1 ? *rest * 10 : *rest;
  }
  if (hundredths > weight_max) return std::nullopt;
  return static_cast<Weight>(hundredths);
}

std::optional<Weight> weight_of(double number) {
  constexpr double largest = weight_max / static_cast<double>(weight_one);
  if (!(number >= 0) || number > largest) return std::nullopt;
  const double hundredths = std::round(number * weight_one);
  const double nearest = hundredths / weight_one;
  const double tolerance = nearest * 2 * std::numeric_limits<double>::epsilon();
  if (std::abs(number - nearest) > tolerance) return std::nullopt;
  return static_cast<Weight>(hundredths);
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789");
  if (end == std::string_view::npos) return std::nullopt;
  const auto count = parse_digits(text.substr(0, end));
  const std::int64_t unit = unit_ms(text.substr(end));
  if (!count || unit == 0 || *count > static_cast<std::uint64_t>(max_duration_ms / unit))
    return std::nullopt;
  return milliseconds{static_cast<std::int64_t>(*count) * unit};
}

}  // namespace sluice::proxy
