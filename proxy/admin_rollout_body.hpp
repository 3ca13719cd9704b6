#pragma once

#include <string_view>

#include "proxy/admin_body.hpp"
#include "sluice/rollout.hpp"

/// The JSON bodies and query parameters of the calls that change a rollout, read as strictly as the
/// others (admin_body.hpp).
namespace sluice::proxy {

/// `{"to":"shop-v2","id":"build-42","from":"shop-v1","policy":{"step_time":"10s"}}`, all but "to"
/// optional. What "policy" does not name is as in `base`, the policy of the route. Names and ranges
/// are judged by whoever starts the rollout.
Outcome<RolloutOrder> read_rollout_order(std::string_view body, const RolloutSettings& base);

/// The verb that `POST …/promote` with this query means: `?full=true` is promote_full.
Outcome<RolloutVerb> read_promotion(const Query& query);

}  // namespace sluice::proxy
