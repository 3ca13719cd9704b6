#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bench/rollout_sim/arrivals.hpp"
#include "bench/rollout_sim/request.hpp"
#include "bench/rollout_sim/scenario.hpp"
#include "core/latency.hpp"
#include "core/ledger.hpp"

namespace sluice::sim {

/// When a request counts as slow: frozen for the length of a tick.
struct Limits {
  bool are_known = false;
  std::array<std::uint32_t, 3> old_us{};  ///< of p50, p90, p99
  std::array<std::uint32_t, 3> new_us{};
};

/// What a monitoring system sees of one version, as counters that only grow.
struct Counters {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t over_500ms = 0;
};

/// What has become known in a tick.
struct Known {
  std::vector<core::Observation> observations;
  std::vector<std::uint32_t> old_latencies_us;  ///< of OLD's successes
  std::int64_t overdue = 0;                     ///< change of their number
  Counters of_old;
  Counters of_new;
  bool new_did_harm = false;  ///< a request went wrong on NEW that OLD would have served
};

/// What users had from NEW.
struct Harm {
  std::uint64_t on_new = 0;  ///< requests
  std::int64_t errors = 0;   ///< more than OLD would have made
  std::int64_t slow = 0;
};

/// The proxy: splits requests by their draw and shows every outcome at the moment it would be
/// known.
class Traffic {
 public:
  Traffic(const Scenario& scenario, bool keeps_latencies);

  /// For requests from now on: share of NEW, 0 to 1.
  void set_weight(double weight);
  void eject(std::uint8_t backend);
  void give(const Arrivals& arrivals, const Request& request, const Limits& limits);
  /// Ends the tick.
  Known take();
  const Harm& harm() const { return harm_; }
  std::uint8_t new_up() const { return new_up_; }

 private:
  struct EpochCounts {
    std::uint32_t epoch = 0;
    core::VersionCounts old_pool = {};
    core::VersionCounts new_pool = {};
    std::array<core::StreamNumbers, backends> by_backend{};
  };
  struct Slot {
    std::vector<EpochCounts> epochs;
    std::vector<std::uint32_t> old_latencies_us;
    std::int64_t overdue = 0;
    Counters of_old;
    Counters of_new;
    bool new_did_harm = false;
  };
  /// One version's side of a request.
  struct Attempt {
    bool is_new = false;
    std::uint32_t unit = 0;
    std::uint8_t backend = 0;
    std::int64_t start_us = 0;
    Fate fate;
  };

  Slot& slot_at(std::int64_t us);
  void count(const Attempt& attempt, std::int64_t us, Stream stream, bool is_bad);
  bool is_first(const Attempt& attempt, Stream stream);
  bool is_timed(const Attempt& attempt);
  void judge(const Attempt& attempt, const Limits& limits);
  void judge_latency(const Attempt& attempt, const Limits& limits);
  void watch(const Attempt& attempt, const Limits& limits);
  void weigh_harm(const Request& request);
  core::Observation observation_of(const EpochCounts& counts) const;

  Judged judged_;
  bool keeps_latencies_;
  std::vector<double> weights_;          ///< by epoch
  std::vector<std::uint8_t> seen_;       ///< by unit and version: streams of its bad events
  std::vector<std::uint32_t> timed_in_;  ///< by unit: epoch of the last request judged by its time
  std::array<bool, backends> is_out_{};
  std::uint8_t new_up_ = backends;
  std::int64_t tick_ = 0;
  std::vector<Slot> ring_;
  Harm harm_;
};

}  // namespace sluice::sim
