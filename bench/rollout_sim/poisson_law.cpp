#include "bench/rollout_sim/poisson_law.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::sim {

PoissonLaw::PoissonLaw(double mean) {
  constexpr double nothing = 1e-18;
  double log_chance = -mean;
  double sum = std::exp(log_chance);
  at_most_.push_back(sum);
  for (double number = 1; number <= mean || std::exp(log_chance) > nothing; ++number) {
    log_chance += std::log(mean / number);
    sum += std::exp(log_chance);
    at_most_.push_back(sum);
  }
}

std::size_t PoissonLaw::at(double part) const {
  const auto found = std::upper_bound(at_most_.begin(), at_most_.end(), part);
  return static_cast<std::size_t>(found - at_most_.begin());
}

}  // namespace sluice::sim
