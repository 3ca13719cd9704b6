#pragma once

#include <cmath>
#include <cstdint>

namespace sluice::core {

/// The probability of exactly `hits` in `tries`.
inline double binomial(std::uint64_t hits, std::uint64_t tries, double probability) {
  const auto n = static_cast<double>(tries);
  const auto k = static_cast<double>(hits);
  return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                  k * std::log(probability) + (n - k) * std::log1p(-probability));
}

}  // namespace sluice::core
