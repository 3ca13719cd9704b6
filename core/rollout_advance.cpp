#include <algorithm>

#include "core/rollout.hpp"
#include "core/rollout_text.hpp"

/// When a rollout goes on: on evidence of health, never for want of evidence of harm.
namespace sluice::core {
namespace {

/// NEW fails less than this many times as often as OLD, or its health is not shown.
constexpr double non_inferior_ratio = 1.5;
constexpr double enough_health = 20;
constexpr double calm = 5;
constexpr std::int64_t slew_interval_ms = 1000;
constexpr std::int64_t longest_slew_ms = 70'000;
constexpr std::int64_t gate_asks_again_ms = 5000;

std::string count_text(std::uint64_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

std::uint32_t Rollout::next_weight() const {
  return is_last_step() ? percent_100 : record_.policy.steps[record_.step];
}

/// What stands against more traffic on NEW, whatever the step's evidence says.
std::optional<Rollout::Verdict> Rollout::obstacle(const RolloutSurroundings& around) const {
  if (around.old_up == 0) {
    return Verdict{"old_down", "no backend of " + record_.from +
                                   " can serve, so there would be nowhere to go back to"};
  }
  if (!record_.ejected.empty() && around.new_up < around.new_size) {
    return Verdict{"one_backend", "backend " + record_.ejected.back() + " of " + record_.to +
                                      " fails and the others do not, so it was taken out; repair "
                                      "or remove it"};
  }
  if (around.new_up < around.new_size) {
    return Verdict{"new_unhealthy", std::to_string(around.new_up) + " of " +
                                        std::to_string(around.new_size) + " backends of " +
                                        record_.to + " are healthy"};
  }
  const bool is_suspicious = evidence_.reaches(hold_threshold());
  if (is_suspicious && !is_look_calm(around.now_ms)) return evidence_verdict();
  if (guard_breach(true)) {
    return Verdict{"shared_breach", record_.to + " is beyond its guard, and so is " + record_.from};
  }
  if (auto why = bad_query(std::nullopt)) return why;
  if (!record_.hook_failure.empty()) return Verdict{"hook", record_.hook_failure};
  return std::nullopt;
}

/// A query that was bad in as many samples as it takes; with an action, only one that has that.
std::optional<Rollout::Verdict> Rollout::bad_query(std::optional<RolloutReaction> action) const {
  for (std::size_t query = 0; query < record_.query_bad.size(); ++query) {
    const QuerySettings& asked = record_.policy.queries[query];
    const bool is_meant = !action || asked.action == *action;
    if (!is_meant || record_.query_bad[query] < asked.samples) continue;
    return Verdict{"query", asked.expr + " was " + asked.bad_when + " in " +
                                count_text(record_.query_bad[query], "sample") + " in a row"};
  }
  return std::nullopt;
}

/// What this step still lacks before the next one.
std::optional<Rollout::Verdict> Rollout::missing_evidence(std::int64_t now_ms) const {
  if (record_.step == 0) return std::nullopt;
  const std::uint64_t seen = record_.step_new.requests[error_stream];
  const std::uint64_t wanted = record_.policy.min_requests;
  if (seen == 0 && wanted > 0) {
    return Verdict{"no_traffic", record_.to + " got no request in this step; " +
                                     count_text(wanted, "request") + " are needed"};
  }
  if (seen < wanted) {
    const std::int64_t passed = std::max<std::int64_t>(now_ms - record_.step_since_ms, 1);
    const double more = static_cast<double>(wanted - seen) * static_cast<double>(passed) /
                        static_cast<double>(seen);
    return Verdict{"too_few_requests",
                   record_.to + " got " + std::to_string(seen) + " of " +
                       count_text(wanted, "request") + " that are needed in this step; about " +
                       duration_text(std::chrono::milliseconds(static_cast<std::int64_t>(more))) +
                       " more at this rate"};
  }
  if (evidence_.reaches(calm) && !is_look_calm(now_ms)) return evidence_verdict();
  // A unit that repeats its errors counts once.
  const double highest =
      rate_upper_bound(look_new_.requests[error_stream] - look_new_.repeated_requests,
                       evident_in_period(look_new_, error_stream));
  if (highest < record_.policy.errors.max_rate) return std::nullopt;
  const double health = evidence_of_health(record_.ledger, non_inferior_ratio);
  if (health >= enough_health) return std::nullopt;
  return Verdict{"inconclusive",
                 record_.to + " failed " + std::to_string(look_new_.bad[error_stream]) + " of " +
                     count_text(look_new_.requests[error_stream], "request") +
                     ": its error rate may still be " + number_text(100 * highest) +
                     " % (allowed: below " + number_text(100 * record_.policy.errors.max_rate) +
                     " %), and that it is no worse than " + record_.from +
                     " is not shown yet (evidence " + number_text(health) + " of " +
                     number_text(enough_health) + ")"};
}

void Rollout::begin_look(std::int64_t now_ms) {
  look_ = Evidence(rules());
  look_new_ = look_old_ = {};
  look_slow_old_ = 0;
  look_since_ms_ = now_ms;
}

/// Nothing suspicious in a look as long and as full as a step.
bool Rollout::is_look_calm(std::int64_t now_ms) const {
  return now_ms - look_since_ms_ >= record_.policy.step_time.count() &&
         look_new_.requests[error_stream] >= record_.policy.min_requests && !look_.reaches(calm) &&
         !evidence_.reaches(threshold());
}

void Rollout::try_advance(const RolloutSurroundings& around, RolloutSteps& out) {
  if (std::exchange(record_.passes_step, false)) return advance(around, out);
  const auto least = is_last_step() ? record_.policy.bake : record_.policy.step_time;
  const std::int64_t passed = around.now_ms - record_.step_since_ms;
  if (record_.step > 0 && passed < least.count()) return go_on(around.now_ms);
  if (const auto why = missing_evidence(around.now_ms)) {
    if (passed < std::max(record_.policy.step_timeout, least).count()) {
      return hold(*why, around.now_ms, out);
    }
    if (!inconclusive(*why, around, out)) return;
  }
  if (is_frozen_now(around)) {
    return hold({"freeze", "nothing advances in a maintenance window"}, around.now_ms, out);
  }
  if (passes_gate(around, out)) advance(around, out);
}

bool Rollout::is_frozen_now(const RolloutSurroundings& around) const {
  return std::any_of(freeze_.begin(), freeze_.end(), [&](const FreezeWindow& window) {
    return is_frozen(window, around.minute_of_week);
  });
}

/// Says once, early, which steps cannot gather their requests in time at the rate seen so far.
void Rollout::warn_of_thin_steps(const RolloutSurroundings& around) {
  constexpr std::int64_t long_enough_ms = 5000;
  const std::int64_t passed = around.now_ms - record_.started_ms;
  if (is_warned_ || passed < long_enough_ms) return;
  is_warned_ = true;
  const auto seen = static_cast<double>(total_.old_pool.requests[error_stream] +
                                        total_.new_pool.requests[error_stream]);
  const double in_time =
      seen / static_cast<double>(passed) * static_cast<double>(record_.policy.step_timeout.count());
  std::string thin;
  for (const std::uint32_t step : record_.policy.steps) {
    const double expected = in_time * step / percent_100;
    if (step < record_.weight || expected >= static_cast<double>(record_.policy.min_requests)) {
      continue;
    }
    thin += (thin.empty() ? "" : ", ") + percent_text(step);
  }
  if (thin.empty()) return;
  decide("warn",
         {"thin_traffic", "at " + number_text(1000 * seen / static_cast<double>(passed)) +
                              " requests a second the steps " + thin + " do not see " +
                              count_text(record_.policy.min_requests, "request") + " within " +
                              duration_text(record_.policy.step_timeout)},
         around.now_ms);
}

/// The step's time is over. True when it goes on all the same.
bool Rollout::inconclusive(const Verdict& why, const RolloutSurroundings& around,
                           RolloutSteps& out) {
  // No traffic is no fault of NEW, and no merit either (pitfall P14).
  const bool has_seen = record_.step_new.requests[error_stream] > 0;
  const Inconclusive wish = record_.policy.on_inconclusive;
  if (has_seen && wish == Inconclusive::advance) return true;
  const std::string words = why.words + "; the time of the step (" +
                            duration_text(record_.policy.step_timeout) + ") is over";
  if (has_seen && wish == Inconclusive::rollback) {
    take_back({"inconclusive", words}, around, out);
  } else {
    hold({why.reason, words}, around.now_ms, out);
  }
  return false;
}

void Rollout::advance(const RolloutSurroundings& around, RolloutSteps& out) {
  const std::uint32_t next = next_weight();
  decide("advance",
         {"", percent_text(next) + " go to " + record_.to +
                  (record_.step == 0
                       ? ""
                       : ": evidence of harm " + number_text(evidence()) + ", " +
                             count_text(record_.step_new.requests[error_stream], "request") +
                             " in the last step")},
         around.now_ms);
  if (is_last_step()) return order_weight(percent_100, false, out);
  ++record_.step;
  ++record_.revision;
  last_slew_ms_ = around.now_ms;
  while (!is_last_step() && target() <= record_.weight) ++record_.step;
  record_.step_new = {};
  record_.step_since_ms = around.now_ms;
  go_on(around.now_ms);
  if (record_.weight < target()) slew(around, out);
}

/// Moves the weight towards the step's, no faster than the policy allows.
void Rollout::slew(const RolloutSurroundings& around, RolloutSteps& out) {
  if (is_frozen_now(around)) {
    return hold({"freeze", "nothing advances in a maintenance window"}, around.now_ms, out);
  }
  go_on(around.now_ms);
  if (record_.policy.slew == 0) return order_weight(target(), false, out);
  // Time in which nothing was gained is not made up for.
  if (around.now_ms - last_slew_ms_ > longest_slew_ms)
    last_slew_ms_ = around.now_ms - slew_interval_ms;
  const std::int64_t passed = around.now_ms - last_slew_ms_;
  const std::int64_t rate = record_.policy.slew;
  const auto gain = static_cast<std::uint32_t>(rate * passed / 60'000);
  if (passed < slew_interval_ms || gain == 0) return;
  last_slew_ms_ += gain * std::int64_t{60'000} / rate;
  order_weight(std::min(target(), record_.weight + gain), false, out);
}

/// True when every gate before the next weight is open; asks those that are not.
bool Rollout::passes_gate(const RolloutSurroundings& around, RolloutSteps& out) {
  for (std::size_t gate = 0; gate < record_.gates.size(); ++gate) {
    const GateSettings& settings = record_.policy.gates[gate];
    if (settings.before != next_weight() || record_.gates[gate] == GateState::open) continue;
    std::int64_t& since = record_.gates_since_ms[gate];
    if (record_.gates[gate] == GateState::closed) since = around.now_ms;
    const bool is_new = std::exchange(record_.gates[gate], GateState::asking) != GateState::asking;
    if (around.now_ms - since >= settings.timeout.count()) {
      const Verdict late{"gate", "nobody opened the gate before " + percent_text(settings.before) +
                                     " within " + duration_text(settings.timeout)};
      if (settings.on_timeout == RolloutReaction::rollback) {
        take_back(late, around, out);
      } else {
        hold(late, around.now_ms, out);
      }
      return false;
    }
    const bool is_due = around.now_ms - gate_asked_ms_ >= gate_asks_again_ms;
    if (!settings.manual && (is_new || is_due)) {
      gate_asked_ms_ = around.now_ms;
      out.push_back({.kind = RolloutOrderKind::ask_gate, .gate = gate});
    }
    hold({"gate", settings.manual
                      ? "waits for an approval before " + percent_text(settings.before)
                      : "waits for " + settings.hook + " before " + percent_text(settings.before)},
         around.now_ms, out);
    return false;
  }
  return true;
}

void Rollout::gate_answer(std::size_t gate, std::optional<bool> agrees, const std::string& words,
                          std::int64_t now_ms) {
  if (gate >= record_.gates.size() || record_.gates[gate] != GateState::asking || !agrees) return;
  if (*agrees) {
    record_.gates[gate] = GateState::open;
    decide("gate_open", {"gate", words}, now_ms);
    return;
  }
  // A refusal is final: the gate's time is over.
  decide("gate_refused", {"gate", words}, now_ms);
  record_.gates_since_ms[gate] = now_ms - record_.policy.gates[gate].timeout.count();
}

}  // namespace sluice::core
