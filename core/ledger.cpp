#include "core/ledger.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::core {

void VersionCounts::add(const VersionCounts& other) {
  for (std::size_t stream = 0; stream < stream_count; ++stream) {
    requests[stream] += other.requests[stream];
    bad[stream] += other.bad[stream];
    repeats[stream] += other.repeats[stream];
    period_repeats[stream] += other.period_repeats[stream];
  }
  repeated_requests += other.repeated_requests;
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
  const std::uint32_t period = std::min(observation.period, period_);
  auto place = entries_.end();
  while (place != entries_.begin() && std::prev(place)->period >= period) {
    --place;
    if (place->period != period || place->weight != observation.weight) continue;
    place->old_pool.add(observation.old_pool);
    place->new_pool.add(observation.new_pool);
    add_backends(place->by_backend, observation.by_backend);
    return;
  }
  while (place != entries_.end() && place->period <= period) ++place;
  entries_.insert(place, observation)->period = period;
}

void Ledger::compact(std::uint32_t before) {
  const std::vector<Observation> all = std::exchange(entries_, {});
  for (Observation entry : all) {
    if (entry.period < before) entry.period = 0;
    add(entry);
  }
}

void Ledger::forgive(const std::string& backend) {
  for (Observation& entry : entries_) {
    const auto found = std::find_if(entry.by_backend.begin(), entry.by_backend.end(),
                                    [&](const BackendBad& one) { return one.backend == backend; });
    if (found == entry.by_backend.end()) continue;
    VersionCounts& counts = entry.new_pool;
    for (std::size_t stream = 0; stream < stream_count; ++stream) {
      counts.bad[stream] -= std::min(counts.bad[stream], found->bad[stream]);
      counts.repeats[stream] = std::min(counts.repeats[stream], counts.bad[stream]);
      counts.period_repeats[stream] = std::min(counts.period_repeats[stream], counts.bad[stream]);
    }
    entry.by_backend.erase(found);
  }
}

std::vector<Observation> Ledger::by_weight() const {
  std::vector<Observation> sums;
  for (const Observation& entry : entries_) {
    auto sum = std::find_if(sums.begin(), sums.end(),
                            [&](const Observation& known) { return known.weight == entry.weight; });
    if (sum == sums.end()) {
      sum = sums.insert(sums.end(), Observation{});
      sum->weight = entry.weight;
    }
    sum->old_pool.add(entry.old_pool);
    sum->new_pool.add(entry.new_pool);
  }
  return sums;
}

Observation Ledger::total() const {
  Observation all;
  for (const Observation& entry : entries_) {
    all.old_pool.add(entry.old_pool);
    all.new_pool.add(entry.new_pool);
    add_backends(all.by_backend, entry.by_backend);
  }
  return all;
}

Ledger Ledger::restore(std::uint32_t period, std::vector<Observation> entries) {
  Ledger ledger;
  ledger.period_ = period;
  ledger.entries_ = std::move(entries);
  return ledger;
}

}  // namespace sluice::core
