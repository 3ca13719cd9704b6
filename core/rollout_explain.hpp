#pragma once

#include <string>
#include <vector>

#include "sluice/rollout.hpp"

namespace sluice::core {

/// Why a rollout stands where it stands, in sentences for people: where it is; per stream the bad
/// requests of either pool with their rates, the lower bound of the ratio and E against its
/// threshold; all streams together; which backends; what users saw; the last decision; what comes
/// next and when at the earliest (times in UTC). Never empty. Pure.
std::vector<std::string> explain(const RolloutStatus& status);

/// The E of this stream at which it rolls back by itself. A stream holds a part of the wealth only
/// (evidence.hpp), so this is above the threshold of all together.
double own_threshold(const RolloutStatus& status, Stream stream);

}  // namespace sluice::core
