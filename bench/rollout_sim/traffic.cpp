#include "bench/rollout_sim/traffic.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bench/rollout_sim/behaviour.hpp"

namespace sluice::sim {
namespace {

using core::index_of;

/// Longer than any request, in ticks.
constexpr std::uint32_t ring_size = 1024;
constexpr std::uint32_t long_us = 500'000;

}  // namespace

Traffic::Traffic(const Scenario& scenario, bool judges_latency)
    : judges_latency_(judges_latency), judged_in_(scenario.units + 1), ring_(ring_size) {}

void Traffic::eject(std::uint8_t backend) {
  if (std::exchange(is_out_[backend], true)) return;
  --new_up_;
}

/// Its backend is out: served by the next one that is not.
Request Traffic::diverted(const Arrivals& arrivals, const Request& request) const {
  Request served = request;
  while (is_out_[served.new_backend]) {
    served.new_backend = static_cast<std::uint8_t>((served.new_backend + 1) % backends);
  }
  arrivals.decide({&served, 1});
  return served;
}

// Nearly all time goes into what follows, so it becomes one loop without calls, in which the
// version is known.

[[gnu::always_inline]] inline std::uint32_t Traffic::since_tick(const Request& request) const {
  return static_cast<std::uint32_t>(request.start_us - tick_begin_us_);
}

/// `us`: since the present tick began.
[[gnu::always_inline]] inline Traffic::Slot& Traffic::slot_at(std::uint32_t us) {
  const std::uint32_t ahead =
      std::min(us / static_cast<std::uint32_t>(tick_us), std::uint32_t{ring_size - 1});
  return ring_[(tick_ + ahead) % ring_size];
}

[[gnu::always_inline]] inline Traffic::EpochTally& Traffic::tally_in(Slot& slot) const {
  if (slot.latest.epoch != epoch_) begin_epoch(slot);
  return slot.latest;
}

/// Later epochs come later.
void Traffic::begin_epoch(Slot& slot) const {
  if (slot.latest.epoch != EpochTally::none) slot.earlier.push_back(slot.latest);
  slot.latest = {.epoch = epoch_};
}

/// A unit is judged by its first request ever, and by the first in each period, good or bad.
[[gnu::always_inline]] inline Novelty Traffic::novelty_of(std::uint32_t unit) {
  if (unit == 0) return Novelty::first_ever;
  const std::uint32_t before = std::exchange(judged_in_[unit], period_ + 1);
  if (before == 0) return Novelty::first_ever;
  return before == period_ + 1 ? Novelty::repeated : Novelty::first_in_period;
}

namespace {

[[gnu::always_inline]] inline std::size_t end_of(const Fate& fate, std::size_t slow,
                                                 bool is_judged) {
  if (is_success(fate)) return is_judged ? slow : end_without_limits;
  return failed(fate) ? end_failed : end_refused;
}

/// 1 when it takes longer than that. Half of all requests pass the first limit, which no processor
/// can foresee: the sign of a difference, since compilers make a branch of a comparison.
[[gnu::always_inline]] inline std::uint32_t passes(std::uint32_t us, std::uint32_t limit_us) {
  return static_cast<std::uint32_t>((std::uint64_t{limit_us} - us) >> 63);
}

}  // namespace

/// `slow`: 1 if it does, or 0.
[[gnu::always_inline]] inline void Traffic::become_slow(const Attempt& attempt, std::size_t index,
                                                        std::uint32_t limit_us,
                                                        std::uint32_t slow) {
  EpochTally& tally = tally_in(slot_at(attempt.start_us + limit_us));
  (attempt.is_new ? tally.of_new : tally.of_old)
      .became_slow[static_cast<std::size_t>(attempt.novelty)][index] += slow;
  if (!attempt.is_new || attempt.novelty == Novelty::repeated) return;
  tally.bad_by_backend[attempt.backend][quantile_streams[index]] += slow;
}

/// Counts it where its time passes each limit: how many of them it passes.
[[gnu::always_inline]] inline std::size_t Traffic::count_slow(const Attempt& attempt,
                                                              const Limits& limits) {
  const auto& limits_us = attempt.is_new ? limits.new_us : limits.old_us;
  std::size_t slow = passes(attempt.fate.us, limits_us[0]);
  become_slow(attempt, 0, limits_us[0], static_cast<std::uint32_t>(slow));
  for (std::size_t index = 1; index < quantiles; ++index) {
    if (attempt.fate.us <= limits_us[index]) break;
    become_slow(attempt, index, limits_us[index], 1);
    ++slow;
  }
  return slow;
}

[[gnu::always_inline]] inline void Traffic::count(const Attempt& attempt, const Limits& limits) {
  const bool is_judged = judges_latency_ && limits.are_known;
  const std::size_t slow = is_judged ? count_slow(attempt, limits) : 0;
  const std::size_t end = end_of(attempt.fate, slow, is_judged);
  Slot& slot = slot_at(attempt.start_us + attempt.fate.us);
  EpochTally& tally = tally_in(slot);
  ++(attempt.is_new ? tally.of_new : tally.of_old)
        .ended[static_cast<std::size_t>(attempt.novelty)][end];
  if (attempt.fate.us > long_us) {
    ++(attempt.is_new ? slot.known.of_new : slot.known.of_old).over_500ms;
  }
  if (is_success(attempt.fate) || !attempt.is_new || attempt.novelty == Novelty::repeated) return;
  const Stream stream = failed(attempt.fate) ? Stream::errors : Stream::client_errors;
  ++tally.bad_by_backend[attempt.backend][index_of(stream)];
}

/// What is known of OLD besides the streams.
[[gnu::always_inline]] inline void Traffic::watch_old(const Attempt& attempt,
                                                      const Limits& limits) {
  Known& known = slot_at(attempt.start_us + attempt.fate.us).known;
  if (is_success(attempt.fate)) known.old_latencies_us.push_back(attempt.fate.us);
  if (!limits.are_known || attempt.fate.us <= limits.old_us.back()) return;
  ++slot_at(attempt.start_us + limits.old_us.back()).known.overdue;
  --known.overdue;
}

[[gnu::always_inline]] inline void Traffic::weigh_harm(const Request& request) {
  const Fate& of_new = request.new_fate;
  const Fate& of_old = request.old_fate;
  ++harm_.on_new;
  if (of_new == of_old) return;
  harm_.errors += (failed(of_new) ? 1 : 0) - (failed(of_old) ? 1 : 0);
  harm_.slow += (of_new.us > slow_us ? 1 : 0) - (of_old.us > slow_us ? 1 : 0);
  const bool is_slow = of_new.us > slow_us && of_old.us <= slow_us;
  const bool fails = failed(of_new) && !failed(of_old);
  const bool is_refused = of_new.answer == Answer::refusal && of_old.answer != Answer::refusal;
  if (!is_slow && !fails && !is_refused) return;
  const std::uint32_t us = is_slow ? slow_us : of_new.us;
  slot_at(since_tick(request) + us).known.new_did_harm = true;
}

[[gnu::always_inline]] inline void Traffic::give_old(const Request& request, const Limits& limits) {
  const Attempt attempt{.backend = request.old_backend,
                        .novelty = novelty_of(request.unit),
                        .start_us = since_tick(request),
                        .fate = request.old_fate};
  count(attempt, limits);
  if (judges_latency_) watch_old(attempt, limits);
}

[[gnu::always_inline]] inline void Traffic::give_new(const Request& request, const Limits& limits) {
  const Attempt attempt{.is_new = true,
                        .backend = request.new_backend,
                        .novelty = novelty_of(request.unit),
                        .start_us = since_tick(request),
                        .fate = request.new_fate};
  count(attempt, limits);
  weigh_harm(request);
}

void Traffic::give(const Arrivals& arrivals, std::span<const Request> requests,
                   const Limits& limits) {
  const double weight = weights_.back();
  Request moved;
  for (const Request& request : requests) {
    if (request.draw >= weight) {
      give_old(request, limits);
      continue;
    }
    const bool is_lost = is_out_[request.new_backend] && new_up_ > 0;
    if (is_lost) moved = diverted(arrivals, request);
    give_new(is_lost ? moved : request, limits);
  }
}

core::Observation Traffic::observation_of(const EpochTally& tally) const {
  core::Observation seen;
  seen.weight = weights_[tally.epoch];
  seen.old_pool = tally.of_old.counts();
  seen.new_pool = tally.of_new.counts();
  seen.by_backend.reserve(backends);
  for (std::size_t backend = 0; backend < backends; ++backend) {
    core::StreamNumbers bad{};
    std::copy_n(tally.bad_by_backend[backend].begin(), stream_count, bad.begin());
    if (bad == core::StreamNumbers{}) continue;
    seen.by_backend.push_back({"n" + std::to_string(backend), bad});
  }
  return seen;
}

namespace {

void add(Counters& counters, const Tally& tally) {
  counters.requests += tally.requests();
  counters.failed += tally.failed();
}

}  // namespace

void Traffic::show(const EpochTally& tally) {
  if (tally == EpochTally{.epoch = tally.epoch}) return;
  taken_.observations.push_back(observation_of(tally));
  add(taken_.of_old, tally.of_old);
  add(taken_.of_new, tally.of_new);
}

Known& Traffic::take() {
  Slot& slot = ring_[tick_ % ring_size];
  // Vectors change places, so that their memory is used again.
  std::swap(taken_, slot.known);
  taken_.observations.clear();
  for (const EpochTally& tally : slot.earlier) show(tally);
  if (slot.latest.epoch != EpochTally::none) show(slot.latest);
  slot.earlier.clear();
  slot.latest = {};
  slot.known.old_latencies_us.clear();
  slot.known.overdue = 0;
  slot.known.of_old = slot.known.of_new = {};
  slot.known.new_did_harm = false;
  ++tick_;
  tick_begin_us_ += tick_us;
  return taken_;
}

}  // namespace sluice::sim
