#include <algorithm>
#include <utility>

#include "proxy/rollout_live.hpp"

/// What rollouts ask of requests, and how what workers have counted gets to them.
namespace sluice::proxy {
namespace {

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
  // Workers were asked before the hand-over began: what they say is judged at the next tick.
  if (parts_.ground.may_decide()) judge(live);
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

void Rollouts::count(const Live& live, const std::vector<core::Observation>& seen,
                     const core::RolloutExtras& extras) {
  Totals& totals = totals_[live.record().route];
  totals.shielded += extras.shielded;
  for (const core::Observation& one : seen) {
    for (std::size_t index = 0; index < stream_count; ++index) {
      const std::string stream(to_string(static_cast<sluice::Stream>(index)));
      totals.bad[{live.record().from, stream}] += one.old_pool.bad[index];
      totals.bad[{live.record().to, stream}] += one.new_pool.bad[index];
    }
  }
}

}  // namespace sluice::proxy
