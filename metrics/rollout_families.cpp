#include "metrics/rollout_families.hpp"

#include <algorithm>

#include "metrics/family.hpp"
#include "sluice/rollout.hpp"

namespace sluice::metrics {
namespace {

constexpr std::size_t state_count = static_cast<std::size_t>(RolloutState::rolled_back) + 1;

/// The largest double, written with 16 digits, is rounded up beyond the range of a double, and
/// Prometheus refuses the whole exposition.
constexpr double most_evidence = 1e300;

/// A gauge for each state, so that a state that is over goes to 0 and does not vanish.
void add_states(prometheus::MetricFamily& family, const RolloutCounts& entry) {
  for (std::size_t index = 0; index < state_count; ++index) {
    const std::string state(to_string(static_cast<RolloutState>(index)));
    const double is_present = state == entry.state ? 1.0 : 0.0;
    add(family, {{"route", entry.route}, {"state", state}}, is_present);
  }
}

void append_stages(const Snapshot& snapshot, Families& out) {
  auto states = gauge_family("sluice_rollout_state",
                             "1 for the state that the rollout of the route is in, 0 for every "
                             "other one.");
  auto steps = gauge_family("sluice_rollout_step",
                            "Step that the rollout of the route is at, from 1; 0 before the "
                            "first.");
  auto weights = gauge_family("sluice_rollout_weight_ratio",
                              "Share of the new pool, from 0 to 1: configured is what the split in "
                              "force gives it, realised what it got of the requests compared "
                              "under this weight.");
  for (const auto& entry : snapshot.rollouts) {
    add_states(states, entry);
    add(steps, {{"route", entry.route}}, static_cast<double>(entry.step));
    add(weights, {{"route", entry.route}, {"kind", "configured"}}, entry.weight);
    // With everything on the new pool there is nothing to compare, and so no realised share.
    if (entry.weight < 1) {
      add(weights, {{"route", entry.route}, {"kind", "realised"}}, entry.realised);
    }
  }
  out.push_back(std::move(states));
  out.push_back(std::move(steps));
  out.push_back(std::move(weights));
}

void append_judgement(const Snapshot& snapshot, Families& out) {
  auto evidence = gauge_family("sluice_rollout_evidence",
                               "Evidence that the new pool is worse than the old one, by what is "
                               "compared: 1 says nothing, below 1 speaks for the new pool.");
  auto bounds = gauge_family("sluice_rollout_error_ratio_lower_bound",
                             "The new pool fails at least this many times as often as the old one, "
                             "with 95 % confidence; 0 while nothing can be said.");
  for (const auto& entry : snapshot.rollouts) {
    for (const auto& [stream, value] : entry.evidence) {
      add(evidence, {{"route", entry.route}, {"stream", stream}}, std::min(value, most_evidence));
    }
    add(bounds, {{"route", entry.route}}, entry.error_ratio_lower_bound);
  }
  out.push_back(std::move(evidence));
  out.push_back(std::move(bounds));
}

void append_deeds(const Snapshot& snapshot, Families& out) {
  auto decisions = counter_family("sluice_rollout_decisions_total",
                                  "Decisions of the rollouts of the route, by what was decided and "
                                  "why; reason is empty when nothing was wrong.");
  auto holds = counter_family("sluice_rollout_hold_seconds_total",
                              "Time that the rollouts of the route have held, by what stood "
                              "against the next step, in seconds.");
  for (const auto& entry : snapshot.rollout_totals) {
    for (const auto& [decision, reason, count] : entry.decisions) {
      add(decisions, {{"route", entry.route}, {"decision", decision}, {"reason", reason}}, count);
    }
    for (const auto& [reason, seconds] : entry.hold_seconds) {
      add(holds, {{"route", entry.route}, {"reason", reason}}, seconds);
    }
  }
  out.push_back(std::move(decisions));
  out.push_back(std::move(holds));
}

void append_bad_requests(const Snapshot& snapshot, Families& out) {
  auto shielded = counter_family("sluice_rollout_shielded_total",
                                 "Requests that failed on the new pool and were repeated on the "
                                 "old one, so that the client did not see it.");
  auto bad = counter_family("sluice_rollout_bad_requests_total",
                            "Requests compared by a rollout that were bad, by the pool they went "
                            "to first and by what was bad about them.");
  for (const auto& entry : snapshot.rollout_totals) {
    add(shielded, {{"route", entry.route}}, entry.shielded);
    for (const auto& [pool, stream, count] : entry.bad) {
      add(bad, {{"route", entry.route}, {"pool", pool}, {"stream", stream}}, count);
    }
  }
  out.push_back(std::move(shielded));
  out.push_back(std::move(bad));
}

}  // namespace

void append_rollouts(const Snapshot& snapshot, Families& out) {
  append_stages(snapshot, out);
  append_judgement(snapshot, out);
  append_deeds(snapshot, out);
  append_bad_requests(snapshot, out);
}

}  // namespace sluice::metrics
