#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// When the answer of a query speaks against a rollout.
namespace sluice::core {

enum class Comparison : std::uint8_t {
  less,           ///< <
  less_equal,     ///< <=
  greater,        ///< >
  greater_equal,  ///< >=
  equal,          ///< ==
  not_equal,      ///< !=
};

/// A sample is bad when it stands in this relation to `bound`.
struct BadWhen {
  Comparison comparison = Comparison::greater;
  double bound = 0;  ///< finite
  bool operator==(const BadWhen&) const = default;
};

/// Reads "> 0.85": an operator of PromQL and a finite decimal number, blanks where wished. None for
/// anything else.
std::optional<BadWhen> parse_bad_when(std::string_view text);

/// Whether `value` is bad. NaN never is: it is no evidence.
bool holds(const BadWhen& condition, double value);

}  // namespace sluice::core
