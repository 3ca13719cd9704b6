#include "proxy/trial_tally.hpp"

#include <algorithm>
#include <utility>

#include "core/draw.hpp"

namespace sluice::proxy {
namespace {

constexpr std::array<sluice::Stream, TrialLimits::quantiles> quantile_streams{
    sluice::Stream::p50, sluice::Stream::p90, sluice::Stream::p99};
/// While OLD's p99 is not known, a request of it is overdue after this.
constexpr std::uint64_t overdue_ns = 1'000'000'000;

/// Keeps the places of units apart from their points in the split.
constexpr std::uint64_t unit_salt = 0xd6e8feb86659fd93ULL;

core::VersionCounts& counts_of(core::Observation& seen, Arm arm) {
  return arm == Arm::old_pool ? seen.old_pool : seen.new_pool;
}

}  // namespace

bool UnitSet::insert(std::uint64_t hash) {
  if (words_.empty()) words_.resize(bits / 64);
  const std::uint64_t place = (hash >> 32U) % bits;
  std::uint64_t& word = words_[place / 64];
  const std::uint64_t bit = std::uint64_t{1} << (place % 64);
  const bool is_new = (word & bit) == 0;
  word |= bit;
  return is_new;
}

core::Observation& TrialTally::observation(double weight) {
  const auto known = std::find_if(seen_.begin(), seen_.end(), [&](const core::Observation& one) {
    return one.weight == weight;
  });
  if (known != seen_.end()) return *known;
  seen_.emplace_back().weight = weight;
  return seen_.back();
}

void TrialTally::count(const TrialProbe& probe, Event event) {
  const core::Trial& trial = *probe.trial_;
  core::Observation& seen = observation(trial.weight);
  core::VersionCounts& counts = counts_of(seen, probe.subject_.arm);
  const std::size_t stream = core::index_of(event.stream);
  ++counts.requests[stream];
  if (event.stream == sluice::Stream::errors && !probe.is_first_in_period_) {
    ++counts.repeated_requests;
  }
  if (!event.is_bad) return;
  ++counts.bad[stream];
  counts.repeats[stream] += probe.is_first_ever_ ? 0 : 1;
  counts.period_repeats[stream] += probe.is_first_in_period_ ? 0 : 1;
  if (probe.subject_.arm != Arm::new_pool || !probe.is_first_in_period_) return;
  // Of no backend: the pool could not serve.
  if (probe.subject_.backend.empty()) return;
  const auto known = std::find_if(
      seen.by_backend.begin(), seen.by_backend.end(),
      [&](const core::BackendBad& one) { return one.backend == probe.subject_.backend; });
  if (known != seen.by_backend.end()) {
    ++known->bad[stream];
    return;
  }
  seen.by_backend.push_back({std::string(probe.subject_.backend), {}});
  ++seen.by_backend.back().bad[stream];
}

void TrialTally::count_guard(const TrialProbe& probe) {
  ++(probe.subject_.arm == Arm::old_pool ? extras_.guard_slow_old : extras_.guard_slow_new);
}

void TrialTally::count_unserved(const core::Trial& trial, Arm arm,
                                std::optional<std::uint64_t> unit) {
  TrialProbe probe;
  // A pool that cannot serve is not one broken machine.
  probe.begin(*this, trial, {arm, "", unit});
  count(probe, {sluice::Stream::errors, true});
  count(probe, {sluice::Stream::client_errors, false});
}

void TrialTally::earn_shield(double budget) {
  shield_credit_ = std::min(shield_credit_ + budget, shield_capacity);
}

bool TrialTally::spend_shield() {
  if (shield_credit_ < 1) return false;
  shield_credit_ -= 1;
  return true;
}

void TrialTally::count_mirrored(bool differs) {
  ++extras_.mirrored;
  extras_.mirror_differences += differs ? 1 : 0;
}

TrialReport TrialTally::report(const TrialLimits& limits, TimePoint now) {
  std::uint64_t overdue = 0;
  const std::uint64_t late = limits_.overdue_ns != 0 ? limits_.overdue_ns : overdue_ns;
  for (TrialProbe* probe = waiting_head_; probe != nullptr; probe = probe->next_) {
    const std::uint64_t waited = ns_between(probe->sent_, now);
    const bool is_old = probe->subject_.arm == Arm::old_pool;
    overdue += is_old && waited > late ? 1 : 0;
    const auto& slow = is_old ? limits_.old_ns : limits_.new_ns;
    // A hang counts as soon as it is one.
    for (std::size_t index = 0; index < slow.size(); ++index) {
      if (slow[index] == 0 || waited <= slow[index] || probe->passed_[index]) continue;
      probe->passed_[index] = true;
      count(*probe, {quantile_streams[index], true});
    }
    if (limits_.guard_ns != 0 && waited > limits_.guard_ns && !probe->passed_guard_) {
      probe->passed_guard_ = true;
      count_guard(*probe);
    }
  }
  for (core::Observation& seen : seen_) seen.period = limits_.period;
  if (limits.period != limits_.period) units_in_period_.clear();
  limits_ = limits;
  return {std::exchange(seen_, {}), std::exchange(extras_, {}), old_latency_, overdue};
}

void Trials::begin(std::uint64_t key) {
  if (find(key) == nullptr) tallies_.push_back(make_local<TrialTally>(key, place_));
}

TrialTally* Trials::find(std::uint64_t key) const {
  for (const auto& tally : tallies_) {
    if (tally->key() == key) return tally.get();
  }
  return nullptr;
}

void Trials::end(std::uint64_t key) {
  std::erase_if(tallies_, [&](const auto& tally) { return tally->key() == key; });
}

void TrialProbe::begin(TrialTally& tally, const core::Trial& trial, Subject subject) {
  leave();
  tally_ = LocalPtr<TrialTally>(&tally);
  trial_ = &trial;
  subject_ = subject;
  passed_.fill(false);
  is_answered_ = is_bad_ = passed_guard_ = false;
  look_up_unit();
  if (subject_.arm == Arm::old_pool) tally_->earn_shield(trial.shield_budget);
}

/// A unit is judged by its first request ever, and by the first in each period, good or bad.
void TrialProbe::look_up_unit() {
  is_first_ever_ = is_first_in_period_ = true;
  if (!trial_->judges_units || !subject_.unit) return;
  const std::uint64_t hash = core::mixed(*subject_.unit ^ unit_salt);
  const bool is_ours = hash % tally_->place_.count == tally_->place_.index;
  is_first_ever_ = is_ours && tally_->units_ever_.insert(hash);
  is_first_in_period_ = is_ours && tally_->units_in_period_.insert(hash);
}

void TrialProbe::wait_from(TimePoint now) {
  if (!tally_ || is_waiting_) return;
  sent_ = now;
  is_waiting_ = true;
  previous_ = tally_->waiting_tail_;
  next_ = nullptr;
  (previous_ != nullptr ? previous_->next_ : tally_->waiting_head_) = this;
  tally_->waiting_tail_ = this;
}

void TrialProbe::unlink() {
  if (!is_waiting_) return;
  is_waiting_ = false;
  (previous_ != nullptr ? previous_->next_ : tally_->waiting_head_) = next_;
  (next_ != nullptr ? next_->previous_ : tally_->waiting_tail_) = previous_;
}

void TrialProbe::answered(unsigned status, std::uint64_t head_ns) {
  if (!tally_) return;
  unlink();
  is_answered_ = true;
  is_bad_ = trial_->errors.contains(status);
  const bool is_client_error = !is_bad_ && status >= 400 && status < 500;
  tally_->count(*this, {sluice::Stream::errors, is_bad_});
  tally_->count(*this, {sluice::Stream::client_errors, is_client_error});
  if (!is_bad_ && !is_client_error) judge_latency(head_ns);
}

/// Only answers that are no errors: a fast refusal is no fast version.
void TrialProbe::judge_latency(std::uint64_t head_ns) {
  const bool is_old = subject_.arm == Arm::old_pool;
  const TrialLimits& limits = tally_->limits_;
  const auto& slow = is_old ? limits.old_ns : limits.new_ns;
  for (std::size_t index = 0; index < slow.size(); ++index) {
    if (slow[index] == 0 || passed_[index]) continue;
    tally_->count(*this, {quantile_streams[index], head_ns > slow[index]});
  }
  if (limits.guard_ns != 0 && head_ns > limits.guard_ns && !passed_guard_) {
    tally_->count_guard(*this);
  }
  if (is_old) tally_->old_latency_.observe(head_ns);
}

void TrialProbe::failed() {
  if (!tally_) return;
  if (!is_answered_) {
    tally_->count(*this, {sluice::Stream::errors, true});
    tally_->count(*this, {sluice::Stream::client_errors, false});
  } else if (!is_bad_) {
    // The head promised what the body did not keep: the request is counted already.
    core::VersionCounts& counts = counts_of(tally_->observation(trial_->weight), subject_.arm);
    tally_->count(*this, {sluice::Stream::errors, true});
    --counts.requests[core::index_of(sluice::Stream::errors)];
    counts.repeated_requests -= is_first_in_period_ ? 0 : 1;
  }
  leave();
}

void TrialProbe::leave() {
  if (!tally_) return;
  unlink();
  tally_ = {};
}

}  // namespace sluice::proxy
