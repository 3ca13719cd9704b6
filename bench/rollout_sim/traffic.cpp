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
constexpr std::array<std::size_t, 3> quantiles{index_of(Stream::p50), index_of(Stream::p90),
                                               index_of(Stream::p99)};

}  // namespace

Traffic::Traffic(const Scenario& scenario, bool judges_latency)
    : judges_latency_(judges_latency), judged_in_(scenario.units + 1), ring_(ring_size) {}

void Traffic::eject(std::uint8_t backend) {
  if (std::exchange(is_out_[backend], true)) return;
  --new_up_;
}

void Traffic::give(const Arrivals& arrivals, const Request& request, const Limits& limits) {
  if (request.draw >= weights_.back()) {
    Attempt attempt{false, request.old_backend, request.start_us, request.old_fate};
    look_up_unit(request.unit, attempt);
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
  Attempt attempt{true, served.new_backend, served.start_us, served.new_fate};
  look_up_unit(request.unit, attempt);
  judge(attempt, limits);
  watch(attempt, limits);
  weigh_harm(served);
}

Traffic::Slot& Traffic::slot_at(std::int64_t us) {
  const std::int64_t ahead = std::clamp<std::int64_t>(us / tick_us - tick_, 0, ring_size - 1);
  return ring_[static_cast<std::size_t>(tick_ + ahead) % ring_size];
}

Traffic::EpochCounts& Traffic::counts_in(Slot& slot) const {
  const auto epoch = static_cast<std::uint32_t>(weights_.size() - 1);
  // Later epochs come later.
  if (slot.epochs.empty() || slot.epochs.back().epoch != epoch) {
    slot.epochs.push_back({.epoch = epoch});
  }
  return slot.epochs.back();
}

/// A unit is judged by its first request ever, and by the first in each period, good or bad.
void Traffic::look_up_unit(std::uint32_t unit, Attempt& attempt) {
  if (unit == 0) return;
  const std::uint32_t before = std::exchange(judged_in_[unit], period_ + 1);
  attempt.is_first_ever = before == 0;
  attempt.is_first_in_period = before != period_ + 1;
}

namespace {

/// One event of a stream, as TrialTally of the proxy counts it.
struct Event {
  std::size_t stream = 0;
  bool is_bad = false;
  bool is_first_ever = true;
  bool is_first_in_period = true;
};

void count(core::VersionCounts& pool, core::StreamNumbers* of_backend, const Event& event) {
  ++pool.requests[event.stream];
  if (event.stream == index_of(Stream::errors) && !event.is_first_in_period) {
    ++pool.repeated_requests;
  }
  if (!event.is_bad) return;
  ++pool.bad[event.stream];
  pool.repeats[event.stream] += event.is_first_ever ? 0 : 1;
  pool.period_repeats[event.stream] += event.is_first_in_period ? 0 : 1;
  if (of_backend != nullptr && event.is_first_in_period) ++(*of_backend)[event.stream];
}

}  // namespace

void Traffic::judge(const Attempt& attempt, const Limits& limits) {
  EpochCounts& counts = counts_in(slot_at(attempt.start_us + attempt.fate.us));
  core::VersionCounts& pool = attempt.is_new ? counts.new_pool : counts.old_pool;
  core::StreamNumbers* of_backend = attempt.is_new ? &counts.by_backend[attempt.backend] : nullptr;
  Event event{index_of(Stream::errors), attempt.fate.failed, attempt.is_first_ever,
              attempt.is_first_in_period};
  count(pool, of_backend, event);
  event.stream = index_of(Stream::client_errors);
  event.is_bad = attempt.fate.client_error;
  count(pool, of_backend, event);
  if (judges_latency_ && limits.are_known) judge_latency(attempt, limits, counts);
}

/// A slow request counts at the moment it becomes slow. One that fails or is refused before then
/// has no time.
void Traffic::judge_latency(const Attempt& attempt, const Limits& limits, EpochCounts& at_end) {
  const auto& limits_us = attempt.is_new ? limits.new_us : limits.old_us;
  for (std::size_t index = 0; index < quantiles.size(); ++index) {
    const bool is_slow = attempt.fate.us > limits_us[index];
    if (!is_slow && !is_success(attempt.fate)) continue;
    EpochCounts& counts =
        is_slow ? counts_in(slot_at(attempt.start_us + limits_us[index])) : at_end;
    count(attempt.is_new ? counts.new_pool : counts.old_pool,
          attempt.is_new ? &counts.by_backend[attempt.backend] : nullptr,
          {quantiles[index], is_slow, attempt.is_first_ever, attempt.is_first_in_period});
  }
}

/// What does not belong to the streams.
void Traffic::watch(const Attempt& attempt, const Limits& limits) {
  Known& known = slot_at(attempt.start_us + attempt.fate.us).known;
  Counters& counters = attempt.is_new ? known.of_new : known.of_old;
  ++counters.requests;
  counters.failed += attempt.fate.failed ? 1 : 0;
  counters.over_500ms += attempt.fate.us > 500'000 ? 1 : 0;
  if (attempt.is_new || !judges_latency_) return;
  if (is_success(attempt.fate)) known.old_latencies_us.push_back(attempt.fate.us);
  if (!limits.are_known || attempt.fate.us <= limits.old_us.back()) return;
  ++slot_at(attempt.start_us + limits.old_us.back()).known.overdue;
  --known.overdue;
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
  slot_at(request.start_us + us).known.new_did_harm = true;
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

const Known& Traffic::take() {
  Slot& slot = ring_[static_cast<std::size_t>(tick_) % ring_size];
  // Vectors change places, so that their memory is used again.
  std::swap(taken_, slot.known);
  taken_.observations.clear();
  for (const EpochCounts& counts : slot.epochs) {
    taken_.observations.push_back(observation_of(counts));
  }
  slot.epochs.clear();
  slot.known.old_latencies_us.clear();
  slot.known.overdue = 0;
  slot.known.of_old = slot.known.of_new = {};
  slot.known.new_did_harm = false;
  ++tick_;
  return taken_;
}

}  // namespace sluice::sim
