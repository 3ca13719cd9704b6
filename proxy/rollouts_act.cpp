#include <algorithm>
#include <cmath>
#include <utility>

#include "core/rollout_text.hpp"
#include "proxy/rollout_live.hpp"

/// What a rollout decided, done.
namespace sluice::proxy {
using core::RolloutOrderKind;

namespace {

/// How long outcomes of requests that were under way are collected after the end.
constexpr std::chrono::seconds late_outcomes{10};

}  // namespace

std::uint32_t new_weight(const std::vector<ShareSettings>& shares,
                         const core::RolloutRecord& rollout) {
  std::uint64_t total = 0;
  std::uint64_t of_new = 0;
  for (const ShareSettings& share : shares) {
    if (share.pool == rollout.from || share.pool == rollout.to) total += share.weight;
    if (share.pool == rollout.to) of_new = share.weight;
  }
  if (total == 0) return 0;
  return static_cast<std::uint32_t>((of_new * core::percent_100 + total / 2) / total);
}

void Rollouts::carry_out(const LivePtr& live, const core::RolloutSteps& steps) {
  // Ended by a reload, or handed to another process, while it waited for the workers.
  if (!is_present(live)) return;
  const core::RolloutRecord& record = live->record();
  for (const core::RolloutStep& step : steps) {
    switch (step.kind) {
      case RolloutOrderKind::weight:
        put_weight(live, step.weight, step.is_urgent);
        break;
      case RolloutOrderKind::tell:
        tell(live, step.event);
        break;
      case RolloutOrderKind::ask_gate:
        ask_gate(live, step.gate);
        break;
      case RolloutOrderKind::drain:
        drain_old(live);
        break;
      case RolloutOrderKind::undrain:
        live->old_is_quiet = false;
        parts_.ground.undrain_pool(record.from, [] {});
        break;
      case RolloutOrderKind::eject:
        parts_.ground.eject(record.to, step.backend);
        break;
    }
  }
  if (!live->is_trial_on || live->machine.wants_mirror() == live->mirrors) return;
  live->mirrors = live->machine.wants_mirror();
  // The next weight says it, too.
  const bool is_said = std::any_of(steps.begin(), steps.end(), [](const core::RolloutStep& step) {
    return step.kind == RolloutOrderKind::weight;
  });
  if (!is_said) parts_.ground.refresh_trial(record.route, [] {});
}

bool Rollouts::is_needed_elsewhere(const LivePtr& live) const {
  const core::RolloutRecord& record = live->record();
  if (!parts_.ground.other_user(record.route, record.from).empty()) return true;
  // Another rollout may go back to it.
  return std::any_of(live_.begin(), live_.end(), [&](const LivePtr& other) {
    return other != live && is_active(other->record().state) &&
           (other->record().from == record.from || other->record().to == record.from);
  });
}

/// A pool that another route still needs is left alone.
void Rollouts::drain_old(const LivePtr& live) {
  const core::RolloutRecord& record = live->record();
  if (is_needed_elsewhere(live)) {
    parts_.notices.log(LogLevel::warn, "rollout " + record.id + " of route " + record.route +
                                           " does not drain pool " + record.from +
                                           ": another route needs it");
    live->old_is_quiet = true;
    return;
  }
  parts_.ground.drain_pool(record.from, record.policy.deadline,
                           [live] { live->old_is_quiet = true; });
}

void Rollouts::put_weight(const LivePtr& live, std::uint32_t weight, bool is_urgent) {
  const core::RolloutRecord& record = live->record();
  // A promoted or rolled back route asks nothing of its requests any more. The plan with the weight
  // says so: one before it would still send requests to NEW, and nobody would shield them.
  if (!live->is_judging() || weight == core::percent_100) compare_no_more(*live);
  std::vector<ShareSettings> shares{{record.from, core::percent_100 - weight}, {record.to, weight}};
  parts_.ground.put_weights(record.route, std::move(shares), is_urgent, [this, live, weight] {
    if (!is_stopped_) weight_is_in_force(live, weight);
  });
}

void Rollouts::weight_is_in_force(const LivePtr& live, std::uint32_t weight) {
  // A reload may have ended it meanwhile.
  if (!is_present(live)) return;
  const core::RolloutSteps steps = live->machine.weight_in_force(weight, now_ms());
  tell_decisions(*live);
  carry_out(live, steps);
}

void Rollouts::tell(const LivePtr& live, const std::string& event) {
  if (live->hooks) live->hooks->tell(event, live->machine.status());
  if (!is_active(live->record().state)) {
    live->queries.reset();
    parts_.ground.readmit(live->record().to);
  }
  parts_.ground.keep([] {});
}

void Rollouts::ask_gate(const LivePtr& live, std::size_t gate) {
  if (!live->hooks) return;
  const std::weak_ptr<Live> weak = live;
  live->hooks->ask_gate(live->record().policy.gates[gate], live->machine.status(),
                        [this, weak, gate](std::optional<bool> agrees, const std::string& words) {
                          const LivePtr asked = weak.lock();
                          if (!asked || !is_present(asked)) return;
                          asked->machine.gate_answer(gate, agrees, words, now_ms());
                          tell_decisions(*asked);
                        });
}

void Rollouts::tell_decisions(Live& live) {
  const core::RolloutRecord& record = live.record();
  for (const RolloutDecision& decision : live.machine.take_decisions()) {
    ++totals_[record.route].decisions[{decision.decision, decision.reason}];
    parts_.notices.rollout({record.route, record.id, std::string(to_string(record.state)),
                            record.weight, decision.decision, decision.reason, decision.words});
  }
}

/// Requests of the next plan are not compared. Those under way still are, and still shielded. False
/// when nothing changes by that.
bool Rollouts::compare_no_more(Live& live) {
  if (!std::exchange(live.is_trial_on, false)) return false;
  live.asked_until = Clock::now() + late_outcomes;
  return true;
}

void Rollouts::end_trial(const LivePtr& live) {
  if (compare_no_more(*live)) parts_.ground.refresh_trial(live->record().route, [] {});
}

/// Workers forget it.
void Rollouts::forget(const Live& live) {
  parts_.fleet.on_all([key = live.key](Worker& worker) { worker.trials().end(key); });
}

void Rollouts::write_to(Snapshot& snapshot) const {
  for (const LivePtr& live : live_) {
    const RolloutStatus status = live->machine.status();
    RolloutCounts counts;
    counts.route = status.route;
    counts.id = status.id;
    counts.from = status.from;
    counts.to = status.to;
    counts.state = to_string(status.state);
    counts.step = status.step;
    counts.weight = status.weight / static_cast<double>(core::percent_100);
    for (const EpochStatus& epoch : status.epochs) {
      const auto of_new = static_cast<double>(epoch.new_pool[0].requests);
      const auto all = of_new + static_cast<double>(epoch.old_pool[0].requests);
      const bool is_present = std::abs(epoch.weight - counts.weight) < 0.00005;
      if (is_present && all > 0) counts.realised = of_new / all;
    }
    for (const StreamStatus& stream : status.streams) {
      counts.evidence.emplace_back(to_string(stream.stream), stream.evidence);
      if (stream.stream == sluice::Stream::errors) {
        counts.error_ratio_lower_bound = stream.ratio_lower_bound;
      }
    }
    snapshot.rollouts.push_back(std::move(counts));
  }
  snapshot.rollout_totals = totals();
}

std::vector<RolloutTotals> Rollouts::totals() const {
  std::vector<RolloutTotals> of_all;
  for (const auto& [route, totals] : totals_) {
    RolloutTotals all;
    all.route = route;
    all.shielded = totals.shielded;
    for (const auto& [why, count] : totals.decisions) {
      all.decisions.push_back({why.first, why.second, count});
    }
    for (const auto& [reason, seconds] : totals.hold_seconds) {
      all.hold_seconds.emplace_back(reason, seconds);
    }
    for (const auto& [of, count] : totals.bad) all.bad.push_back({of.first, of.second, count});
    of_all.push_back(std::move(all));
  }
  return of_all;
}

void Rollouts::add_totals(const std::vector<RolloutTotals>& more) {
  for (const RolloutTotals& one : more) {
    Totals& totals = totals_[one.route];
    totals.shielded += one.shielded;
    for (const auto& [decision, reason, count] : one.decisions) {
      totals.decisions[{decision, reason}] += count;
    }
    for (const auto& [reason, seconds] : one.hold_seconds) totals.hold_seconds[reason] += seconds;
    for (const auto& [pool, stream, count] : one.bad) totals.bad[{pool, stream}] += count;
  }
}

}  // namespace sluice::proxy
