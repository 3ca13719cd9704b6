#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "metrics/process.hpp"
#include "sluice/snapshot.hpp"

/// The families of docs/metrics.md, in groups. Each call appends its whole group, also families
/// without a sample.
namespace sluice::metrics {

using Families = std::vector<prometheus::MetricFamily>;

/// Requests by route and pool.
void append_routes(const Snapshot& snapshot, Families& out);
/// Retries, spills and rejected requests.
void append_decisions(const Snapshot& snapshot, Families& out);
/// Counts and condition of each backend.
void append_backends(const Snapshot& snapshot, Families& out);
/// The splits, in force and as configured.
void append_weights(const Snapshot& snapshot, Families& out);
/// Connections from clients.
void append_listeners(const Snapshot& snapshot, Families& out);
/// Access log, configuration and build.
void append_proxy(const Snapshot& snapshot, Families& out);
/// process_*; what is not known is left out.
void append_process(const ProcessUsage& process, Families& out);

}  // namespace sluice::metrics
