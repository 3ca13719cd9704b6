#include "proxy/program/demo_tally.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

namespace sluice::proxy::program {
namespace {

/// Below 64 each microsecond is a bucket; above, 32 buckets per power of two.
std::size_t bucket_of(std::uint32_t us) {
  const int width = std::bit_width(us);
  const unsigned shift = width > 6 ? static_cast<unsigned>(width) - 6U : 0U;
  return std::size_t{32} * shift + (us >> shift);
}

std::uint64_t last_of(std::size_t bucket) {
  if (bucket < 64) return bucket;
  const std::size_t shift = bucket / 32 - 1;
  return ((std::uint64_t{bucket} - 32 * shift + 1) << shift) - 1;
}

}  // namespace

void DemoLatencies::add(std::chrono::microseconds duration) {
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  const auto us = static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.count(), 0, most));
  ++counts_[bucket_of(us)];
  ++count_;
  max_ = std::max(max_, us);
}

void DemoLatencies::merge(const DemoLatencies& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::chrono::microseconds DemoLatencies::quantile(double share) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size() && count_ > 0; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::chrono::microseconds{std::min<std::uint64_t>(last_of(i), max_)};
  }
  return std::chrono::microseconds{0};
}

std::uint64_t DemoCounts::requests() const {
  return std::accumulate(answers.begin(), answers.end(), failures);
}

void DemoCounts::merge(const DemoCounts& other) {
  for (std::size_t i = 0; i < demo_versions; ++i) {
    answers[i] += other.answers[i];
    slow[i] += other.slow[i];
  }
  failures += other.failures;
  latencies.merge(other.latencies);
}

void DemoTally::enter(std::size_t step) {
  const std::scoped_lock lock(mutex_);
  step_ = step;
  const std::uint64_t failures = recent_.failures;
  recent_ = {};
  recent_.failures = failures;
}

void DemoTally::call_slow(std::chrono::microseconds from) {
  const std::scoped_lock lock(mutex_);
  slow_from_ = from;
}

void DemoTally::answered(std::size_t step, std::size_t version, std::chrono::microseconds latency) {
  const std::scoped_lock lock(mutex_);
  for (DemoCounts* counts : {&steps_[step], step == step_ ? &recent_ : nullptr}) {
    if (counts == nullptr) continue;
    ++counts->answers[version];
    counts->slow[version] += latency >= slow_from_ ? 1 : 0;
    counts->latencies.add(latency);
  }
}

void DemoTally::failed(std::size_t step, const std::string& why) {
  const std::scoped_lock lock(mutex_);
  ++steps_[step].failures;
  ++recent_.failures;
  if (first_failure_.empty()) first_failure_ = why;
}

DemoCounts DemoTally::take_recent() {
  const std::scoped_lock lock(mutex_);
  const DemoCounts recent = recent_;
  recent_ = {};
  return recent;
}

std::vector<DemoCounts> DemoTally::steps() const {
  const std::scoped_lock lock(mutex_);
  return steps_;
}

DemoCounts DemoTally::total() const {
  const std::scoped_lock lock(mutex_);
  DemoCounts all;
  for (const DemoCounts& step : steps_) all.merge(step);
  return all;
}

std::string DemoTally::first_failure() const {
  const std::scoped_lock lock(mutex_);
  return first_failure_;
}

}  // namespace sluice::proxy::program
