#include "proxy/rollouts.hpp"

#include <algorithm>
#include <ctime>

#include "proxy/rollout_live.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {
namespace {

constexpr std::chrono::milliseconds tick_length{100};
constexpr std::chrono::milliseconds keep_length{500};
constexpr std::uint64_t revisions_between_writes = 100;
constexpr std::size_t history_kept = 20;
constexpr std::chrono::minutes time_to_tell{5};

unsigned minute_of_week(std::int64_t now_ms) {
  const auto now = static_cast<std::time_t>(now_ms / 1000);
  std::tm local{};
  localtime_r(&now, &local);
  const auto day = static_cast<unsigned>((local.tm_wday + 6) % 7);
  return day * core::minutes_per_day + static_cast<unsigned>(local.tm_hour) * 60 +
         static_cast<unsigned>(local.tm_min);
}

}  // namespace

Rollouts::Rollouts(Parts parts)
    : parts_(parts), started_(Clock::now()), started_ms_(wall_clock_ms()), next_tick_(started_) {}

Rollouts::~Rollouts() = default;

/// A wall clock that never goes back, so that no step is shortened or repeated by a correction.
std::int64_t Rollouts::now_ms() const {
  return started_ms_ + std::chrono::duration_cast<milliseconds>(Clock::now() - started_).count();
}

Rollouts::LivePtr Rollouts::find(const std::string& route) const {
  const auto known = std::find_if(live_.begin(), live_.end(), [&](const LivePtr& live) {
    return live->record().route == route;
  });
  return known == live_.end() ? nullptr : *known;
}

void Rollouts::readmitted(const std::string& pool, const std::string& backend) {
  if (is_following_) return;
  for (const LivePtr& live : live_) {
    if (is_active(live->record().state) && live->record().to == pool) {
      live->machine.readmitted(backend);
    }
  }
}

bool Rollouts::is_present(const LivePtr& live) const {
  return std::find(live_.begin(), live_.end(), live) != live_.end();
}

/// Nothing of it goes on but telling hooks what was told last.
void Rollouts::part_with(const LivePtr& live) {
  forget(*live);
  std::erase(live_, live);
  live->queries.reset();
  parting_.emplace_back(Clock::now() + time_to_tell, live);
}

/// Makes it the newest rollout of its route.
Rollouts::LivePtr Rollouts::enlist(core::RolloutRecord record) {
  if (const LivePtr before = find(record.route)) {
    auto& ended = ended_[record.route];
    ended.push_back(before->record());
    // History shows counts by weight, not by time.
    ended.back().ledger.compact(core::Observation::present);
    ended.back().queued.reset();
    if (ended.size() > history_kept) ended.erase(ended.begin());
    part_with(before);
  }
  auto live = std::make_shared<Live>(std::move(record));
  live->key = next_key_++;
  live->followed = Clock::now();
  const RolloutSettings& policy = live->record().policy;
  // Both belong to the rollout, so nothing of it is called after its end.
  Live* self = live.get();
  live->hooks = std::make_unique<RolloutHooks>(
      parts_.io, policy, parts_.notices.sink(),
      [self](const std::string& failure) { self->machine.hook_failed(failure); });
  if (is_active(live->record().state) && !policy.queries.empty()) {
    live->queries = std::make_unique<RolloutQueries>(
        parts_.io, policy.queries, parts_.notices.sink(),
        [self](std::size_t query, bool is_bad) { self->machine.query_sample(query, is_bad); });
  }
  live_.push_back(live);
  if (live->is_judging()) {
    live->is_trial_on = true;
    parts_.fleet.on_all([key = live->key](Worker& worker) { worker.trials().begin(key); });
  }
  return live;
}

/// Time does not go back, whatever the clock says now.
void Rollouts::set_clock(const std::vector<core::RolloutRecord>& records) {
  std::int64_t now = std::max(now_ms(), wall_clock_ms());
  for (const core::RolloutRecord& record : records) {
    for (const RolloutDecision& decision : record.decisions) now = std::max(now, decision.at_ms);
    for (const std::int64_t at : {record.since_ms, record.step_since_ms, record.restart_ms}) {
      now = std::max(now, at);
    }
  }
  started_ = Clock::now();
  started_ms_ = now;
}

void Rollouts::restore(std::vector<core::RolloutRecord> records) {
  is_following_ = false;
  live_.clear();
  ended_.clear();
  set_clock(records);
  for (core::RolloutRecord& record : records) {
    const std::string route = record.route;
    if (is_active(record.state)) {
      if (const auto shares = parts_.ground.split_in_force(route)) {
        record.weight = new_weight(*shares, record);
      }
    }
    // What was answered just before the end may not have been written.
    record.revision += revisions_between_writes;
    record.hook_failure.clear();
    const LivePtr live = enlist(std::move(record));
    if (!is_active(live->record().state)) continue;
    parts_.notices.log(LogLevel::info,
                       "rollout " + live->record().id + " of route " + route +
                           " goes on: " + std::string(to_string(live->record().state)));
    for (const std::string& backend : live->record().ejected) {
      parts_.ground.eject(live->record().to, backend);
    }
    if (live->record().state != RolloutState::draining) continue;
    carry_out(live, {{.kind = core::RolloutOrderKind::drain}});
  }
}

void Rollouts::pause_all(const std::string& why) {
  for (const LivePtr& live : live_) {
    if (!is_active(live->record().state)) continue;
    // Refused where there is nothing left that could advance.
    const auto steps =
        live->machine.steer(RolloutVerb::pause, "sluice (" + why + ")", surroundings(*live));
    if (!steps) continue;
    tell_decisions(*live);
    parts_.notices.log(LogLevel::error, "rollout " + live->record().id + " of route " +
                                            live->record().route + " is paused: " + why +
                                            "; resume or abort it");
  }
}

void Rollouts::retain(const std::vector<core::RolloutRecord>& kept) {
  if (is_following_) {
    follow(kept);
    return;
  }
  const auto is_kept = [&](const core::RolloutRecord& record) {
    return std::any_of(kept.begin(), kept.end(), [&](const core::RolloutRecord& one) {
      return one.route == record.route && one.id == record.id && one.attempt == record.attempt;
    });
  };
  const std::vector<LivePtr> all = live_;
  for (const LivePtr& live : all) {
    if (is_kept(live->record()) && follow_split(live)) continue;
    end_by_settings(live);
  }
  std::erase_if(ended_, [&](const auto& entry) {
    return parts_.ground.route_settings(entry.first) == nullptr;
  });
}

/// It stays to be seen, unless its route is gone. The plan of the new settings asks nothing for it.
void Rollouts::end_by_settings(const LivePtr& live) {
  const core::RolloutRecord& record = live->record();
  live->is_trial_on = false;
  if (is_active(record.state)) {
    live->machine.end("a reload has no place for it: what the settings say is in force", now_ms());
    tell_decisions(*live);
    if (live->hooks) {
      live->hooks->tell(std::string(to_string(record.state)), live->machine.status());
    }
    if (record.queued) {
      parts_.notices.log(LogLevel::warn, "rollout " + record.queued->order.id + " of route " +
                                             record.route +
                                             ", which waited for this one, is dropped with it");
    }
    live->machine.take_queued();
  }
  live->queries.reset();
  parts_.ground.readmit(record.to);
  forget(*live);
  if (parts_.ground.route_settings(record.route) == nullptr) part_with(live);
}

/// The configuration may have set other weights. False when the rollout cannot go on with them.
bool Rollouts::follow_split(const LivePtr& live) {
  if (!is_active(live->record().state)) return true;
  const auto shares = parts_.ground.split_in_force(live->record().route);
  if (!shares) return false;
  const core::RolloutRecord& record = live->record();
  for (const ShareSettings& share : *shares) {
    const bool is_third = share.pool != record.from && share.pool != record.to;
    if (!is_third || share.weight == 0 || record.policy.mode == RolloutMode::observe) continue;
    parts_.notices.log(LogLevel::warn, "rollout " + record.id + " of route " + record.route +
                                           " has ended: pool " + share.pool +
                                           " has a weight of its own now");
    return false;
  }
  live->machine.weight_changed(new_weight(*shares, record), now_ms());
  return true;
}

void Rollouts::stop() {
  is_stopped_ = true;
  parting_.clear();
  for (const LivePtr& live : live_) {
    live->hooks.reset();
    live->queries.reset();
  }
}

void Rollouts::tick() {
  const TimePoint now = Clock::now();
  if (is_stopped_ || live_.empty() || now < next_tick_) return;
  next_tick_ = now + tick_length;
  std::erase_if(parting_, [&](const auto& entry) { return entry.first < now; });
  if (is_following_) return;
  const std::vector<LivePtr> all = live_;
  bool has_changed = false;
  bool may_have_counted = false;
  for (const LivePtr& live : all) {
    has_changed = live->machine.take_changed() || has_changed;
    if (!is_active(live->record().state)) {
      // It may have ended by an operator's word, or before a restart.
      settle(live);
      if (now < live->asked_until) ask_workers(live);
      continue;
    }
    if (live->record().state == RolloutState::holding) {
      totals_[live->record().route].hold_seconds[live->record().reason] +=
          std::chrono::duration<double>(tick_length).count();
    }
    if (live->is_trial_on || now < live->asked_until) {
      ask_workers(live);
    } else {
      judge(live);
    }
    may_have_counted = true;
  }
  // Plain counts are half a second old at most when they are lost.
  if (!has_changed && (!may_have_counted || now < next_keep_)) return;
  next_keep_ = now + keep_length;
  parts_.ground.keep_counts();
}

void Rollouts::ask_workers(const LivePtr& live) {
  if (std::exchange(live->asks, true)) return;
  parts_.fleet.ask_all<TrialReport>(
      [key = live->key, limits = live->limits](Worker& worker) {
        TrialTally* tally = worker.trials().find(key);
        return tally != nullptr ? tally->report(limits, Clock::now()) : TrialReport{};
      },
      [this, live](std::vector<TrialReport> reports) {
        live->asks = false;
        if (!is_stopped_ && is_present(live)) take_reports(live, std::move(reports));
      });
}

void Rollouts::collect(std::function<void()> then) {
  // One more than there are, so that it is called behind the last one and also when there is none.
  const auto left = std::make_shared<std::size_t>(1);
  const auto one_less = [left, then = std::move(then)] {
    if (--*left == 0) then();
  };
  const std::vector<LivePtr> all = is_following_ ? std::vector<LivePtr>{} : live_;
  for (const LivePtr& live : all) {
    if (!live->is_trial_on) continue;
    ++*left;
    parts_.fleet.ask_all<TrialReport>(
        [key = live->key, limits = live->limits](Worker& worker) {
          TrialTally* tally = worker.trials().find(key);
          return tally != nullptr ? tally->report(limits, Clock::now()) : TrialReport{};
        },
        [this, live, one_less](std::vector<TrialReport> reports) {
          if (!is_stopped_ && is_present(live)) take_reports(live, std::move(reports));
          one_less();
        });
  }
  one_less();
}

void Rollouts::judge(const LivePtr& live) {
  const core::RolloutSteps steps = live->machine.tick(surroundings(*live));
  tell_decisions(*live);
  carry_out(live, steps);
  settle(live);
  // At once, and not a tick later: a restart is to find what is shown from here on.
  if (live->machine.take_changed()) parts_.ground.keep_counts();
}

/// What follows from the state that it is in.
void Rollouts::settle(const LivePtr& live) {
  if (!live->is_judging()) end_trial(live);
  if (!is_active(live->record().state)) begin_queued(live);
}

core::RolloutSurroundings Rollouts::surroundings(const Live& live) const {
  core::RolloutSurroundings around;
  around.now_ms = now_ms();
  around.minute_of_week = minute_of_week(wall_clock_ms());
  const auto of_new = parts_.ground.pool_condition(live.record().to);
  const auto of_old = parts_.ground.pool_condition(live.record().from);
  around.new_up = of_new.up;
  around.new_size = of_new.size;
  around.new_unknown = of_new.unknown;
  // What this rollout drains can still take the traffic back.
  const bool drains = parts_.ground.drained_by(live.record().from) == rollout_actor_name;
  around.old_up = drains ? of_old.healthy : of_old.up;
  around.old_is_quiet = live.old_is_quiet;
  around.old_overdue = live.old_overdue;
  around.old_p99_ms = live.old_p99_ms;
  return around;
}

}  // namespace sluice::proxy
