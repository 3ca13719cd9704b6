#include "core/rollout.hpp"

#include <algorithm>
#include <utility>

#include "core/rollout_text.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t decisions_kept = 64;
/// A fault that begins late meets a copy that is at most this old.
constexpr std::int64_t period_ms = 10'000;
/// Each user counts once in a period.
constexpr std::int64_t unit_period_ms = 60'000;
constexpr std::int64_t least_period_ms = 1000;
/// Beyond that the older periods are put together: they count from the beginning on only.
constexpr std::size_t most_entries = 800;
constexpr std::uint32_t periods_kept = 360;
/// Of evidence: 1 says nothing.
constexpr double more_than_nothing = 1 + 1e-9;

}  // namespace

Rollout::Rollout(RolloutRecord record)
    : record_(std::move(record)),
      evidence_(rules(), record_.ledger, record_.ejected),
      look_(rules()),
      // As far as it is known, the look goes on where it was.
      look_new_(record_.step_new),
      look_since_ms_(record_.step_since_ms),
      total_(record_.ledger.total()) {
  record_.gates.resize(record_.policy.gates.size(), GateState::closed);
  record_.gates_since_ms.resize(record_.policy.gates.size(), 0);
  record_.query_bad.resize(record_.policy.queries.size(), 0);
  for (const std::string& text : record_.policy.freeze) {
    if (const auto window = parse_freeze(text)) freeze_.push_back(*window);
  }
}

RolloutSteps Rollout::begin(std::int64_t now_ms) {
  record_.started_ms = record_.restart_ms = record_.since_ms = now_ms;
  become(RolloutState::staged, {"", "waits until every backend of " + record_.to + " is healthy"},
         now_ms);
  decide("start", {"operator", record_.started_by + " started the rollout of " + record_.to},
         now_ms);
  RolloutSteps out;
  out.push_back({.kind = RolloutOrderKind::tell, .event = "started"});
  return out;
}

EvidenceRules Rollout::rules() const {
  return {record_.policy.errors.tolerance, record_.by_units};
}

/// Another copy of the evidence begins, for what begins now. Not faster than outcomes settle.
void Rollout::begin_period(std::int64_t now_ms) {
  if (now_ms - record_.restart_ms < least_period_ms) return;
  compact_ledger();
  record_.ledger.restart();
  evidence_.restart();
  record_.restart_ms = now_ms;
}

/// Bounds what is kept, written and computed from again.
void Rollout::compact_ledger() {
  const std::uint32_t period = record_.ledger.period();
  if (record_.ledger.entries().size() < compact_at_ || period <= periods_kept) return;
  record_.ledger.compact(period - periods_kept);
  compact_at_ = std::max(most_entries, 2 * record_.ledger.entries().size());
  // What is in force is what the counts say, also after a restart.
  evidence_ = Evidence(rules(), record_.ledger, record_.ejected);
}

std::uint32_t Rollout::target() const {
  return record_.step == 0 ? 0 : record_.policy.steps[record_.step - 1];
}

void Rollout::become(RolloutState state, const Verdict& why, std::int64_t now_ms) {
  const bool is_other = state != record_.state || why.reason != record_.reason;
  if (state != record_.state) record_.since_ms = now_ms;
  if (is_other) ++record_.revision;
  changed_ = changed_ || is_other;
  record_.state = state;
  record_.reason = why.reason;
  record_.words = why.words;
}

void Rollout::decide(const std::string& decision, const Verdict& why, std::int64_t now_ms) {
  record_.decisions.push_back({now_ms, decision, why.reason, why.words});
  news_.push_back(record_.decisions.back());
  if (record_.decisions.size() > decisions_kept) {
    // The first one says how it began.
    record_.decisions.erase(record_.decisions.begin() + 1);
  }
  changed_ = true;
}

/// Something stands against the next step. Told once, not each tick.
void Rollout::hold(const Verdict& why, std::int64_t now_ms, RolloutSteps& out) {
  if (record_.state == RolloutState::paused) return;
  const bool is_news = record_.state != RolloutState::holding || record_.reason != why.reason;
  become(RolloutState::holding, why, now_ms);
  if (!is_news) return;
  decide("hold", why, now_ms);
  out.push_back({.kind = RolloutOrderKind::tell, .event = "held"});
}

/// Nothing stands against the next step any more.
void Rollout::go_on(std::int64_t now_ms) {
  const bool bakes = is_last_step() && record_.weight == target();
  const RolloutState state = bakes ? RolloutState::baking : RolloutState::stepping;
  if (record_.state == state) return;
  if (record_.state == RolloutState::holding) {
    decide("resume", {record_.reason, "nothing stands against the next step any more"}, now_ms);
    last_slew_ms_ = now_ms;
  }
  become(state, {}, now_ms);
}

void Rollout::order_weight(std::uint32_t weight, bool is_urgent, RolloutSteps& out) {
  ordered_ = weight;
  changed_ = true;
  out.push_back({.kind = RolloutOrderKind::weight, .weight = weight, .is_urgent = is_urgent});
}

void Rollout::weight_changed(std::uint32_t weight, std::int64_t now_ms) {
  // One that was ordered counts when it is told to be in force.
  if (weight == record_.weight || weight == ordered_) return;
  record_.weight = weight;
  ++record_.revision;
  changed_ = true;
  // Late events of the weight before keep their own weight.
  if (weight > 0 && weight < percent_100) begin_period(now_ms);
}

/// The last step of a rollout that is not promoted yet, also one that was restored in between.
bool Rollout::is_promotion(std::uint32_t weight) const {
  const bool has_steps = is_moving(record_.state) || record_.state == RolloutState::paused;
  return weight == percent_100 && record_.step > 0 && has_steps;
}

void Rollout::end(const std::string& words, std::int64_t now_ms) {
  if (!is_active(record_.state)) return;
  const Verdict why{"reload", words};
  decide("end", why, now_ms);
  ordered_.reset();
  become(is_before_promotion(record_.state) ? RolloutState::rolled_back : RolloutState::done, why,
         now_ms);
}

RolloutSteps Rollout::weight_in_force(std::uint32_t weight, std::int64_t now_ms) {
  RolloutSteps out;
  if (ordered_ != weight) return out;
  ordered_.reset();
  const bool is_other = weight != record_.weight;
  weight_changed(weight, now_ms);
  if (is_promotion(weight)) {
    const Verdict why{"",
                      record_.to + " has all traffic; " + record_.from + " is kept for an undo"};
    decide("promote", why, now_ms);
    become(RolloutState::promoted, why, now_ms);
    out.push_back({.kind = RolloutOrderKind::tell, .event = "promoted"});
  } else if (is_other && record_.step > 0 && weight == target() && is_active(record_.state) &&
             record_.state != RolloutState::rolling_back) {
    record_.step_since_ms = now_ms;
    record_.step_new = {};
    begin_look(now_ms);
    if (record_.state != RolloutState::holding && record_.state != RolloutState::paused) {
      go_on(now_ms);
    }
    out.push_back({.kind = RolloutOrderKind::tell, .event = "step"});
  }
  return out;
}

void Rollout::begin_roll_back(const Verdict& why, std::int64_t now_ms, RolloutSteps& out) {
  if (record_.policy.mode == RolloutMode::observe) {
    // It never moves a weight: it only ends.
    decide("end", why, now_ms);
    become(RolloutState::rolled_back, why, now_ms);
    out.push_back({.kind = RolloutOrderKind::tell, .event = "rolled_back"});
    return;
  }
  decide("rollback", why, now_ms);
  become(RolloutState::rolling_back, why, now_ms);
  if (record_.weight == 0 && !ordered_) return;
  order_weight(0, true, out);
}

RolloutSteps Rollout::tick(const RolloutSurroundings& around) {
  RolloutSteps out;
  release(around.now_ms);
  const std::int64_t longest = record_.by_units ? unit_period_ms : period_ms;
  if (has_traffic() && around.now_ms - record_.restart_ms >= longest) begin_period(around.now_ms);
  switch (record_.state) {
    case RolloutState::staged:
      tick_staged(around, out);
      break;
    case RolloutState::mirroring:
      tick_mirroring(around, out);
      break;
    case RolloutState::stepping:
    case RolloutState::holding:
    case RolloutState::paused:
    case RolloutState::baking:
      tick_moving(around, out);
      break;
    default:
      tick_ended(around, out);
  }
  return out;
}

void Rollout::tick_staged(const RolloutSurroundings& around, RolloutSteps& out) {
  if (has_traffic() && detect(around, out)) return;
  const bool is_sound = around.new_size > 0 && around.new_up == around.new_size;
  if (is_sound) {
    if (record_.policy.mirror.time.count() > 0 && record_.policy.mode == RolloutMode::act) {
      const Verdict why{"", record_.to + " gets copies of requests"};
      decide("mirror", why, around.now_ms);
      return become(RolloutState::mirroring, why, around.now_ms);
    }
    record_.step_since_ms = around.now_ms;
    become(RolloutState::stepping, {}, around.now_ms);
    return tick_moving(around, out);
  }
  const bool is_late = around.now_ms - record_.since_ms >= record_.policy.step_timeout.count() ||
                       around.now_ms - record_.started_ms >= record_.policy.deadline.count();
  if (!is_late) return;
  take_back({"new_unhealthy", std::to_string(around.new_up) + " of " +
                                  std::to_string(around.new_size) + " backends of " + record_.to +
                                  " are healthy, and the time to become so (" +
                                  duration_text(record_.policy.step_timeout) + ") is over"},
            around, out);
}

void Rollout::tick_mirroring(const RolloutSurroundings& around, RolloutSteps& out) {
  if (has_traffic() && detect(around, out)) return;
  if (around.new_up + around.new_unknown == 0) {
    return take_back({"new_down", "every backend of " + record_.to + " is unhealthy"}, around, out);
  }
  if (around.now_ms - record_.since_ms < record_.policy.mirror.time.count()) return;
  record_.step_since_ms = around.now_ms;
  become(RolloutState::stepping, {}, around.now_ms);
  tick_moving(around, out);
}

void Rollout::tick_moving(const RolloutSurroundings& around, RolloutSteps& out) {
  warn_of_thin_steps(around);
  const bool is_look_over = around.now_ms - look_since_ms_ >= record_.policy.step_time.count() &&
                            look_.reaches(more_than_nothing);
  if (is_look_over && !is_look_calm(around.now_ms)) begin_look(around.now_ms);
  if (detect(around, out)) return;
  if (record_.state == RolloutState::paused || ordered_) return;
  if (record_.policy.mode == RolloutMode::observe) return;
  if (record_.step > 0 && record_.weight > target() && !is_last_step()) {
    // A step back that was lost in a crash.
    return order_weight(target(), false, out);
  }
  if (const auto why = obstacle(around)) return hold(*why, around.now_ms, out);
  if (record_.weight < target()) return slew(around, out);
  try_advance(around, out);
}

void Rollout::tick_ended(const RolloutSurroundings& around, RolloutSteps& out) {
  const std::int64_t passed = around.now_ms - record_.since_ms;
  if (ordered_) return;
  if (record_.state == RolloutState::rolling_back && record_.weight > 0) {
    // Restored from disk in the middle of it.
    order_weight(0, true, out);
  } else if (record_.state == RolloutState::rolling_back) {
    become(RolloutState::rolled_back, {record_.reason, record_.words}, around.now_ms);
    out.push_back({.kind = RolloutOrderKind::tell, .event = "rolled_back"});
  } else if (record_.state == RolloutState::promoted) {
    // Nothing compares any more, but a version that is gone altogether is taken back.
    if (around.new_up + around.new_unknown == 0 && around.new_size > 0 && around.old_up > 0) {
      return begin_roll_back({"new_down", "every backend of " + record_.to + " is unhealthy"},
                             around.now_ms, out);
    }
    if (passed < record_.policy.retain_old.count()) return;
    const Verdict why{"", record_.from + " finishes what it has"};
    decide("drain", why, around.now_ms);
    become(RolloutState::draining, why, around.now_ms);
    out.push_back({.kind = RolloutOrderKind::drain});
  } else if (record_.state == RolloutState::draining && around.old_is_quiet) {
    const Verdict why{"", record_.from + " is drained"};
    decide("done", why, around.now_ms);
    become(RolloutState::done, why, around.now_ms);
    out.push_back({.kind = RolloutOrderKind::tell, .event = "drained"});
  }
}

}  // namespace sluice::core
