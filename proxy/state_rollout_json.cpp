#include "proxy/state_rollout_json.hpp"

#include <algorithm>

#include "core/rollout_text.hpp"
#include "proxy/state_policy_json.hpp"

namespace sluice::proxy {
namespace json = boost::json;

template <>
struct StateWords<RolloutState> {
  static constexpr std::array<std::string_view, 11> words{
      "staged",   "mirroring", "stepping", "holding",      "paused",     "baking",
      "promoted", "draining",  "done",     "rolling_back", "rolled_back"};
};
static_assert(StateWords<RolloutState>::words.size() ==
              static_cast<std::size_t>(RolloutState::rolled_back) + 1);

template <>
struct StateWords<core::GateState> {
  static constexpr std::array<std::string_view, 3> words{"closed", "asking", "open"};
};

template <>
struct StateMembers<RolloutDecision> {
  static void visit(auto& on, auto& decision) {
    on("at_ms", decision.at_ms);
    on("decision", decision.decision);
    on("reason", decision.reason);
    on("words", decision.words);
  }
};

template <>
struct StateMembers<core::VersionCounts> {
  static void visit(auto& on, auto& counts) {
    on("requests", counts.requests);
    on("bad", counts.bad);
    on("repeats", counts.repeats);
    on("period_repeats", counts.period_repeats);
    on("repeated_requests", counts.repeated_requests);
  }
};

template <>
struct StateMembers<core::BackendBad> {
  static void visit(auto& on, auto& backend) {
    on("backend", backend.backend);
    on("bad", backend.bad);
  }
};

template <>
struct StateMembers<core::Observation> {
  static void visit(auto& on, auto& entry) {
    on("period", entry.period);
    on("weight", entry.weight);
    on("old", entry.old_pool);
    on("new", entry.new_pool);
    on("backends", entry.by_backend);
  }
};

namespace {

/// More than a rollout of a year can have; each of them costs time and memory.
constexpr std::uint32_t most_periods = 1'000'000;
/// The end of the year 9999.
constexpr std::int64_t last_moment_ms = 253'402'300'799'999;

bool is_sound(const core::VersionCounts& counts) {
  const auto are_part = [&](const core::StreamNumbers& repeats) {
    return std::equal(repeats.begin(), repeats.end(), counts.bad.begin(),
                      [](std::uint64_t part, std::uint64_t bad) { return part <= bad; });
  };
  return are_part(counts.repeats) && are_part(counts.period_repeats) &&
         counts.repeated_requests <= counts.requests[core::index_of(sluice::Stream::errors)];
}

bool is_sound(const std::vector<core::Observation>& entries) {
  return std::all_of(entries.begin(), entries.end(), [](const core::Observation& entry) {
    return entry.weight >= 0 && entry.weight <= 1 && is_sound(entry.old_pool) &&
           is_sound(entry.new_pool);
  });
}

bool is_moment(std::int64_t ms) {
  return ms >= -last_moment_ms && ms <= last_moment_ms;
}

bool has_sound_moments(const core::RolloutRecord& rollout) {
  const auto& decisions = rollout.decisions;
  const auto& gates = rollout.gates_since_ms;
  return is_moment(rollout.started_ms) && is_moment(rollout.since_ms) &&
         is_moment(rollout.step_since_ms) && is_moment(rollout.restart_ms) &&
         std::all_of(gates.begin(), gates.end(), is_moment) &&
         std::all_of(decisions.begin(), decisions.end(),
                     [](const RolloutDecision& decision) { return is_moment(decision.at_ms); });
}

}  // namespace

template <>
struct StateCodec<core::Ledger> {
  static json::value write(const core::Ledger& ledger) {
    StateWriter writer;
    writer("period", ledger.period());
    writer("entries", ledger.entries());
    return writer.take();
  }
  static core::Ledger read(const json::value& value) {
    const StateReader reader(value);
    std::uint32_t period = 0;
    std::vector<core::Observation> entries;
    reader("period", period);
    reader("entries", entries);
    const auto is_earlier = [](const auto& a, const auto& b) { return a.period < b.period; };
    const bool is_ordered = std::is_sorted(entries.begin(), entries.end(), is_earlier) &&
                            (entries.empty() || entries.back().period <= period);
    if (period > most_periods || !is_ordered || !is_sound(entries)) {
      throw StateProblem("has periods, weights or counts that cannot be");
    }
    return core::Ledger::restore(period, std::move(entries));
  }
};

template <>
struct StateMembers<core::QueuedRollout> {
  static void visit(auto& on, auto& queued) {
    on("to", queued.order.to);
    on("from", queued.order.from);
    on("id", queued.order.id);
    on("policy", queued.order.policy);
    on("who", queued.who);
  }
};

template <>
struct StateMembers<core::RolloutRecord> {
  static void visit(auto& on, auto& rollout) {
    on("route", rollout.route);
    on("id", rollout.id);
    on("from", rollout.from);
    on("to", rollout.to);
    on("started_by", rollout.started_by);
    on("policy", rollout.policy);
    on("attempt", rollout.attempt);
    on.bits("salt", rollout.salt);
    on("revision", rollout.revision);
    on("by_units", rollout.by_units);
    visit_place(on, rollout);
    visit_outside(on, rollout);
    visit_counts(on, rollout);
    on("decisions", rollout.decisions);
    // Format 2 was written without it, too.
    on.optional("queued", rollout.queued);
  }

 private:
  static void visit_place(auto& on, auto& rollout) {
    on("state", rollout.state);
    on("before_pause", rollout.before_pause);
    on("reason", rollout.reason);
    on("words", rollout.words);
    on("step", rollout.step);
    on("weight_hundredths", rollout.weight);
    on("steps_back", rollout.steps_back);
    on("started_ms", rollout.started_ms);
    on("since_ms", rollout.since_ms);
    on("step_since_ms", rollout.step_since_ms);
    on("restart_ms", rollout.restart_ms);
    on("passes_step", rollout.passes_step);
  }
  static void visit_outside(auto& on, auto& rollout) {
    on("gates", rollout.gates);
    on("gates_since_ms", rollout.gates_since_ms);
    on("query_bad", rollout.query_bad);
    on("ejected", rollout.ejected);
    on("hook_failure", rollout.hook_failure);
  }
  static void visit_counts(auto& on, auto& rollout) {
    on("ledger", rollout.ledger);
    on("step_new", rollout.step_new);
    on("run_failed", rollout.run_failed);
    on("run_old_good", rollout.run_old_good);
    on("run_old_bad", rollout.run_old_bad);
    on("guard_slow_old", rollout.guard_slow_old);
    on("guard_slow_new", rollout.guard_slow_new);
    on("shielded", rollout.shielded);
    on("bad_delivered", rollout.bad_delivered);
    on("mirrored", rollout.mirrored);
    on("mirror_differences", rollout.mirror_differences);
  }
};

json::value StateCodec<core::RolloutRecord>::write(const core::RolloutRecord& rollout) {
  StateWriter writer;
  StateMembers<core::RolloutRecord>::visit(writer, rollout);
  return writer.take();
}

core::RolloutRecord StateCodec<core::RolloutRecord>::read(const json::value& value) {
  const StateReader reader(value);
  core::RolloutRecord rollout;
  StateMembers<core::RolloutRecord>::visit(reader, rollout);
  if (rollout.step > rollout.policy.steps.size()) {
    throw StateProblem("is above the number of steps").under("step");
  }
  if (rollout.weight > core::percent_100) {
    throw StateProblem("is above 10000").under("weight_hundredths");
  }
  if (!is_sound(rollout.step_new))
    throw StateProblem("has more repeats than bad").under("step_new");
  if (!has_sound_moments(rollout)) throw StateProblem("has a moment that no clock shows");
  return rollout;
}

}  // namespace sluice::proxy
