#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

/// What is normal for the old pool: running quantiles of its time to the response head. Pure.
namespace sluice::core {

/// Durations in log-linear buckets: 32 to each power of two, so a bucket is at most 3.2 % wide.
/// Resolution 1 microsecond; everything above two minutes is in the last bucket.
class LatencyHistogram {
 public:
  static constexpr std::size_t fine_bits = 5;
  static constexpr std::size_t fine = 1U << fine_bits;
  static constexpr std::size_t octaves = 22;
  static constexpr std::size_t size = fine * (octaves + 1);

  void observe(std::uint64_t ns) { ++counts_[index_of(ns)]; }
  void add(const LatencyHistogram& other);
  std::uint64_t at(std::size_t index) const { return counts_[index]; }

  static constexpr std::size_t index_of(std::uint64_t ns) {
    const std::uint64_t us = ns / 1000;
    if (us < fine) return us;
    const auto octave = static_cast<std::size_t>(std::bit_width(us)) - fine_bits;
    if (octave > octaves) return size - 1;
    return octave * fine + ((us >> (octave - 1)) & (fine - 1));
  }
  /// The first duration above a bucket, in nanoseconds.
  static constexpr std::uint64_t upper_ns(std::size_t index) {
    if (index < fine) return (index + 1) * 1000;
    const std::size_t octave = index / fine;
    return ((fine + index % fine + 1) << (octave - 1)) * 1000;
  }

 private:
  std::array<std::uint32_t, size> counts_{};
};

/// Quantiles of the last minutes: what was seen counts half after a minute.
class LatencyGauge {
 public:
  /// `so_far`: everything that was ever observed, this and earlier times; only the growth counts.
  void follow(const LatencyHistogram& so_far, std::uint64_t elapsed_ms);
  /// In nanoseconds; none while fewer than `enough` requests are remembered.
  std::optional<std::uint64_t> quantile(double part) const;

  static constexpr double enough = 100;

 private:
  std::array<double, LatencyHistogram::size> remembered_{};
  LatencyHistogram before_;
  double total_ = 0;
};

}  // namespace sluice::core
