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
    const double place = part * cells;
    const auto cell = static_cast<std::int32_t>(place);
    if (cell < tail_cells || cell >= cells - tail_cells) return exact(part);
    const std::uint32_t* low = &table_[static_cast<std::size_t>(cell)];
    const auto width = static_cast<std::int32_t>(low[1] - low[0]);
    return low[0] + static_cast<std::uint32_t>(static_cast<std::int32_t>((place - cell) * width));
  }

 private:
  static constexpr std::int32_t cells = 4096;
  static constexpr std::int32_t tail_cells =
      4;  ///< at each end, where a straight line is too coarse
  std::uint32_t exact(double part) const;

  double log_median_;
  double sigma_;
  std::array<std::uint32_t, cells + 1> table_{};
};

}  // namespace sluice::sim
