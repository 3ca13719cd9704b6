#pragma once

#include <cstdint>
#include <string>

#include "bench/rollout_sim/policy.hpp"
#include "bench/rollout_sim/scenario.hpp"
#include "bench/rollout_sim/traffic.hpp"

namespace sluice::sim {

/// How one run of one policy ended.
struct TrialResult {
  End end = End::none;
  std::string reason;  ///< of a rollback
  double end_s = 0;    ///< of the decision
  double delay_s = 0;  ///< the same, since NEW became worse
  bool has_held = false;
  bool has_ejected = false;
  Harm harm_by_then;  ///< when it was decided
  Harm harm;          ///< until the decision is in force
};

/// The same scenario and seed give every policy the same requests.
TrialResult run_trial(const Scenario& scenario, const PolicyKind& kind, std::uint64_t seed);

}  // namespace sluice::sim
