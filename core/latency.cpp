#include "core/latency.hpp"

#include <cmath>

namespace sluice::core {
namespace {

constexpr double half_life_ms = 60'000;

}  // namespace

void LatencyHistogram::add(const LatencyHistogram& other) {
  for (std::size_t index = 0; index < size; ++index) counts_[index] += other.counts_[index];
}

void LatencyGauge::follow(const LatencyHistogram& so_far, std::uint64_t elapsed_ms) {
  const double kept = std::exp2(-static_cast<double>(elapsed_ms) / half_life_ms);
  total_ = 0;
  for (std::size_t index = 0; index < LatencyHistogram::size; ++index) {
    // Counters wrap; the difference does not.
    const auto fresh = static_cast<std::uint32_t>(so_far.at(index) - before_.at(index));
    remembered_[index] = remembered_[index] * kept + static_cast<double>(fresh);
    total_ += remembered_[index];
  }
  before_ = so_far;
}

std::optional<std::uint64_t> LatencyGauge::quantile(double part) const {
  if (total_ < enough) return std::nullopt;
  double below = 0;
  for (std::size_t index = 0; index < LatencyHistogram::size; ++index) {
    below += remembered_[index];
    if (below >= part * total_) return LatencyHistogram::upper_ns(index);
  }
  return LatencyHistogram::upper_ns(LatencyHistogram::size - 1);
}

}  // namespace sluice::core
