#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "bench/rollout_sim/request.hpp"
#include "core/ledger.hpp"

namespace sluice::sim {

/// How new a request is to those who judge users, not requests: what it counts for.
enum class Novelty : std::uint8_t {
  first_ever,       ///< of its unit; a request that stands for itself, too
  first_in_period,  ///< and not the first ever
  repeated,         ///< within the period
};
inline constexpr std::size_t novelties = 3;

inline constexpr std::size_t quantiles = 3;  ///< p50, p90, p99
inline constexpr std::array<std::size_t, quantiles> quantile_streams{
    core::index_of(Stream::p50), core::index_of(Stream::p90), core::index_of(Stream::p99)};

/// How a request ended, for all streams at once. A success is told by the number of limits, of p50,
/// p90 and p99, that it took longer than: 0 to 3.
inline constexpr std::size_t end_failed = quantiles + 1;
inline constexpr std::size_t end_refused = quantiles + 2;
inline constexpr std::size_t end_without_limits = quantiles + 3;  ///< a success nobody judges
inline constexpr std::size_t ends = quantiles + 4;

/// What is known at the end of a tick of one version's requests: as few numbers as everything else
/// can be computed from, since nearly all time goes into counting.
struct Tally {
  std::array<std::array<std::uint32_t, ends>, novelties> ended{};
  /// Took longer than the limit, which has just passed. However they will end.
  std::array<std::array<std::uint32_t, quantiles>, novelties> became_slow{};

  /// As the proxy counts it, stream by stream. A slow request counts at the moment it becomes slow.
  /// One that fails or is refused before then has no time.
  core::VersionCounts counts() const;
  std::uint64_t requests() const;
  std::uint64_t failed() const;
  bool operator==(const Tally&) const = default;
};

}  // namespace sluice::sim
