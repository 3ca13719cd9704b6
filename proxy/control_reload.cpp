#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "core/reload.hpp"
#include "proxy/drain_watch.hpp"

namespace sluice::proxy {
namespace {

template <class Named>
const Named* find_named(const std::vector<Named>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

bool has_backend(const PoolSettings* pool, const std::string& address) {
  return pool != nullptr &&
         std::any_of(pool->backends.begin(), pool->backends.end(),
                     [&](const BackendSettings& backend) { return backend.address == address; });
}

Denial refusal(std::vector<Problem> problems) {
  const Problem& first = problems.front();
  std::string detail = "nothing was changed; " + first.where + ": " + first.what;
  if (problems.size() > 1) {
    detail += " And " + std::to_string(problems.size() - 1) + " more.";
  }
  return {422, "Settings not acceptable", std::move(detail), std::move(problems)};
}

}  // namespace

void LocalControl::reload(Settings next, Actor actor, Done<ReloadStatus> done) {
  std::vector<Problem> problems = validate(next);
  if (problems.empty()) problems = core::check_reload(configured_, next);
  const bool is_stopping = !readiness_.ready && !on_ready_;
  Denial denial{409, "The proxy stops", "nothing was changed; give the settings to its successor"};
  Listeners::Wanted listeners;
  if (problems.empty() && !is_stopping) listeners = listeners_.prepare(next.listeners, problems);
  if (problems.empty() && !is_stopping) {
    return put_in_force(std::move(next), std::move(listeners), actor, std::move(done));
  }
  last_reload_ok_ = false;
  if (problems.empty()) problems.push_back({"", denial.detail});
  notices_.reload({plan_->generation, problems, {}, actor.who});
  if (!is_stopping) denial = refusal(std::move(problems));
  boost::asio::post(io_, [done = std::move(done), denial = std::move(denial)] { done(denial); });
}

/// From here on nothing can fail any more.
void LocalControl::put_in_force(Settings next, Listeners::Wanted listeners, const Actor& actor,
                                Done<ReloadStatus> done) {
  const std::vector<RouteStatus> routes_before = *routes();
  overrides_.rollouts = rollouts_.records();
  core::Effective effective = core::lay_over(next, overrides_);
  configured_ = std::move(next);
  overrides_ = std::move(effective.kept);
  const Settings before = std::exchange(effective_, std::move(effective.settings));
  const std::uint64_t generation = plan_->generation + 1;
  plan_ = std::make_shared<const core::Plan>(core::build_plan(generation, effective_));
  rollouts_.retain(overrides_.rollouts);
  plan_ = with_trials(*plan_);
  last_reload_ok_ = true;
  dropped_ = effective.notices;
  keep_verdicts(before);
  follow_membership();
  count_revisions(routes_before);

  audit(actor, "reload", "settings", "generation " + std::to_string(generation - 1),
        "generation " + std::to_string(generation));
  notices_.reload({generation, {}, effective.notices, actor.who});
  tell_differences(before, actor);
  ReloadStatus status{generation, std::move(effective.notices)};
  // Workers hear of listeners behind the plan, so nothing is served on a new one without that.
  post_plan(true, [] {});
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
  for (const PoolSettings& pool : effective_.pools) {
    const PoolSettings* old = find_named(before.pools, pool.name);
    if (old == nullptr || !pool.health || old->health == pool.health) continue;
    for (const BackendSettings& backend : pool.backends) {
      if (!has_backend(old, backend.address)) continue;
      const HealthState state = health_of(pool.name, backend.address);
      if (state != HealthState::unknown) kept_verdicts_[{pool.name, backend.address}] = state;
    }
  }
}

/// A revision never goes back, also when an override is dropped: an old ETag must not match.
void LocalControl::count_revisions(const std::vector<RouteStatus>& before) {
  const Origin now{"configuration", wall_clock_ms()};
  std::map<std::string, SplitRevision> revisions;
  for (std::size_t index = 0; index < plan_->topology->routes.size(); ++index) {
    const RouteStatus status = route_status(index);
    const RouteStatus* old = find_named(before, status.name);
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

/// A removed backend is followed until nothing is left on it.
void LocalControl::follow_removal(const std::string& pool, const std::string& address) {
  const auto known = std::find_if(watches_.begin(), watches_.end(), [&](const auto& watch) {
    return watch->order.pool == pool && watch->order.backend == address;
  });
  const auto watch = known != watches_.end() ? *known : std::make_shared<DrainWatch>();
  if (known == watches_.end()) watches_.push_back(watch);
  watch->order.pool = pool;
  watch->order.backend = address;
  watch->addresses = {address};
  watch->is_removal = true;
}

void LocalControl::tell_differences(const Settings& before, const Actor& actor) {
  for (std::size_t index = 0; index < effective_.routes.size(); ++index) {
    const RouteSettings& route = effective_.routes[index];
    const RouteSettings* old = find_named(before.routes, route.name);
    if (old == nullptr || old->split == route.split) continue;
    const std::uint64_t revision = route_status(index).revision;
    notices_.split({route.name, old->split, route.split, revision, actor.who, "reload"});
  }
  for (const PoolSettings& pool : effective_.pools) {
    const PoolSettings* old = find_named(before.pools, pool.name);
    if (old == nullptr) {
      notices_.membership({pool.name, {}, pool.backends, actor.who, "reload"});
    } else if (old->backends != pool.backends) {
      notices_.membership({pool.name, old->backends, pool.backends, actor.who, "reload"});
    }
    forget_removals(pool.name);
  }
  for (const PoolSettings& old : before.pools) {
    const PoolSettings* pool = find_named(effective_.pools, old.name);
    if (pool == nullptr) notices_.membership({old.name, old.backends, {}, actor.who, "reload"});
    for (const BackendSettings& backend : old.backends) {
      if (!has_backend(pool, backend.address)) follow_removal(old.name, backend.address);
    }
  }
}

}  // namespace sluice::proxy
