#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bench/rollout_sim/arrivals.hpp"
#include "bench/rollout_sim/request.hpp"
#include "bench/rollout_sim/scenario.hpp"
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

/// The proxy: splits requests by their draw, counts as it does, and shows every outcome at the
/// moment it would be known.
class Traffic {
 public:
  /// `judges_latency`: somebody asks for the quantile streams.
  Traffic(const Scenario& scenario, bool judges_latency);

  /// For requests from now on: share of NEW, 0 to 1.
  void set_weight(double weight) { weights_.push_back(weight); }
  void begin_period(std::uint32_t period) { period_ = period; }
  void eject(std::uint8_t backend);
  void give(const Arrivals& arrivals, const Request& request, const Limits& limits);
  /// Ends the tick. Valid until the next one ends.
  const Known& take();
  const Harm& harm() const { return harm_; }
  std::uint8_t new_up() const { return new_up_; }

 private:
  /// What is known at the end of a tick of the requests of one weight.
  struct EpochCounts {
    std::uint32_t epoch = 0;
    core::VersionCounts old_pool = {};
    core::VersionCounts new_pool = {};
    std::array<core::StreamNumbers, backends> by_backend{};
  };
  struct Slot {
    std::vector<EpochCounts> epochs;
    Known known;
  };
  /// One version's side of a request.
  struct Attempt {
    bool is_new = false;
    std::uint8_t backend = 0;
    std::int64_t start_us = 0;
    Fate fate;
    bool is_first_ever = true;  ///< of its unit
    bool is_first_in_period = true;
  };

  Slot& slot_at(std::int64_t us);
  EpochCounts& counts_in(Slot& slot) const;
  void look_up_unit(std::uint32_t unit, Attempt& attempt);
  void judge(const Attempt& attempt, const Limits& limits);
  void judge_latency(const Attempt& attempt, const Limits& limits, EpochCounts& at_end);
  void watch(const Attempt& attempt, const Limits& limits);
  void weigh_harm(const Request& request);
  core::Observation observation_of(const EpochCounts& counts) const;

  bool judges_latency_;
  std::vector<double> weights_{0};  ///< by epoch
  std::uint32_t period_ = 0;
  std::vector<std::uint32_t> judged_in_;  ///< by unit: the last period, and 1; 0: never
  std::array<bool, backends> is_out_{};
  std::uint8_t new_up_ = backends;
  std::int64_t tick_ = 0;
  std::vector<Slot> ring_;
  Known taken_;
  Harm harm_;
};

}  // namespace sluice::sim
