#include "proxy/rollouts.hpp"

#include <algorithm>
#include <ctime>

#include "proxy/rollout_live.hpp"

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

std::int64_t wall_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

void add(core::RolloutExtras& all, const core::RolloutExtras& more) {
  all.shielded += more.shielded;
  all.bad_delivered += more.bad_delivered;
  all.guard_slow_old += more.guard_slow_old;
  all.guard_slow_new += more.guard_slow_new;
  all.mirrored += more.mirrored;
  all.mirror_differences += more.mirror_differences;
}

/// The observation of `all` that `seen` adds to.
core::Observation& counterpart(std::vector<core::Observation>& all, const core::Observation& seen) {
  const auto known = std::find_if(all.begin(), all.end(), [&](const core::Observation& one) {
    return one.weight == seen.weight && one.period == seen.period;
  });
  if (known != all.end()) return *known;
  core::Observation& fresh = all.emplace_back();
  fresh.period = seen.period;
  fresh.weight = seen.weight;
  return fresh;
}

}  // namespace

Rollouts::Rollouts(Parts parts)
    : parts_(parts), started_(Clock::now()), started_ms_(wall_ms()), next_tick_(started_) {}

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

void Rollouts::restore(std::vector<core::RolloutRecord> records) {
  is_following_ = false;
  live_.clear();
  ended_.clear();
  for (core::RolloutRecord& record : records) {
    // Time does not go back, whatever the clock says now.
    for (const RolloutDecision& decision : record.decisions) {
      started_ms_ = std::max(started_ms_, decision.at_ms);
    }
    for (const std::int64_t at : {record.since_ms, record.step_since_ms, record.restart_ms}) {
      started_ms_ = std::max(started_ms_, at);
    }
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
    end_trial(live);
    forget(*live);
    parts_.ground.readmit(live->record().to);
    std::erase(live_, live);
  }
  std::erase_if(ended_, [&](const auto& entry) {
    return parts_.ground.route_settings(entry.first) == nullptr;
  });
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
  for (const LivePtr& live : all) {
    if (!is_active(live->record().state)) {
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
    has_changed = has_changed || is_active(live->record().state);
  }
  // What was counted is a second old at most when it is lost.
  if (!has_changed || now < next_keep_) return;
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

void Rollouts::take_reports(const LivePtr& live, std::vector<TrialReport> reports) {
  std::vector<core::Observation> seen;
  core::RolloutExtras extras;
  live->old_overdue = 0;
  for (TrialReport& report : reports) {
    for (core::Observation& one : report.seen) {
      core::Observation& sum = counterpart(seen, one);
      sum.old_pool.add(one.old_pool);
      sum.new_pool.add(one.new_pool);
      core::add_backends(sum.by_backend, one.by_backend);
    }
    add(extras, report.extras);
    live->old_overdue += report.old_overdue;
  }
  set_limits(*live, reports);
  count(*live, seen, extras);
  live->machine.observe(std::move(seen), extras, surroundings(*live));
  judge(live);
}

void Rollouts::judge(const LivePtr& live) {
  const core::RolloutSteps steps = live->machine.tick(surroundings(*live));
  tell_decisions(*live);
  carry_out(live, steps);
  if (live->is_trial_on && !live->is_judging()) end_trial(live);
  if (!is_active(live->record().state) && live->queued) begin_queued(live);
}

/// What is normal for OLD from now on, and what is slow for NEW.
void Rollouts::set_limits(Live& live, const std::vector<TrialReport>& reports) {
  core::LatencyHistogram so_far;
  for (const TrialReport& report : reports) so_far.add(report.old_latency);
  const TimePoint now = Clock::now();
  live.gauge.follow(so_far, ns_between(live.followed, now) / 1'000'000);
  live.followed = now;
  const RolloutSettings& policy = live.record().policy;
  constexpr std::array<unsigned, TrialLimits::quantiles> quantiles{50, 90, 99};
  for (std::size_t index = 0; index < quantiles.size(); ++index) {
    const auto& judged = policy.latency.quantiles;
    const auto known = live.gauge.quantile(quantiles[index] / 100.0);
    const bool is_judged =
        known && std::find(judged.begin(), judged.end(), quantiles[index]) != judged.end();
    live.limits.old_ns[index] = is_judged ? *known : 0;
    live.limits.new_ns[index] = 0;
    if (!is_judged) continue;
    const double tolerated = static_cast<double>(*known) * (1 + policy.latency.tolerance);
    live.limits.new_ns[index] =
        static_cast<std::uint64_t>(tolerated) +
        static_cast<std::uint64_t>(policy.latency.slack.count()) * 1'000'000;
  }
  if (const auto p99 = live.gauge.quantile(0.99)) {
    live.limits.overdue_ns = *p99;
    live.old_p99_ms = static_cast<std::int64_t>(*p99 / 1'000'000);
  }
  const auto guard = policy.guard.max_p99.value_or(milliseconds(0));
  live.limits.period = live.record().ledger.period();
  live.limits.guard_ns = static_cast<std::uint64_t>(guard.count()) * 1'000'000;
}

core::RolloutSurroundings Rollouts::surroundings(const Live& live) const {
  core::RolloutSurroundings around;
  around.now_ms = now_ms();
  around.minute_of_week = minute_of_week(wall_ms());
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

std::shared_ptr<const core::Trial> Rollouts::trial(const std::string& route) const {
  const LivePtr live = find(route);
  const RouteSettings* settings = parts_.ground.route_settings(route);
  if (!live || !live->is_trial_on || settings == nullptr) return nullptr;
  const core::RolloutRecord& record = live->record();
  auto trial = std::make_shared<core::Trial>();
  double of_both = 0;
  for (std::uint32_t index = 0; index < settings->split.size(); ++index) {
    const ShareSettings& share = settings->split[index];
    if (share.pool == record.from) trial->old_share = index;
    if (share.pool == record.to) trial->new_share = index;
    if (share.pool != record.from && share.pool != record.to) continue;
    of_both += share.weight;
    if (share.pool == record.to) trial->weight = share.weight;
  }
  if (trial->old_share == trial->new_share) return nullptr;
  trial->key = live->key;
  // Only those two are compared, so a third pool takes nothing from the chance of either.
  trial->weight = of_both > 0 ? trial->weight / of_both : 0;
  trial->salt = record.salt;
  // Who does not judge does not shield either; users are drawn alike everywhere.
  if (is_following_) return trial;
  trial->judges_units = record.by_units;
  trial->shields = record.policy.shield && record.policy.mode == RolloutMode::act;
  trial->shield_budget = record.policy.shield_budget;
  if (live->machine.wants_mirror()) {
    trial->mirror_share = record.policy.mirror.share;
    trial->mirror_body = record.policy.mirror.max_body;
  }
  trial->errors = core::StatusSet(record.policy.errors.statuses);
  return trial;
}

}  // namespace sluice::proxy
