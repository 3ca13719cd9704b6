#pragma once

#include <cstdint>

#include "bench/rollout_sim/figures.hpp"

namespace sluice::sim {

struct RunSettings {
  std::uint64_t runs = 100;
  std::uint64_t seed = 1;
  unsigned threads = 2;
};

/// Runs them all; the same settings give the same figures, on any number of threads.
Figures run_all(const Scenario& scenario, const PolicyKind& kind, const RunSettings& settings);

}  // namespace sluice::sim
