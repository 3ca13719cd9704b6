#include "bench/rollout_sim/behaviour.hpp"

namespace sluice::sim {

const LatencyLaw& usual_latency() {
  static const LatencyLaw law(20, 100);
  return law;
}

void fail(Fate& fate) {
  fate.failed = true;
  fate.client_error = false;
}

}  // namespace sluice::sim
