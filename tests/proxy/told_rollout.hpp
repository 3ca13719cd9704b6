#pragma once

#include "sluice/rollout.hpp"

namespace sluice::proxy::testing {

/// A rollout as hooks hear of it.
inline RolloutStatus told_rollout(RolloutState state = RolloutState::holding) {
  RolloutStatus rollout;
  rollout.route = "shop";
  rollout.id = "build-42";
  rollout.state = state;
  rollout.reason = "errors";
  rollout.words = "shop-v2 fails more often than shop-v1";
  rollout.step = 2;
  rollout.steps = 5;
  rollout.from = "shop-v1";
  rollout.to = "shop-v2";
  rollout.weight = 550;
  return rollout;
}

}  // namespace sluice::proxy::testing
