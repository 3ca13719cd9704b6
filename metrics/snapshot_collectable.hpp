#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <utility>
#include <vector>

#include "metrics/process.hpp"
#include "sluice/snapshot.hpp"

namespace sluice::metrics {

/// One snapshot and one reading of the process, as prometheus-cpp collects them. Immutable, so
/// Collect may run on any thread.
class SnapshotCollectable final : public prometheus::Collectable {
 public:
  /// Requires a snapshot in which no two entries have the same labels (see distinct.hpp).
  SnapshotCollectable(Snapshot snapshot, const ProcessUsage& process)
      : snapshot_(std::move(snapshot)), process_(process) {}

  /// Every family of docs/metrics.md that has a sample.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  Snapshot snapshot_;
  ProcessUsage process_;
};

}  // namespace sluice::metrics
