#include "bench/rollout_sim/behaviour.hpp"

namespace sluice::sim {

void fail(Fate& fate) {
  fate.answer = Answer::failure;
}

}  // namespace sluice::sim
