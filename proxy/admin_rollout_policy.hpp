#pragma once

#include <boost/json/fwd.hpp>

#include "sluice/outcome.hpp"
#include "sluice/rollout_settings.hpp"

namespace sluice::proxy {

/// Reads the "policy" of a rollout onto `base`. Keys are those of `[route.NAME.rollout]`: durations
/// "30s" (units ms, s, m, h), sizes "1MiB", percents and shares as numbers; errors, latency, guard
/// and mirror are objects of which a key that is missing stays as in `base`; gate, hook and query
/// are arrays of objects that replace those of `base`. A bound of guard is taken away by null.
/// 422 that names the key by its path, what was found and what is allowed. Ranges that need
/// judgement are left to validation.
Outcome<RolloutSettings> read_rollout_policy(const boost::json::value& policy,
                                             RolloutSettings base);

}  // namespace sluice::proxy
