#include <algorithm>
#include <cmath>

#include "core/rollout.hpp"
#include "core/rollout_text.hpp"

/// What takes traffic back: catastrophe, evidence, absolute guards, queries, the deadline.
namespace sluice::core {
namespace {

constexpr double step_back_at = 100;
constexpr double hold_at = 20;
constexpr double guard_shared_at = 20;
constexpr double p99_rate = 0.01;
/// What stands without the worst backend needs a twentieth of the evidence only: a broken machine
/// is taken out within seconds, so there is no long time in which chance could reach that.
constexpr double leave_one_out_bonus = 20;
constexpr unsigned most_steps_back = 2;
/// How long NEW's outcomes are held back: about as long as OLD takes to show the same.
constexpr std::int64_t least_settling_ms = 100;
constexpr std::int64_t most_settling_ms = 1000;
constexpr std::int64_t usual_settling_ms = 250;
constexpr std::int64_t half_tick_ms = 50;

std::string of_text(std::uint64_t bad, std::uint64_t requests) {
  return std::to_string(bad) + " of " + std::to_string(requests);
}

/// Whether `of_one` of `all` events are too many to have hit one of `members` backends by chance:
/// the Chernoff bound of that is below one in a thousand, whichever backend it is.
bool is_concentrated(std::uint64_t of_one, std::uint64_t all, std::size_t members) {
  const double even = 1 / static_cast<double>(members);
  const double share = static_cast<double>(of_one) / static_cast<double>(all);
  if (share <= even) return false;
  const double rest = share < 1 ? (1 - share) * std::log((1 - share) / (1 - even)) : 0;
  const double divergence = share * std::log(share / even) + rest;
  return static_cast<double>(all) * divergence >= std::log(1000 * static_cast<double>(members));
}

}  // namespace

double Rollout::hold_threshold() const {
  return std::min(hold_at, threshold() / 2);
}

void Rollout::observe(std::vector<Observation> observations, const RolloutExtras& extras,
                      const RolloutSurroundings& around) {
  // Ticks are where it ends, so half a tick more or less is rounded.
  const std::int64_t settling = std::clamp(around.old_p99_ms.value_or(usual_settling_ms),
                                           least_settling_ms, most_settling_ms) -
                                half_tick_ms;
  for (Observation& seen : observations) {
    seen.period = std::min(seen.period, record_.ledger.period());
    count({seen.period, seen.weight, seen.old_pool, {}, {}}, around.now_ms);
    const std::uint64_t old_bad =
        std::min(seen.old_pool.bad[error_stream], seen.old_pool.requests[error_stream]);
    const std::uint64_t old_good = seen.old_pool.requests[error_stream] - old_bad;
    seen.old_pool = {};
    delayed_.push_back(
        {around.now_ms + settling, around.now_ms, std::move(seen), old_good, old_bad});
  }
  record_.shielded += extras.shielded;
  record_.bad_delivered += extras.bad_delivered;
  record_.guard_slow_old += extras.guard_slow_old;
  look_slow_old_ += extras.guard_slow_old;
  // With the requests that they belong to.
  if (extras.guard_slow_new > 0) {
    slow_delayed_.push_back({around.now_ms + settling, extras.guard_slow_new});
  }
  record_.mirrored += extras.mirrored;
  record_.mirror_differences += extras.mirror_differences;
}

void Rollout::release(std::int64_t now_ms) {
  while (!delayed_.empty() && delayed_.front().due_ms <= now_ms) {
    count(delayed_.front().seen, delayed_.front().seen_ms);
    count_run(delayed_.front());
    delayed_.pop_front();
  }
  while (!slow_delayed_.empty() && slow_delayed_.front().first <= now_ms) {
    record_.guard_slow_new += slow_delayed_.front().second;
    slow_delayed_.pop_front();
  }
}

void Rollout::count(const Observation& seen, std::int64_t seen_ms) {
  record_.ledger.add(seen);
  total_.old_pool.add(seen.old_pool);
  total_.new_pool.add(seen.new_pool);
  add_backends(total_.by_backend, seen.by_backend);
  evidence_.add(seen, record_.ejected);
  if (std::abs(seen.weight * percent_100 - record_.weight) < 0.5) {
    record_.step_new.add(seen.new_pool);
    if (seen_ms >= look_since_ms_) look_new_.add(seen.new_pool);
  }
  if (seen_ms >= look_since_ms_) {
    look_.add(seen, record_.ejected);
    look_old_.add(seen.old_pool);
  }
}

/// The failures of NEW in a row, and what OLD did in the same ticks.
void Rollout::count_run(const Delayed& delayed) {
  const VersionCounts& of_new = delayed.seen.new_pool;
  // A unit that repeats its errors counts once.
  const std::uint64_t failed = evident_in_period(of_new, error_stream);
  if (of_new.requests[error_stream] > of_new.bad[error_stream]) {
    record_.run_failed = record_.run_old_good = record_.run_old_bad = 0;
    return;
  }
  // What OLD served before the run began says nothing.
  if (record_.run_failed == 0 && failed == 0) return;
  record_.run_failed += failed;
  record_.run_old_good += delayed.old_good;
  record_.run_old_bad += delayed.old_bad;
}

/// Takes traffic back when something calls for it. True when an order was given or nothing else may
/// be done.
bool Rollout::detect(const RolloutSurroundings& around, RolloutSteps& out) {
  const double sound = has_traffic() ? sound_evidence(around) : 0;
  const auto why = breach(around, sound);
  if (!why) return step_back(around, sound, out);
  take_back(*why, around, out);
  return true;
}

/// Back to OLD, if that can serve and the rollout may act.
void Rollout::take_back(const Verdict& why, const RolloutSurroundings& around, RolloutSteps& out) {
  if (record_.policy.mode == RolloutMode::observe) {
    if (std::exchange(would_roll_back_, why.reason) != why.reason) {
      decide("would_roll_back", why, around.now_ms);
    }
    return hold(why, around.now_ms, out);
  }
  if (around.old_up == 0 && has_traffic()) {
    return hold(
        {"old_down", "should go back to " + record_.from +
                         ", but no backend of it can serve; what speaks for it: " + why.words},
        around.now_ms, out);
  }
  begin_roll_back(why, around.now_ms, out);
}

std::optional<Rollout::Verdict> Rollout::breach(const RolloutSurroundings& around,
                                                double sound) const {
  if (auto why = catastrophe(around)) return why;
  if (has_traffic() && sound >= threshold()) return evidence_verdict();
  if (auto why = guard_breach(true); why && !guard_breach(false)) return why;
  if (auto why = bad_query(RolloutReaction::rollback)) return why;
  const bool has_seen = record_.step_new.requests[error_stream] > 0 || !has_traffic();
  if (around.now_ms - record_.started_ms >= record_.policy.deadline.count() && has_seen) {
    return Verdict{"deadline", "was not promoted within " + duration_text(record_.policy.deadline) +
                                   (record_.words.empty() ? "" : "; it waited: " + record_.words)};
  }
  return std::nullopt;
}

std::optional<Rollout::Verdict> Rollout::catastrophe(const RolloutSurroundings& around) const {
  if (!has_traffic()) return std::nullopt;
  if (around.new_up + around.new_unknown == 0 && around.new_size > 0) {
    return Verdict{"new_down", "every backend of " + record_.to + " is unhealthy"};
  }
  const std::uint64_t limit = record_.policy.catastrophe;
  const bool old_serves = record_.run_old_good >= limit &&
                          (record_.run_old_bad + around.old_overdue) * 10 <= record_.run_old_good;
  if (limit == 0 || record_.run_failed < limit || !old_serves) return std::nullopt;
  return Verdict{"catastrophe", record_.to + " failed the last " +
                                    std::to_string(record_.run_failed) +
                                    " requests in a row while " + record_.from + " served " +
                                    std::to_string(record_.run_old_good)};
}

/// A bound that the operator set and that one of the pools has surely broken. OLD also when it has
/// in the present look only: a good past must not hide an outage that both share.
std::optional<Rollout::Verdict> Rollout::guard_breach(bool of_new) const {
  if (of_new) return guard_breach(total_.new_pool, record_.guard_slow_new, true);
  if (auto why = guard_breach(total_.old_pool, record_.guard_slow_old, false)) return why;
  return guard_breach(look_old_, look_slow_old_, false);
}

std::optional<Rollout::Verdict> Rollout::guard_breach(const VersionCounts& counts,
                                                      std::uint64_t slow, bool of_new) const {
  const RolloutGuardSettings& guard = record_.policy.guard;
  const double needed = of_new ? threshold() : guard_shared_at;
  const std::string& pool = of_new ? record_.to : record_.from;
  // A unit that repeats its errors counts once.
  const std::uint64_t requests = counts.requests[error_stream] - counts.repeated_requests;
  if (guard.max_error_rate &&
      evidence_above_rate(*guard.max_error_rate, requests,
                          evident_in_period(counts, error_stream)) >= needed) {
    return Verdict{"max_error_rate",
                   pool + " failed " +
                       of_text(counts.bad[error_stream], counts.requests[error_stream]) +
                       " requests; allowed are " + number_text(100 * *guard.max_error_rate) + " %"};
  }
  if (guard.max_p99 &&
      evidence_above_rate(p99_rate, counts.requests[error_stream], slow) >= needed) {
    return Verdict{"max_p99", pool + " needed more than " + duration_text(*guard.max_p99) +
                                  " for " + of_text(slow, counts.requests[error_stream]) +
                                  " requests; allowed is 1 %"};
  }
  return std::nullopt;
}

/// The backend of NEW with the most bad events that is not taken out, and how many all have.
const BackendBad* Rollout::worst_backend(Stream stream, std::uint64_t& of_all) const {
  const BackendBad* worst = nullptr;
  of_all = 0;
  for (const BackendBad& one : total_.by_backend) {
    const auto& out = record_.ejected;
    if (std::find(out.begin(), out.end(), one.backend) != out.end()) continue;
    of_all += one.bad[index_of(stream)];
    const bool is_worse =
        worst == nullptr || one.bad[index_of(stream)] > worst->bad[index_of(stream)];
    if (one.bad[index_of(stream)] > 0 && is_worse) worst = &one;
  }
  return worst;
}

/// Only a part of a pool may be taken for broken machines; beyond that it is the version.
bool Rollout::may_eject(const RolloutSurroundings& around) const {
  return around.new_size > 1 &&
         record_.ejected.size() < std::max<std::size_t>(1, around.new_size / 4);
}

/// The evidence that stands when one backend of NEW may be a broken machine, and when OLD's
/// requests that are overdue are going to fail, too. 0 while there is nothing to suspect.
double Rollout::sound_evidence(const RolloutSurroundings& around) const {
  if (!evidence_.reaches(hold_threshold())) return 0;
  double least = evidence_.total();
  if (around.old_overdue > 0) {
    Observation pending;
    pending.weight = static_cast<double>(record_.weight) / percent_100;
    pending.old_pool.bad[error_stream] = around.old_overdue;
    Evidence with_pending = evidence_;
    with_pending.add(pending);
    least = std::min(least, with_pending.total());
  }
  if (!may_eject(around)) return least;
  std::vector<std::string> without = record_.ejected;
  std::uint64_t of_all = 0;
  const BackendBad* worst = worst_backend(evidence_.strongest(), of_all);
  if (worst == nullptr) return least;
  without.push_back(worst->backend);
  EvidenceRules of_others = rules();
  const auto size = static_cast<double>(around.new_size);
  of_others.counted_part = std::max(0.0, 1 - static_cast<double>(without.size()) / size);
  const Evidence others(of_others, record_.ledger, without);
  return std::min(least, others.total() * leave_one_out_bonus);
}

Rollout::Verdict Rollout::evidence_verdict() const {
  const Stream stream = evidence_.strongest();
  const std::size_t index = index_of(stream);
  std::string words = record_.to + " " + std::string(what_is_bad(stream)) + " " +
                      of_text(total_.new_pool.bad[index], total_.new_pool.requests[index]) +
                      " requests, " + record_.from + " " +
                      of_text(total_.old_pool.bad[index], total_.old_pool.requests[index]);
  if (stream != Stream::errors && stream != Stream::client_errors) {
    words += " (beyond the " + std::string(to_string(stream)) + " of " + record_.from + ")";
  }
  words += "; evidence of harm " + number_text(evidence_.total()) + ", " +
           number_text(threshold()) + " takes the traffic back";
  return {std::string(to_string(stream)), words};
}

/// Strong evidence against NEW that all comes from one of its backends is evidence against that.
bool Rollout::eject_worst(const RolloutSurroundings& around, RolloutSteps& out) {
  const Stream stream = evidence_.strongest();
  std::uint64_t of_all = 0;
  const BackendBad* found = worst_backend(stream, of_all);
  if (found == nullptr || !may_eject(around)) return false;
  if (!is_concentrated(found->bad[index_of(stream)], of_all, around.new_size)) return false;
  const std::string worst = found->backend;
  decide("eject",
         {"one_backend", "backend " + worst + " of " + record_.to + " " +
                             std::string(what_is_bad(stream)) +
                             " requests that the others serve; it is taken out"},
         around.now_ms);
  record_.ejected.push_back(worst);
  evidence_ = Evidence(rules(), record_.ledger, record_.ejected);
  out.push_back({.kind = RolloutOrderKind::eject, .backend = worst});
  return true;
}

void Rollout::readmitted(const std::string& backend) {
  if (std::erase(record_.ejected, backend) == 0) return;
  record_.ledger.forgive(backend);
  total_ = record_.ledger.total();
  evidence_ = Evidence(rules(), record_.ledger, record_.ejected);
  ++record_.revision;
  changed_ = true;
}

bool Rollout::step_back(const RolloutSurroundings& around, double sound, RolloutSteps& out) {
  const bool is_acting = record_.policy.mode == RolloutMode::act && has_traffic() && !ordered_;
  if (!is_acting) return false;
  if (sound < threshold() && evidence_.reaches(threshold()) && around.old_overdue == 0) {
    return eject_worst(around, out);
  }
  const bool has_settled =
      around.now_ms - record_.step_since_ms >= record_.policy.step_time.count() ||
      record_.steps_back == 0;
  const bool may = record_.state != RolloutState::paused && record_.step > 1 && around.old_up > 0 &&
                   !is_look_calm(around.now_ms) && record_.steps_back < most_steps_back &&
                   has_settled;
  if (sound < step_back_at || step_back_at >= threshold() || !may) return false;
  const Verdict why = evidence_verdict();
  ++record_.steps_back;
  --record_.step;
  ++record_.revision;
  record_.step_new = {};
  record_.passes_step = false;
  decide("step_back", {why.reason, "back to " + percent_text(target()) + ": " + why.words},
         around.now_ms);
  hold(why, around.now_ms, out);
  order_weight(target(), false, out);
  return true;
}

}  // namespace sluice::core
