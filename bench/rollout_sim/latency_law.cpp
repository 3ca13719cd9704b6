#include "bench/rollout_sim/latency_law.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sluice::sim {
namespace {

constexpr double normal_p99 = 2.3263478740408408;
constexpr double longest_us = 60e6;

/// The standard normal quantile, by bisection.
double normal_quantile(double part) {
  double low = -9;
  double high = 9;
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::numbers::sqrt2) / 2 < part ? low : high) = middle;
  }
  return low;
}

}  // namespace

LatencyLaw::LatencyLaw(double median_ms, double p99_ms)
    : log_median_(std::log(median_ms * 1000)), sigma_(std::log(p99_ms / median_ms) / normal_p99) {
  for (std::size_t cell = 0; cell <= cells; ++cell) {
    table_[cell] = exact(static_cast<double>(cell) / static_cast<double>(cells));
  }
}

std::uint32_t LatencyLaw::exact(double part) const {
  const double us = std::exp(log_median_ + sigma_ * normal_quantile(part));
  return static_cast<std::uint32_t>(std::min(us, longest_us));
}

}  // namespace sluice::sim
