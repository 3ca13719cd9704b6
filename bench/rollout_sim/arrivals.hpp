#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/rollout_sim/random.hpp"
#include "bench/rollout_sim/scenario.hpp"

namespace sluice::sim {

/// The requests of one run, as a Poisson process. They depend on the scenario and the seed and on
/// nothing that a policy does.
class Arrivals {
 public:
  Arrivals(const Scenario& scenario, std::uint64_t seed);

  /// Those that start in the next tick.
  const std::vector<Request>& next_tick();
  /// Decides anew, after the backends have been changed.
  void decide(std::span<Request> requests) const { world_.decide(requests); }
  double onset_s() const { return world_.onset_s; }

 private:
  void choose_unit(Request& request, Random& random) const;

  const Scenario* scenario_;
  Random random_;
  World world_;
  double mean_gap_us_;
  double next_start_us_ = 0;
  std::int64_t tick_end_us_ = 0;
  std::uint64_t unit_salt_;
  std::vector<Request> requests_;
};

}  // namespace sluice::sim
