#include "bench/rollout_sim/behaviour.hpp"

namespace sluice::sim {

const LatencyLaw& usual_latency() {
  static const LatencyLaw law(20, 100);
  return law;
}

Fate fate_of(const Luck& luck, const Behaviour& behaviour) {
  const LatencyLaw& law = behaviour.latency == nullptr ? usual_latency() : *behaviour.latency;
  Fate fate;
  fate.us = static_cast<std::uint32_t>(law.at(luck.latency) * behaviour.slower);
  fate.failed = luck.status < behaviour.error_rate;
  fate.client_error = !fate.failed && luck.status >= 1 - behaviour.client_error_rate;
  return fate;
}

void fail(Fate& fate) {
  fate.failed = true;
  fate.client_error = false;
}

}  // namespace sluice::sim
