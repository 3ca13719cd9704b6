#include <algorithm>
#include <utility>

#include "core/draw.hpp"
#include "core/rollout.hpp"
#include "core/rollout_text.hpp"

/// What an operator may tell a rollout, and when.
namespace sluice::core {

std::string Rollout::refusal(const std::string& verb, const std::string& when) const {
  return "the rollout " + record_.id + " is " + std::string(to_string(record_.state)) + "; " +
         verb + " is possible " + when;
}

Result<RolloutSteps, std::string> Rollout::steer(RolloutVerb verb, const std::string& who,
                                                 const RolloutSurroundings& around) {
  switch (verb) {
    case RolloutVerb::pause:
      return pause(who, around.now_ms);
    case RolloutVerb::resume:
      return resume(who, around.now_ms);
    case RolloutVerb::promote:
      return promote(who, around.now_ms);
    case RolloutVerb::promote_full:
      return promote_full(who, around.now_ms);
    case RolloutVerb::abort: {
      if (!is_before_promotion(record_.state)) return refusal("abort", "before the promotion");
      if (auto why = nowhere_to_go(around)) return *why;
      RolloutSteps out;
      begin_roll_back({"operator", who + " aborted it"}, around.now_ms, out);
      return out;
    }
    case RolloutVerb::undo:
      if (auto why = nowhere_to_go(around)) return *why;
      return undo(who, around.now_ms);
    case RolloutVerb::approve:
      return approve(who, around.now_ms);
    case RolloutVerb::retry:
      return retry(who, around.now_ms);
  }
  return RolloutSteps{};
}

/// A rollback onto a version that cannot serve would be an outage (pitfall P26).
std::optional<std::string> Rollout::nowhere_to_go(const RolloutSurroundings& around) const {
  if (around.old_up > 0 || !has_traffic()) return std::nullopt;
  return "no backend of " + record_.from + " can serve, so traffic cannot go back to it; repair " +
         record_.from + " first, or set the weights yourself after a full promotion";
}

Result<RolloutSteps, std::string> Rollout::pause(const std::string& who, std::int64_t now_ms) {
  if (record_.state == RolloutState::paused) return RolloutSteps{};
  if (!is_before_promotion(record_.state)) return refusal("pause", "before the promotion");
  record_.before_pause = is_moving(record_.state) ? RolloutState::stepping : record_.state;
  const Verdict why{"operator", who + " paused it; its detectors stay armed"};
  decide("pause", why, now_ms);
  become(RolloutState::paused, why, now_ms);
  return RolloutSteps{};
}

Result<RolloutSteps, std::string> Rollout::resume(const std::string& who, std::int64_t now_ms) {
  if (record_.state != RolloutState::paused) return refusal("resume", "while it is paused");
  decide("resume", {"operator", who + " let it go on"}, now_ms);
  become(record_.before_pause, {}, now_ms);
  return RolloutSteps{};
}

Result<RolloutSteps, std::string> Rollout::promote(const std::string& who, std::int64_t now_ms) {
  const bool is_paused_moving =
      record_.state == RolloutState::paused && record_.before_pause == RolloutState::stepping;
  if (record_.policy.mode == RolloutMode::observe) {
    return "the rollout " + record_.id + " only observes; set the weights with a split";
  }
  if (!is_moving(record_.state) && !is_paused_moving) {
    return refusal("promote", "while it is stepping, holding, baking or paused in a step");
  }
  record_.passes_step = true;
  decide("promote_step", {"operator", who + " sent it on to the next step"}, now_ms);
  become(RolloutState::stepping, {}, now_ms);
  return RolloutSteps{};
}

Result<RolloutSteps, std::string> Rollout::promote_full(const std::string& who,
                                                        std::int64_t now_ms) {
  if (record_.policy.mode == RolloutMode::observe) {
    return "the rollout " + record_.id + " only observes; set the weights with a split";
  }
  if (!is_before_promotion(record_.state)) {
    return refusal("a full promotion", "before the promotion");
  }
  record_.step = record_.policy.steps.size();
  ++record_.revision;
  decide("promote_full", {"operator", who + " sent all traffic to " + record_.to}, now_ms);
  become(RolloutState::stepping, {}, now_ms);
  RolloutSteps out;
  order_weight(percent_100, false, out);
  return out;
}

Result<RolloutSteps, std::string> Rollout::undo(const std::string& who, std::int64_t now_ms) {
  const bool may =
      record_.state == RolloutState::promoted || record_.state == RolloutState::draining;
  if (!may) {
    return refusal("undo", "after the promotion, until " + record_.from +
                               " is drained; before the promotion say abort");
  }
  RolloutSteps out;
  if (record_.state == RolloutState::draining) {
    out.push_back({.kind = RolloutOrderKind::undrain});
  }
  begin_roll_back({"undo", who + " undid the promotion"}, now_ms, out);
  return out;
}

Result<RolloutSteps, std::string> Rollout::approve(const std::string& who, std::int64_t now_ms) {
  std::size_t asking = 0;
  while (asking < record_.gates.size() && (record_.gates[asking] != GateState::asking ||
                                           record_.policy.gates[asking].before != next_weight())) {
    ++asking;
  }
  if (asking == record_.gates.size() || !is_before_promotion(record_.state)) {
    return "no gate of the rollout " + record_.id + " waits for an approval";
  }
  gate_answer(asking, true, who + " approved it", now_ms);
  return RolloutSteps{};
}

Result<RolloutSteps, std::string> Rollout::retry(const std::string& who, std::int64_t now_ms) {
  if (record_.state != RolloutState::rolled_back) return refusal("retry", "once it is rolled back");
  RolloutRecord fresh;
  fresh.route = record_.route;
  fresh.id = record_.id;
  fresh.from = record_.from;
  fresh.to = record_.to;
  fresh.started_by = who;
  fresh.policy = record_.policy;
  fresh.by_units = record_.by_units;
  fresh.attempt = record_.attempt + 1;
  fresh.salt = mixed(record_.salt + 1);
  fresh.revision = record_.revision + 1;
  fresh.weight = record_.weight;
  fresh.decisions = record_.decisions;
  *this = Rollout(std::move(fresh));
  return begin(now_ms);
}

void Rollout::queue(QueuedRollout next) {
  record_.queued = std::move(next);
  changed_ = true;
}

std::optional<QueuedRollout> Rollout::take_queued() {
  changed_ = changed_ || record_.queued;
  return std::exchange(record_.queued, std::nullopt);
}

}  // namespace sluice::core
