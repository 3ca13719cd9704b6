#pragma once

#include "bench/rollout_sim/latency_law.hpp"
#include "bench/rollout_sim/request.hpp"

namespace sluice::sim {

/// How a version answers, for the making of scenarios.
struct Behaviour {
  double error_rate = 0.001;
  double client_error_rate = 0.02;
  double slower = 1;                    ///< factor of all times
  const LatencyLaw* latency = nullptr;  ///< null: the usual one
};

/// Median 20 ms, p99 100 ms.
inline const LatencyLaw& usual_latency() {
  static const LatencyLaw law(20, 100);
  return law;
}
/// Slower than this is slow for a user: the usual p99 with what is tolerated on top.
inline constexpr std::uint32_t slow_us = 122'000;

inline Fate fate_of(const Luck& luck, const Behaviour& behaviour) {
  const LatencyLaw& law = behaviour.latency == nullptr ? usual_latency() : *behaviour.latency;
  Fate fate{.us = static_cast<std::uint32_t>(law.at(luck.latency) * behaviour.slower)};
  if (luck.status < behaviour.error_rate) {
    fate.answer = Answer::failure;
  } else if (luck.status >= 1 - behaviour.client_error_rate) {
    fate.answer = Answer::refusal;
  }
  return fate;
}

/// It fails instead, after the same time.
void fail(Fate& fate);

}  // namespace sluice::sim
