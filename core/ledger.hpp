#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sluice/rollout.hpp"

/// The counts a rollout is judged by. Integers only, so that what workers, and later whole proxies,
/// have counted adds up in any order, and everything else can be computed from them again.
namespace sluice::core {

/// One number per stream.
using StreamNumbers = std::array<std::uint64_t, stream_count>;

constexpr std::size_t index_of(Stream stream) {
  return static_cast<std::size_t>(stream);
}
inline constexpr std::size_t error_stream = index_of(Stream::errors);

/// What one version did, stream by stream. A request counts in a stream when that stream judges it:
/// failed requests are in `errors` and not in the quantiles.
struct VersionCounts {
  StreamNumbers requests{};
  StreamNumbers bad{};
  /// Of the bad ones, those that are not the first request ever of their unit: a user counts once
  /// as evidence. None when requests are drawn one by one.
  StreamNumbers repeats{};
  /// The same within the present period.
  StreamNumbers period_repeats{};
  /// Requests that are not the first of their unit in the present period.
  std::uint64_t repeated_requests = 0;

  void add(const VersionCounts& other);
  bool is_zero() const;
  bool operator==(const VersionCounts&) const = default;
};

/// The bad events that count as evidence from the beginning on.
inline std::uint64_t evident(const VersionCounts& counts, std::size_t stream) {
  return counts.bad[stream] - counts.repeats[stream];
}
/// The same for one period.
inline std::uint64_t evident_in_period(const VersionCounts& counts, std::size_t stream) {
  return counts.bad[stream] - counts.period_repeats[stream];
}

/// Bad events of one backend of NEW, repeats within a period left out.
struct BackendBad {
  std::string backend;
  StreamNumbers bad{};
  bool operator==(const BackendBad&) const = default;
};

/// What was counted under one weight since the last look.
struct Observation {
  /// Period of the ledger in which the outcomes were seen; `present`: the one when it is counted.
  static constexpr std::uint32_t present = 0xffffffff;
  std::uint32_t period = present;
  double weight = 0;  ///< probability with which these requests were given to NEW, 0 to 1
  VersionCounts old_pool;
  VersionCounts new_pool;
  std::vector<BackendBad> by_backend;  ///< of new_pool.bad
  bool operator==(const Observation&) const = default;
};

/// Adds `more` to `all`, backend by backend.
void add_backends(std::vector<BackendBad>& all, const std::vector<BackendBad>& more);

/// All observations of a rollout, by weight and by period. A period ends when the restarted copies
/// of the evidence begin anew.
class Ledger {
 public:
  /// The period is that of the observation.
  void add(const Observation& observation);
  /// Puts everything from before a period together, weight by weight, as of the first period.
  void compact(std::uint32_t before);
  /// Takes out what one backend of NEW did badly; its requests stay.
  void forgive(const std::string& backend);
  /// Begins the next period.
  void restart() { ++period_; }
  std::uint32_t period() const { return period_; }

  /// Periods never fall from entry to entry.
  const std::vector<Observation>& entries() const { return entries_; }
  /// One entry for each weight, whatever the period, in the order in which the weights first stand
  /// there. Without backends; the period means nothing.
  std::vector<Observation> by_weight() const;
  /// Over all entries; the weight means nothing.
  Observation total() const;

  /// For a ledger that was kept on disk.
  static Ledger restore(std::uint32_t period, std::vector<Observation> entries);
  bool operator==(const Ledger&) const = default;

 private:
  std::uint32_t period_ = 0;
  std::vector<Observation> entries_;
};

}  // namespace sluice::core
