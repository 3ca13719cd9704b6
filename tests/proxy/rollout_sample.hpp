#pragma once

#include "sluice/rollout.hpp"

namespace sluice::proxy {

/// A rollout in its second step, with a few errors.
inline RolloutStatus sample_rollout() {
  RolloutStatus rollout;
  rollout.route = "shop";
  rollout.id = "build-42";
  rollout.state = RolloutState::holding;
  rollout.reason = "errors";
  rollout.words = "shop-v2 fails more often than shop-v1";
  rollout.step = 2;
  rollout.steps = 5;
  rollout.from = "shop-v1";
  rollout.to = "shop-v2";
  rollout.weight = 550;
  rollout.evidence = 24.5;
  rollout.streams = {{sluice::Stream::errors, {1102, 1}, {58, 3}, 52, 2.5},
                     {sluice::Stream::p99, {1100, 11}, {52, 1}, 0.5, 0}};
  EpochStatus epoch;
  epoch.weight = 0.055;
  epoch.old_pool[0] = {1102, 1};
  epoch.new_pool[0] = {58, 3};
  rollout.epochs = {epoch};
  rollout.backends = {{"127.0.0.1:9002", {3, 0, 0, 1, 0}}};
  rollout.requests_old = 1102;
  rollout.requests_new = 58;
  rollout.requests_step = 40;
  rollout.shielded = 2;
  rollout.bad_delivered = 1;
  rollout.started_ms = 1'714'564'800'000;
  rollout.since_ms = 1'714'564'830'250;
  rollout.next = "goes on when what stands against it is over";
  rollout.next_ms = 1'714'572'000'000;
  rollout.started_by = "alice";
  rollout.revision = 9;
  rollout.decisions = {
      {1'714'564'800'000, "start", "operator", "alice started the rollout of shop-v2"}};
  return rollout;
}

}  // namespace sluice::proxy
