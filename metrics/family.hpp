#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/snapshot.hpp"

/// Building blocks for prometheus::MetricFamily values.
namespace sluice::metrics {

using Labels = std::vector<prometheus::ClientMetric::Label>;

/// Empty families. `help` is one line; prometheus-cpp writes it as it is.
prometheus::MetricFamily counter_family(std::string_view name, std::string_view help);
prometheus::MetricFamily gauge_family(std::string_view name, std::string_view help);
prometheus::MetricFamily histogram_family(std::string_view name, std::string_view help);

/// Adds one sample. Requires a counter or gauge family.
void add(prometheus::MetricFamily& family, Labels labels, double value);
void add(prometheus::MetricFamily& family, Labels labels, std::uint64_t value);

/// Adds one histogram: cumulative buckets in seconds, the last one +Inf and equal to the count.
/// Requires a histogram family.
void add(prometheus::MetricFamily& family, Labels labels, const Histogram& histogram);

}  // namespace sluice::metrics
