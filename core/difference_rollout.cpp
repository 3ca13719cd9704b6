#include "core/difference_rollout.hpp"

namespace sluice::core {
namespace {

/// Percents of the steps: "[1, 5, 25]".
std::vector<std::string> steps_of(const RolloutSettings& rollout) {
  std::vector<std::string> steps;
  for (const std::uint32_t step : rollout.steps) steps.push_back(hundredths_text(step));
  return steps;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return "[" + out + "]";
}

void add_steps(const RolloutSettings& before, const RolloutSettings& after, Details& details) {
  if (before.steps == after.steps) return;
  details.say("rollout.steps", joined(steps_of(before)) + " -> " + joined(steps_of(after)));
}

void add_judgement(const RolloutSettings& before, const RolloutSettings& after, Details& details) {
  details.add("rollout.errors.statuses", before.errors.statuses, after.errors.statuses);
  details.add("rollout.errors.tolerance", before.errors.tolerance, after.errors.tolerance);
  details.add("rollout.errors.max_rate", before.errors.max_rate, after.errors.max_rate);
  details.add("rollout.latency.tolerance", before.latency.tolerance, after.latency.tolerance);
  details.add("rollout.latency.slack", before.latency.slack, after.latency.slack);
  details.add("rollout.latency.quantiles", before.latency.quantiles, after.latency.quantiles);
  details.add("rollout.guard.max_error_rate", before.guard.max_error_rate,
              after.guard.max_error_rate);
  details.add("rollout.guard.max_p99", before.guard.max_p99, after.guard.max_p99);
  details.add("rollout.mirror.time", before.mirror.time, after.mirror.time);
  details.add("rollout.mirror.share", before.mirror.share, after.mirror.share);
  details.add("rollout.mirror.max_body", before.mirror.max_body, after.mirror.max_body);
}

}  // namespace

void add_rollout(const RolloutSettings& before, const RolloutSettings& after, Details& details) {
  if (before == after) return;
  details.add("rollout.mode", before.mode, after.mode);
  add_steps(before, after, details);
  details.add("rollout.step_time", before.step_time, after.step_time);
  details.add("rollout.step_timeout", before.step_timeout, after.step_timeout);
  details.add("rollout.min_requests", before.min_requests, after.min_requests);
  details.add("rollout.on_inconclusive", before.on_inconclusive, after.on_inconclusive);
  details.add("rollout.bake", before.bake, after.bake);
  details.add("rollout.retain_old", before.retain_old, after.retain_old);
  details.add("rollout.deadline", before.deadline, after.deadline);
  details.add("rollout.alpha", before.alpha, after.alpha);
  details.add("rollout.supersede", before.supersede, after.supersede);
  details.add("rollout.shield", before.shield, after.shield);
  details.add("rollout.shield_budget", before.shield_budget, after.shield_budget);
  if (before.slew != after.slew) {
    details.say("rollout.slew",
                hundredths_text(before.slew) + " -> " + hundredths_text(after.slew));
  }
  details.add("rollout.catastrophe", before.catastrophe, after.catastrophe);
  details.add("rollout.freeze", before.freeze, after.freeze);
  add_judgement(before, after, details);
  details.add_block("rollout.gate", before.gates, after.gates);
  details.add_block("rollout.hook", before.hooks, after.hooks);
  details.add_block("rollout.query", before.queries, after.queries);
}

}  // namespace sluice::core
