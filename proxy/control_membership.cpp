#include <algorithm>
#include <boost/asio/post.hpp>
#include <cassert>
#include <set>
#include <string_view>
#include <utility>

#include "core/address.hpp"
#include "core/named.hpp"
#include "proxy/local_control.hpp"
#include "proxy/wall_clock.hpp"
#include "sluice/problem.hpp"

namespace sluice::proxy {
namespace {

/// What is wrong with the backends of one pool, or "".
std::string first_problem(const Settings& settings, const std::string& pool) {
  const std::string prefix = "pool." + pool + ".";
  for (const Problem& problem : validate(settings)) {
    if (problem.where.starts_with(prefix)) return problem.what;
  }
  return {};
}

}  // namespace

/// Puts a new membership in force: a new topology over the same backends, so those that stay keep
/// their connections and counts. `then` runs when every worker has it and it is on disk.
void LocalControl::change_membership(const std::string& pool, std::vector<BackendSettings> backends,
                                     const Actor& actor, std::function<void()> then) {
  PoolSettings* settings = core::find_named(effective_.pools, pool);
  const PoolSettings* configured = core::find_named(configured_.pools, pool);
  assert(settings != nullptr && configured != nullptr);
  const std::vector<BackendSettings> before = std::exchange(settings->backends, backends);

  auto known = std::find_if(
      overrides_.memberships.begin(), overrides_.memberships.end(),
      [&](const core::MembershipOverride& membership) { return membership.pool == pool; });
  if (known == overrides_.memberships.end()) {
    core::MembershipOverride fresh;
    fresh.pool = pool;
    fresh.configured = configured->backends;
    known = overrides_.memberships.insert(known, std::move(fresh));
  }
  known->backends = std::move(backends);
  known->origin = {actor.who, wall_clock_ms()};
  std::set<std::string_view> members;
  for (const BackendSettings& member : settings->backends) members.insert(member.address);
  std::erase_if(overrides_.drains, [&](const core::DrainOverride& drain) {
    return drain.pool == pool && !drain.backend.empty() && !members.contains(drain.backend);
  });

  plan_ = with_trials(core::build_plan(plan_->generation + 1, effective_));
  follow_membership();
  forget_removals();
  audit(actor, "membership", pool, in_words(before), in_words(known->backends));
  notices_.membership({pool, before, known->backends, actor.who, actor.why});
  post_plan(true, [this, then = std::move(then)] { keep_then(then); });
}

void LocalControl::set_backends(const std::string& pool, std::vector<BackendSettings> backends,
                                Actor actor, Done<PoolStatus> done) {
  if (auto denial = check_change(pool, "")) {
    boost::asio::post(io_, [done, denial] { done(*denial); });
    return;
  }
  Settings wanted = effective_;
  for (PoolSettings& settings : wanted.pools) {
    if (settings.name == pool) settings.backends = backends;
  }
  if (const std::string problem = first_problem(wanted, pool); !problem.empty()) {
    boost::asio::post(io_, [done, problem] {
      done(Denial{422, "Membership not acceptable", problem});
    });
    return;
  }
  change_membership(pool, std::move(backends), actor,
                    [this, pool, done] { this->pool(pool, done); });
}

void LocalControl::add_backend(const std::string& pool, BackendSettings backend, Actor actor,
                               Done<PoolStatus> done) {
  const PoolSettings* settings = find_pool(pool);
  if (settings == nullptr) return set_backends(pool, {}, std::move(actor), std::move(done));
  std::vector<BackendSettings> backends = settings->backends;
  const auto known = std::find_if(
      backends.begin(), backends.end(),
      [&](const BackendSettings& member) { return member.address == backend.address; });
  if (known != backends.end()) {
    *known = std::move(backend);
  } else {
    backends.push_back(std::move(backend));
  }
  set_backends(pool, std::move(backends), std::move(actor), std::move(done));
}

}  // namespace sluice::proxy
