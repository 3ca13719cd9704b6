#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/name_index.hpp"
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

std::optional<Denial> LocalControl::put_settings(SettingsDraft draft, const Actor& actor,
                                                 std::function<void(ReloadStatus)> done) {
  if (is_handing_over_) {
    return Denial{409, "An upgrade is under way",
                  "nothing was changed; another process is about to take over, ask again when it "
                  "serves"};
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
  Settings next = std::move(draft.settings);
  const std::vector<RouteStatus> routes_before = route_statuses();
  overrides_.rollouts = rollouts_.records();
  core::Effective effective = core::lay_over(next, overrides_);
  configured_ = std::move(next);
  overrides_ = std::move(effective.kept);
  const Settings before = std::exchange(effective_, std::move(effective.settings));
  const std::uint64_t generation = plan_->generation + 1;
  // Freed here in the end: that of a large plan would hold a worker up.
  const std::shared_ptr<const core::Plan> replaced = std::exchange(
      plan_, std::make_shared<const core::Plan>(core::build_plan(generation, effective_)));
  rollouts_.retain(overrides_.rollouts);
  plan_ = with_trials(*plan_);
  dropped_ = effective.notices;
  keep_verdicts(before);
  follow_membership();
  count_revisions(routes_before);

  audit(actor, "reload", "settings", "generation " + std::to_string(generation - 1),
        "generation " + std::to_string(generation));
  notices_.reload({generation,
                   {},
                   effective.notices,
                   actor.who,
                   std::move(draft.changes),
                   actor.why,
                   configured_.server,
                   configured_.log});
  tell_differences(before, actor);
  ReloadStatus status{generation, std::move(effective.notices)};
  // Workers hear of listeners behind the plan, so nothing is served on a new one without that.
  post_plan(true, [replaced] {});
  listeners_.put_in_force(std::move(listeners));
  // What the deciding process keeps may fit these settings, although it did not fit the old ones.
  follow();
  fleet_.on_all_then([](Worker&) {},
                     [this, status = std::move(status), done = std::move(done)] {
                       keep_then([done, status] { done(status); });
                     });
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
      if (state != HealthState::unknown) kept_verdicts_[{pool.name, backend.address}] = state;
    }
  }
}

/// A revision never goes back, also when an override is dropped: an old ETag must not match.
void LocalControl::count_revisions(const std::vector<RouteStatus>& before) {
  const Origin now{"configuration", wall_clock_ms()};
  std::map<std::string, SplitRevision> revisions;
  const NameIndex old_routes(before);
  for (const RouteStatus& status : route_statuses()) {
    const RouteStatus* old = old_routes.find(status.name);
    SplitRevision& revision = revisions[status.name];
    revision = {1, now};
    if (old == nullptr) continue;
    const bool is_same =
        std::equal(old->shares.begin(), old->shares.end(), status.shares.begin(),
                   status.shares.end(), [](const ShareStatus& a, const ShareStatus& b) {
                     return a.pool == b.pool && a.in_force == b.in_force;
                   });
    revision =
        is_same ? SplitRevision{old->revision, old->since} : SplitRevision{old->revision + 1, now};
  }
  revisions_ = std::move(revisions);
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
    watch_for({old.name, backend.address, std::nullopt}, {backend.address}, true);
  }
}

}  // namespace sluice::proxy
