#include "metrics/snapshot_collectable.hpp"

#include "metrics/families.hpp"
#include "metrics/rollout_families.hpp"

namespace sluice::metrics {

std::vector<prometheus::MetricFamily> SnapshotCollectable::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  append_routes(snapshot_, families);
  append_decisions(snapshot_, families);
  append_backends(snapshot_, families);
  append_weights(snapshot_, families);
  append_rollouts(snapshot_, families);
  append_listeners(snapshot_, families);
  append_proxy(snapshot_, families);
  append_process(process_, families);
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  return families;
}

}  // namespace sluice::metrics
