#include "core/ledger.hpp"

#include <algorithm>
#include <utility>

namespace sluice::core {

void VersionCounts::add(const VersionCounts& other) {
  for (std::size_t stream = 0; stream < stream_count; ++stream) {
    requests[stream] += other.requests[stream];
    bad[stream] += other.bad[stream];
    repeats[stream] += other.repeats[stream];
  }
}

bool VersionCounts::is_zero() const {
  return *this == VersionCounts{};
}

void add_backends(std::vector<BackendBad>& all, const std::vector<BackendBad>& more) {
  for (const BackendBad& one : more) {
    auto known = std::find_if(all.begin(), all.end(), [&](const BackendBad& entry) {
      return entry.backend == one.backend;
    });
    if (known == all.end()) known = all.insert(all.end(), BackendBad{one.backend, {}});
    for (std::size_t stream = 0; stream < stream_count; ++stream) {
      known->bad[stream] += one.bad[stream];
    }
  }
}

void Ledger::add(const Observation& observation) {
  if (observation.old_pool.is_zero() && observation.new_pool.is_zero()) return;
  const auto known = std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& entry) {
    return entry.period == period_ && entry.seen.weight == observation.weight;
  });
  if (known == entries_.rend()) {
    entries_.push_back({period_, observation});
    return;
  }
  known->seen.old_pool.add(observation.old_pool);
  known->seen.new_pool.add(observation.new_pool);
  add_backends(known->seen.by_backend, observation.by_backend);
}

Observation Ledger::total() const {
  Observation all;
  for (const Entry& entry : entries_) {
    all.old_pool.add(entry.seen.old_pool);
    all.new_pool.add(entry.seen.new_pool);
    add_backends(all.by_backend, entry.seen.by_backend);
  }
  return all;
}

Ledger Ledger::restore(std::uint32_t period, std::vector<Entry> entries) {
  Ledger ledger;
  ledger.period_ = period;
  ledger.entries_ = std::move(entries);
  return ledger;
}

}  // namespace sluice::core
