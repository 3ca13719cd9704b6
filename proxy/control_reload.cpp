#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/name_index.hpp"
#include "core/overrides_back.hpp"
#include "core/reload.hpp"
#include "proxy/drain_watch.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {
namespace {

using core::NameIndex;

std::set<std::string_view> addresses_of(const PoolSettings* pool) {
  std::set<std::string_view> addresses;
  if (pool == nullptr) return addresses;
  for (const BackendSettings& backend : pool->backends) addresses.insert(backend.address);
  return addresses;
}

}  // namespace

Outcome<std::vector<std::string>> LocalControl::try_settings(const Settings& next) const {
  std::vector<Problem> problems = validate(next);
  if (problems.empty()) problems = core::check_reload(configured_, next);
  if (!problems.empty()) return settings_refused(std::move(problems));
  core::Overrides overrides = overrides_;
  overrides.rollouts = rollouts_.records();
  return core::lay_over(next, overrides).notices;
}

/// Who follows ends nothing: the deciding process goes on with the rollout.
std::string LocalControl::ends_rollout(const Settings& next) const {
  if (!decides()) return {};
  core::Overrides overrides = overrides_;
  overrides.rollouts = rollouts_.records();
  if (overrides.rollouts.empty() || !validate(next).empty()) return {};
  return core::ended_rollout(next, overrides);
}

std::optional<Denial> LocalControl::put_settings(SettingsDraft draft, const Actor& actor,
                                                 std::function<void(ReloadStatus)> done) {
  if (is_handing_over_) {
    return Denial{409, "An upgrade is under way",
                  "nothing was changed; another process is about to take over, ask again when it "
                  "serves"};
  }
  // Whose sockets are whose is settled: one that is dropped now would be left by both processes.
  if (is_taking_over_) {
    return Denial{409, "This process takes over",
                  "nothing was changed; this process takes over from another one and does not "
                  "serve yet, ask again in a moment"};
  }
  std::vector<Problem> problems = validate(draft.settings);
  if (problems.empty()) problems = core::check_reload(configured_, draft.settings);
  const bool is_stopping = !readiness_.ready && !on_ready_;
  if (is_stopping) {
    return Denial{409, "The proxy stops", "nothing was changed; give the settings to its successor",
                  std::move(problems)};
  }
  Listeners::Wanted listeners;
  if (problems.empty()) listeners = listeners_.prepare(draft.settings.listeners, problems);
  if (!problems.empty()) return settings_refused(std::move(problems));
  put_in_force(std::move(draft), std::move(listeners), actor, std::move(done));
  return std::nullopt;
}

/// From here on nothing can fail any more.
void LocalControl::put_in_force(SettingsDraft draft, Listeners::Wanted listeners,
                                const Actor& actor, std::function<void(ReloadStatus)> done) {
  const std::vector<RouteStatus> routes_before = route_statuses();
  const std::vector<core::DrainOverride> drains_before = overrides_.drains;
  const std::uint64_t generation_before = plan_->generation;
  if (draft.overrides) overrides_ = std::move(*draft.overrides);
  const Settings before = take_settings(std::move(draft.settings));
  keep_verdicts(before);
  follow_membership();
  // Workers hear of listeners behind the plan, so nothing is served on a new one without that.
  post_plan(true, [] {});
  listeners_.put_in_force(std::move(listeners));

  // While they take it, all who want to hear of it are told.
  count_revisions(routes_before);
  raise_revisions();
  const std::uint64_t generation = generation_before + 1;
  audit(actor, "reload", "settings", "generation " + std::to_string(generation - 1),
        "generation " + std::to_string(generation));
  notices_.reload({generation,
                   {},
                   dropped_,
                   actor.who,
                   std::move(draft.changes),
                   actor.why,
                   configured_.server,
                   configured_.log});
  tell_differences(before, actor);
  tell_drains_back(drains_before);
  ReloadStatus status{generation, dropped_};
  // What the deciding process keeps may fit these settings, although it did not fit the old ones.
  follow();
  fleet_.on_all_then([](Worker&) {},
                     [this, status = std::move(status), done = std::move(done)] {
                       keep_then([this, done, status] { done(with_write_problem(status)); });
                     });
}

ReloadStatus LocalControl::with_write_problem(ReloadStatus status) const {
  if (write_problem_.empty() || !decides()) return status;
  status.notices.push_back("What was changed at run time is not on disk: " + write_problem_ +
                           ". It is in force, and written as soon as that is possible.");
  return status;
}

/// The overrides laid over `next`, and a plan of that. What was in force before.
Settings LocalControl::take_settings(Settings next) {
  overrides_.rollouts = rollouts_.records();
  core::Effective effective = core::lay_over(next, overrides_);
  configured_ = std::move(next);
  overrides_ = std::move(effective.kept);
  dropped_ = std::move(effective.notices);
  Settings before = std::exchange(effective_, std::move(effective.settings));
  plan_ = std::make_shared<const core::Plan>(core::build_plan(plan_->generation + 1, effective_));
  rollouts_.retain(overrides_.rollouts);
  plan_ = with_trials(*plan_);
  return before;
}

/// Backends that stay keep what is known of them until their new check has its first verdict: a
/// longer interval must not take a pool out of service.
void LocalControl::keep_verdicts(const Settings& before) {
  const NameIndex old_pools(before.pools);
  for (const PoolSettings& pool : effective_.pools) {
    const PoolSettings* old = old_pools.find(pool.name);
    if (old == nullptr || !pool.health || old->health == pool.health) continue;
    const auto known = addresses_of(old);
    for (const BackendSettings& backend : pool.backends) {
      if (!known.contains(backend.address)) continue;
      const HealthState state = health_of(pool.name, backend.address);
      if (state != HealthState::unknown) kept_verdicts_[Place{pool.name, backend.address}] = state;
    }
  }
}

/// A revision never goes back, also when an override is dropped or a route comes back that was
/// gone: an old ETag must not match.
void LocalControl::count_revisions(const std::vector<RouteStatus>& before) {
  const Origin now{"configuration", wall_clock_ms()};
  for (const RouteStatus& old : before) revisions_[old.name] = {old.revision, old.since};
  const NameIndex old_routes(before);
  for (const RouteStatus& status : route_statuses()) {
    const RouteStatus* old = old_routes.find(status.name);
    const auto [known, is_new] = revisions_.try_emplace(status.name, SplitRevision{1, now});
    const bool is_same =
        old != nullptr &&
        std::equal(old->shares.begin(), old->shares.end(), status.shares.begin(),
                   status.shares.end(), [](const ShareStatus& a, const ShareStatus& b) {
                     return a.pool == b.pool && a.in_force == b.in_force;
                   });
    if (!is_new && !is_same) known->second = {known->second.number + 1, now};
  }
}

/// Weights that come back with other settings have the revision of their time.
void LocalControl::raise_revisions() {
  for (core::SplitOverride& split : overrides_.splits) {
    split.revision = std::max(split.revision, revisions_.at(split.route).number);
  }
}

void LocalControl::tell_drains_back(const std::vector<core::DrainOverride>& before) {
  for (const core::DrainOverride& drain : overrides_.drains) {
    const bool is_known = std::any_of(before.begin(), before.end(), [&](const auto& old) {
      return old.pool == drain.pool && old.backend == drain.backend;
    });
    if (is_known) continue;
    notices_.drain_begun({DrainStatus{drain.pool, drain.backend}, drain.origin.by});
    if (has_taken_over_) watch_in_force(drain);
  }
}

void LocalControl::tell_differences(const Settings& before, const Actor& actor) {
  const NameIndex old_routes(before.routes);
  std::vector<RouteStatus> routes_now;
  for (std::size_t index = 0; index < effective_.routes.size(); ++index) {
    const RouteSettings& route = effective_.routes[index];
    const RouteSettings* old = old_routes.find(route.name);
    if (old == nullptr || old->split == route.split) continue;
    if (routes_now.empty()) routes_now = route_statuses();
    const std::uint64_t revision = routes_now[index].revision;
    notices_.split({route.name, old->split, route.split, revision, actor.who, "reload"});
  }
  const NameIndex old_pools(before.pools);
  for (const PoolSettings& pool : effective_.pools) {
    const PoolSettings* old = old_pools.find(pool.name);
    if (old == nullptr) {
      notices_.membership({pool.name, {}, pool.backends, actor.who, "reload"});
    } else if (old->backends != pool.backends) {
      notices_.membership({pool.name, old->backends, pool.backends, actor.who, "reload"});
    }
  }
  forget_removals();
  const NameIndex pools(effective_.pools);
  for (const PoolSettings& old : before.pools) {
    const PoolSettings* pool = pools.find(old.name);
    if (pool == nullptr) notices_.membership({old.name, old.backends, {}, actor.who, "reload"});
    if (pool == nullptr || pool->backends != old.backends) follow_removals(old, pool);
  }
}

/// A removed backend is followed until nothing is left on it.
void LocalControl::follow_removals(const PoolSettings& old, const PoolSettings* now) {
  const auto left = addresses_of(now);
  for (const BackendSettings& backend : old.backends) {
    if (left.contains(backend.address)) continue;
    watch_for({old.name, backend.address, std::nullopt}, {}, true);
  }
}

}  // namespace sluice::proxy
