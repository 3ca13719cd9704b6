#include "metrics/family.hpp"

#include <limits>

namespace sluice::metrics {
namespace {

constexpr double ns_per_second = 1e9;

prometheus::MetricFamily family_of(std::string_view name, std::string_view help,
                                   prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

double upper_bound_seconds(std::size_t bucket) {
  if (bucket == bucket_bounds_ns.size()) return std::numeric_limits<double>::infinity();
  return static_cast<double>(bucket_bounds_ns[bucket]) / ns_per_second;
}

}  // namespace

prometheus::MetricFamily counter_family(std::string_view name, std::string_view help) {
  return family_of(name, help, prometheus::MetricType::Counter);
}

prometheus::MetricFamily gauge_family(std::string_view name, std::string_view help) {
  return family_of(name, help, prometheus::MetricType::Gauge);
}

prometheus::MetricFamily histogram_family(std::string_view name, std::string_view help) {
  return family_of(name, help, prometheus::MetricType::Histogram);
}

void add(prometheus::MetricFamily& family, Labels labels, double value) {
  auto& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

void add(prometheus::MetricFamily& family, Labels labels, std::uint64_t value) {
  add(family, std::move(labels), static_cast<double>(value));
}

void add(prometheus::MetricFamily& family, Labels labels, const Histogram& histogram) {
  auto& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  auto& shown = metric.histogram;
  shown.bucket.reserve(histogram.counts.size());
  for (std::size_t bucket = 0; bucket < histogram.counts.size(); ++bucket) {
    shown.sample_count += histogram.counts[bucket];
    shown.bucket.push_back({shown.sample_count, upper_bound_seconds(bucket)});
  }
  shown.sample_sum = static_cast<double>(histogram.sum_ns) / ns_per_second;
}

}  // namespace sluice::metrics
