#pragma once

#include <string>
#include <vector>

#include "conf/reading.hpp"
#include "conf/values.hpp"
#include "sluice/rollout_settings.hpp"

namespace sluice::conf {

/// Reads a policy, [route.NAME.rollout], on top of what `out` says already. `sluice::validate`
/// judges what comes out.
void read_rollout(const Spot& spot, RolloutSettings& out, Reading& reading);

/// Appends the keys of a policy, which stands at `path`.
void list_rollout_keys(const std::string& path, std::vector<std::string>& out);

}  // namespace sluice::conf
