#pragma once

#include <utility>

#include "proxy/admin_routes.hpp"

/// What the calls about rollouts do (docs/admin.md).
namespace sluice::proxy {

void start_rollout(AdminCall call);
void answer_rollout(AdminCall call);
void answer_rollout_explanation(AdminCall call);
void answer_rollout_history(AdminCall call);

/// The next step, or with `?full=true` everything.
void promote_rollout(AdminCall call);

void steer_rollout_by(AdminCall call, RolloutVerb verb);
/// A verb that takes no query.
template <RolloutVerb verb>
void steer_rollout(AdminCall call) {
  steer_rollout_by(std::move(call), verb);
}

}  // namespace sluice::proxy
