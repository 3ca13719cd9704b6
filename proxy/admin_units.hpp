#pragma once

#include <optional>
#include <string_view>

#include "sluice/settings.hpp"

/// Weights and durations as people write them, for the admin interface and its client.
namespace sluice::proxy {

/// A decimal with at most two decimals, up to weight_max, as hundredths: "12.5" is 1250. No sign,
/// no exponent.
std::optional<Weight> parse_weight(std::string_view text);

/// The same for a number that a JSON reader has made a double of. None when it is not a whole
/// number of hundredths (but for the rounding of the double), negative or above weight_max.
std::optional<Weight> weight_of(double number);

/// A whole number with a unit: "250ms", "30s", "5m", "2h"; at most 1000 hours.
std::optional<milliseconds> parse_duration(std::string_view text);

}  // namespace sluice::proxy
