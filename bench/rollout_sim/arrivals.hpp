#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/rollout_sim/poisson_law.hpp"
#include "bench/rollout_sim/random.hpp"
#include "bench/rollout_sim/scenario.hpp"

namespace sluice::sim {

/// The requests of one run, as a Poisson process. They depend on the scenario and the seed and on
/// nothing that a policy does.
class Arrivals {
 public:
  Arrivals(const Scenario& scenario, std::uint64_t seed);

  /// Those that start in the next tick, in no order.
  const std::vector<Request>& next_tick();
  /// Decides anew, after the backends have been changed.
  void decide(std::span<Request> requests) const { world_.decide(requests); }
  double onset_s() const { return world_.onset_s; }

 private:
  void draw(Request& request, Random& random) const;
  void choose_unit(Request& request, Random& random) const;

  const Scenario* scenario_;
  Random random_;
  World world_;
  PoissonLaw count_;  ///< of a tick
  std::int64_t tick_begin_us_ = 0;
  std::uint64_t unit_salt_;
  std::vector<Request> requests_;
};

}  // namespace sluice::sim
