#pragma once

#include <string>
#include <vector>

#include "sluice/rollout.hpp"

/// Rollouts as the JSON of the admin interface (docs/admin.md). Each ends with a line feed.
namespace sluice::proxy {

/// How a rollout stands.
std::string to_json(const RolloutStatus& rollout);

/// The same with its decisions, for each.
std::string to_json(const std::vector<RolloutStatus>& rollouts);

/// Why a rollout stands where it stands: sentences, streams, weights, backends, decisions.
std::string explanation_json(const RolloutStatus& rollout);

}  // namespace sluice::proxy
