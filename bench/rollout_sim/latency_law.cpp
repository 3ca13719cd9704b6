#include "bench/rollout_sim/latency_law.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sluice::sim {
namespace {

constexpr double normal_p99 = 2.3263478740408408;
constexpr double longest_us = 60e6;

/// The standard normal quantile, as exact as a double is: a rational approximation (Abramowitz and
/// Stegun, 26.2.23), good to three digits, made better by two steps of Halley's method, each of
/// which triples the digits.
double normal_quantile(double part) {
  const double tail = std::min(part, 1 - part);
  const double t = std::sqrt(-2 * std::log(std::max(tail, 1e-19)));
  double above = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                         (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int step = 0; step < 2; ++step) {
    const double density = std::exp(-above * above / 2) / std::sqrt(2 * std::numbers::pi);
    const double off = (std::erfc(above / std::numbers::sqrt2) / 2 - tail) / density;
    above += off / (1 - above * off / 2);
  }
  return part < 0.5 ? -above : above;
}

}  // namespace

LatencyLaw::LatencyLaw(double median_ms, double p99_ms)
    : log_median_(std::log(median_ms * 1000)), sigma_(std::log(p99_ms / median_ms) / normal_p99) {
  for (std::size_t cell = 0; cell < table_.size(); ++cell) {
    table_[cell] = exact(static_cast<double>(cell) / cells);
  }
}

std::uint32_t LatencyLaw::exact(double part) const {
  const double us = std::exp(log_median_ + sigma_ * normal_quantile(part));
  return static_cast<std::uint32_t>(std::min(us, longest_us));
}

}  // namespace sluice::sim
