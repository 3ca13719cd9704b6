#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "sluice/settings.hpp"

/// Quantities with a unit, and weights. An error is half a sentence, "found ..., expected ...",
/// that follows the name of the key.
namespace sluice::conf {

/// The longest duration: a year. Far from where a clock plus a duration overflows.
inline constexpr milliseconds max_duration = std::chrono::hours{8760};

/// The largest size: what a signed 64 bit number holds.
inline constexpr std::uint64_t max_size = INT64_MAX;

/// "250ms", "30s", "5m", "1h", "1.5s": a decimal number and a unit, together whole milliseconds.
core::Result<milliseconds, std::string> parse_duration(std::string_view text);

/// "64KiB": a whole number and one of B, KiB, MiB, GiB (powers of 1024), in octets.
core::Result<std::uint64_t, std::string> parse_size(std::string_view text);

/// A kind of number that carries at most two decimals and is kept in hundredths.
struct Decimal {
  std::string_view name;   ///< as in "expected <name> from 0 to 100 with at most two decimals"
  std::uint32_t most = 0;  ///< in hundredths, a whole number
};
inline constexpr Decimal weight_number{"a weight", weight_max};
inline constexpr Decimal percentage{"a percentage", 100 * 100};
inline constexpr Decimal points_a_minute{"percent points a minute", 100 * 6'000};

/// "a weight from 0 to 1000000 with at most two decimals"
std::string range_of(const Decimal& kind);

/// Hundredths: 12 is 1200. From 0 to the most of its kind.
core::Result<std::uint32_t, std::string> to_hundredths(std::int64_t number, const Decimal& kind);

/// Hundredths: 12.5 is 1250. A number that is not the closest double of a decimal with two places
/// is refused, never rounded.
core::Result<std::uint32_t, std::string> to_hundredths(double number, const Decimal& kind);

/// A weight in hundredths: 12 is 1200. At most weight_max.
core::Result<Weight, std::string> to_weight(std::int64_t number);

/// A weight in hundredths: 12.5 is 1250; as to_hundredths().
core::Result<Weight, std::string> to_weight(double number);

}  // namespace sluice::conf
