#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/rollout_sim/arrivals.hpp"
#include "bench/rollout_sim/request.hpp"
#include "bench/rollout_sim/scenario.hpp"
#include "bench/rollout_sim/tally.hpp"
#include "core/ledger.hpp"

namespace sluice::sim {

/// When a request counts as slow: frozen for the length of a tick.
struct Limits {
  bool are_known = false;
  std::array<std::uint32_t, quantiles> old_us{};  ///< rising
  std::array<std::uint32_t, quantiles> new_us{};
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
  void set_weight(double weight) {
    weights_.push_back(weight);
    ++epoch_;
  }
  void begin_period(std::uint32_t period) { period_ = period; }
  void eject(std::uint8_t backend);
  /// All requests that start in this tick.
  void give(const Arrivals& arrivals, std::span<const Request> requests, const Limits& limits);
  /// Ends the tick. Valid until the next one ends.
  Known& take();
  const Harm& harm() const { return harm_; }
  std::uint8_t new_up() const { return new_up_; }

 private:
  /// What is known at the end of a tick of the requests of one weight.
  struct EpochTally {
    static constexpr std::uint32_t none = 0xffffffff;
    std::uint32_t epoch = none;
    Tally of_old = {};
    Tally of_new = {};
    std::array<std::array<std::uint32_t, stream_count>, backends> bad_by_backend{};  ///< of NEW
    bool operator==(const EpochTally&) const = default;
  };
  struct Slot {
    EpochTally latest;
    std::vector<EpochTally> earlier;
    Known known;
  };
  /// One version's side of a request.
  struct Attempt {
    bool is_new = false;
    std::uint8_t backend = 0;
    Novelty novelty = Novelty::first_ever;
    std::uint32_t start_us = 0;  ///< since the tick began
    Fate fate;
  };

  Slot& slot_at(std::uint32_t us);
  EpochTally& tally_in(Slot& slot) const;
  void begin_epoch(Slot& slot) const;
  Novelty novelty_of(std::uint32_t unit);
  void give_old(const Request& request, const Limits& limits);
  void give_new(const Request& request, const Limits& limits);
  Request diverted(const Arrivals& arrivals, const Request& request) const;
  std::uint32_t since_tick(const Request& request) const;
  void count(const Attempt& attempt, const Limits& limits);
  std::size_t count_slow(const Attempt& attempt, const Limits& limits);
  void become_slow(const Attempt& attempt, std::size_t index, std::uint32_t limit_us,
                   std::uint32_t slow);
  void watch_old(const Attempt& attempt, const Limits& limits);
  void weigh_harm(const Request& request);
  void show(const EpochTally& tally);
  core::Observation observation_of(const EpochTally& tally) const;

  bool judges_latency_;
  std::vector<double> weights_{0};  ///< by epoch
  std::uint32_t epoch_ = 0;         ///< the present one
  std::uint32_t period_ = 0;
  std::vector<std::uint32_t> judged_in_;  ///< by unit: the last period, and 1; 0: never
  std::array<bool, backends> is_out_{};
  std::uint8_t new_up_ = backends;
  std::uint32_t tick_ = 0;
  std::int64_t tick_begin_us_ = 0;
  std::vector<Slot> ring_;
  Known taken_;
  Harm harm_;
};

}  // namespace sluice::sim
