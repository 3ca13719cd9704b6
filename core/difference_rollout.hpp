#pragma once

#include "core/difference_values.hpp"

namespace sluice::core {

/// Adds the keys of a rollout's policy that differ, as "rollout.step_time".
void add_rollout(const RolloutSettings& before, const RolloutSettings& after, Details& details);

}  // namespace sluice::core
