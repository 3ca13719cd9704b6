#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::sim {

/// A log-normal time to the response head, given by two of its quantiles. Drawn by inversion, from
/// a table.
class LatencyLaw {
 public:
  /// Requires 0 < median_ms < p99_ms.
  LatencyLaw(double median_ms, double p99_ms);
  /// The quantile `part`, in [0, 1), in microseconds.
  std::uint32_t at(double part) const {
    const double place = part * static_cast<double>(cells);
    const auto cell = static_cast<std::size_t>(place);
    if (cell < tail_cells || cell >= cells - tail_cells) return exact(part);
    const double above = place - static_cast<double>(cell);
    return static_cast<std::uint32_t>(table_[cell] + above * (table_[cell + 1] - table_[cell]));
  }

 private:
  static constexpr std::size_t cells = 4096;
  static constexpr std::size_t tail_cells =
      4;  ///< at each end, where a straight line is too coarse
  std::uint32_t exact(double part) const;

  double log_median_;
  double sigma_;
  std::array<double, cells + 1> table_{};
};

}  // namespace sluice::sim
