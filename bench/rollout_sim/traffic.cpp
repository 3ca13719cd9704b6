#include "bench/rollout_sim/traffic.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bench/rollout_sim/behaviour.hpp"

namespace sluice::sim {
namespace {

using core::index_of;

/// Longer than any request, in ticks.
constexpr std::size_t ring_size = 1024;
constexpr std::array<Stream, 3> quantiles{Stream::p50, Stream::p90, Stream::p99};

}  // namespace

Traffic::Traffic(const Scenario& scenario, bool keeps_latencies)
    : judged_(scenario.judged),
      keeps_latencies_(keeps_latencies),
      weights_{0},
      seen_(std::size_t{2} * (scenario.units + 1)),
      timed_in_(scenario.units + 1),
      ring_(ring_size) {}

void Traffic::set_weight(double weight) {
  weights_.push_back(weight);
}

void Traffic::eject(std::uint8_t backend) {
  if (std::exchange(is_out_[backend], true)) return;
  --new_up_;
}

void Traffic::give(const Arrivals& arrivals, const Request& request, const Limits& limits) {
  if (request.draw >= weights_.back()) {
    const Attempt attempt{false, request.unit, request.old_backend, request.start_us,
                          request.old_fate};
    judge(attempt, limits);
    return watch(attempt, limits);
  }
  Request served = request;
  if (is_out_[served.new_backend] && new_up_ > 0) {
    while (is_out_[served.new_backend]) {
      served.new_backend = static_cast<std::uint8_t>((served.new_backend + 1) % backends);
    }
    arrivals.decide(served);
  }
  const Attempt attempt{true, served.unit, served.new_backend, served.start_us, served.new_fate};
  judge(attempt, limits);
  watch(attempt, limits);
  weigh_harm(served);
}

Traffic::Slot& Traffic::slot_at(std::int64_t us) {
  const std::int64_t ahead = std::clamp<std::int64_t>(us / tick_us - tick_, 0, ring_size - 1);
  return ring_[static_cast<std::size_t>(tick_ + ahead) % ring_size];
}

/// Only the first bad event of a unit counts.
bool Traffic::is_first(const Attempt& attempt, Stream stream) {
  const bool is_error = stream == Stream::errors || stream == Stream::client_errors;
  if (judged_ == Judged::requests || (judged_ == Judged::units && !is_error)) return true;
  const bool apart = judged_ == Judged::units_per_version && attempt.is_new;
  std::uint8_t& seen = seen_[std::size_t{2} * attempt.unit + (apart ? 1 : 0)];
  const auto mark = static_cast<std::uint8_t>(1U << index_of(stream));
  if ((seen & mark) != 0) return false;
  seen = static_cast<std::uint8_t>(seen | mark);
  return true;
}

/// Whether the time of a request is judged: of a unit only the first one at each weight.
bool Traffic::is_timed(const Attempt& attempt) {
  if (judged_ != Judged::units) return true;
  const auto epoch = static_cast<std::uint32_t>(weights_.size() - 1);
  return std::exchange(timed_in_[attempt.unit], epoch) != epoch;
}

void Traffic::count(const Attempt& attempt, std::int64_t us, Stream stream, bool is_bad) {
  const auto epoch = static_cast<std::uint32_t>(weights_.size() - 1);
  Slot& slot = slot_at(us);
  auto counts = std::find_if(slot.epochs.begin(), slot.epochs.end(),
                             [&](const EpochCounts& one) { return one.epoch == epoch; });
  if (counts == slot.epochs.end()) {
    counts = slot.epochs.insert(counts, EpochCounts{.epoch = epoch});
  }
  core::VersionCounts& pool = attempt.is_new ? counts->new_pool : counts->old_pool;
  ++pool.requests[index_of(stream)];
  if (!is_bad || !is_first(attempt, stream)) return;
  ++pool.bad[index_of(stream)];
  if (attempt.is_new) ++counts->by_backend[attempt.backend][index_of(stream)];
}

void Traffic::judge(const Attempt& attempt, const Limits& limits) {
  const std::int64_t known_us = attempt.start_us + attempt.fate.us;
  count(attempt, known_us, Stream::errors, attempt.fate.failed);
  count(attempt, known_us, Stream::client_errors, attempt.fate.client_error);
  if (limits.are_known && is_timed(attempt)) judge_latency(attempt, limits);
}

/// A slow request counts at the moment it becomes slow; one that fails before then does not count.
void Traffic::judge_latency(const Attempt& attempt, const Limits& limits) {
  for (std::size_t index = 0; index < quantiles.size(); ++index) {
    const std::uint32_t limit = attempt.is_new ? limits.new_us[index] : limits.old_us[index];
    const bool is_slow = attempt.fate.us > limit;
    if (!is_slow && attempt.fate.failed) continue;
    const std::uint32_t us = is_slow ? limit : attempt.fate.us;
    count(attempt, attempt.start_us + us, quantiles[index], is_slow);
  }
}

/// What does not belong to the streams.
void Traffic::watch(const Attempt& attempt, const Limits& limits) {
  const std::int64_t known_us = attempt.start_us + attempt.fate.us;
  Slot& slot = slot_at(known_us);
  Counters& counters = attempt.is_new ? slot.of_new : slot.of_old;
  ++counters.requests;
  counters.failed += attempt.fate.failed ? 1 : 0;
  counters.over_500ms += attempt.fate.us > 500'000 ? 1 : 0;
  if (attempt.is_new) return;
  if (keeps_latencies_ && !attempt.fate.failed) slot.old_latencies_us.push_back(attempt.fate.us);
  if (!limits.are_known || attempt.fate.us <= limits.old_us.back()) return;
  ++slot_at(attempt.start_us + limits.old_us.back()).overdue;
  --slot.overdue;
}

void Traffic::weigh_harm(const Request& request) {
  const Fate& of_new = request.new_fate;
  const Fate& of_old = request.old_fate;
  ++harm_.on_new;
  harm_.errors += (of_new.failed ? 1 : 0) - (of_old.failed ? 1 : 0);
  harm_.slow += (of_new.us > slow_us ? 1 : 0) - (of_old.us > slow_us ? 1 : 0);
  const bool is_slow = of_new.us > slow_us && of_old.us <= slow_us;
  const bool fails = of_new.failed && !of_old.failed;
  const bool is_refused = of_new.client_error && !of_old.client_error;
  if (!is_slow && !fails && !is_refused) return;
  const std::uint32_t us = is_slow ? slow_us : of_new.us;
  slot_at(request.start_us + us).new_did_harm = true;
}

core::Observation Traffic::observation_of(const EpochCounts& counts) const {
  core::Observation seen;
  seen.weight = weights_[counts.epoch];
  seen.old_pool = counts.old_pool;
  seen.new_pool = counts.new_pool;
  for (std::size_t backend = 0; backend < counts.by_backend.size(); ++backend) {
    const core::StreamNumbers& bad = counts.by_backend[backend];
    if (bad == core::StreamNumbers{}) continue;
    seen.by_backend.push_back({"n" + std::to_string(backend), bad});
  }
  return seen;
}

Known Traffic::take() {
  Slot& slot = ring_[static_cast<std::size_t>(tick_) % ring_size];
  Known known;
  for (const EpochCounts& counts : slot.epochs) {
    known.observations.push_back(observation_of(counts));
  }
  known.old_latencies_us.swap(slot.old_latencies_us);
  known.overdue = slot.overdue;
  known.of_old = slot.of_old;
  known.of_new = slot.of_new;
  known.new_did_harm = slot.new_did_harm;
  slot = {};
  ++tick_;
  return known;
}

}  // namespace sluice::sim
