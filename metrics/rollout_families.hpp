#pragma once

#include "metrics/families.hpp"

namespace sluice::metrics {

/// How the rollout of each route stands, the newest one where there were several, and what the
/// rollouts of each route have done. The id of a release is no label: ids never end. Appends every
/// family, also those without a sample.
void append_rollouts(const Snapshot& snapshot, Families& out);

}  // namespace sluice::metrics
