#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "core/named.hpp"
#include "proxy/local_control.hpp"

/// What rollouts ask of the control side, and what operators ask of rollouts.
namespace sluice::proxy {
namespace {

const Actor rollout_actor{rollout_actor_name, "sluice", "rollout"};

}  // namespace

Outcome<RolloutStatus> LocalControl::rollout(const std::string& route) {
  const auto known = this->route(route);
  if (!known) return known.error();
  return rollouts_.status(route);
}

Outcome<std::vector<RolloutStatus>> LocalControl::rollout_history(const std::string& route) {
  const auto known = this->route(route);
  if (!known) return known.error();
  return rollouts_.history(route);
}

Outcome<RolloutSettings> LocalControl::rollout_policy(const std::string& route) {
  const auto known = this->route(route);
  if (!known) return known.error();
  return route_settings(route)->rollout;
}

void LocalControl::start_rollout(const std::string& route, RolloutOrder order,
                                 std::optional<std::uint64_t> if_match, Actor actor,
                                 Done<RolloutStatus> done) {
  const auto known = this->route(route);
  const auto deny = [&](Denial denial) {
    boost::asio::post(io_, [done, denial] { done(denial); });
  };
  if (!known) return deny(known.error());
  if (const auto denial = not_decider()) return deny(*denial);
  // A start that is repeated must not fail because the first one has moved the split.
  const bool is_known = rollouts_.knows(route, order.id);
  if (!is_known && if_match && *if_match != known->revision) {
    return deny({412, "Someone was faster",
                 "the split is at revision " + std::to_string(known->revision) + ", not " +
                     std::to_string(*if_match) + "; read it again and decide anew"});
  }
  rollouts_.start(route, std::move(order), actor, std::move(done));
}

void LocalControl::steer_rollout(const std::string& route, RolloutVerb verb,
                                 std::optional<std::uint64_t> if_match, Actor actor,
                                 Done<RolloutStatus> done) {
  const auto known = this->route(route);
  const std::optional<Denial> denial = known ? not_decider() : known.error();
  if (denial) {
    boost::asio::post(io_, [done, denial] { done(*denial); });
    return;
  }
  rollouts_.steer(route, verb, if_match, actor, std::move(done));
}

RolloutGround::PoolCondition LocalControl::pool_condition(const std::string& pool) const {
  PoolCondition condition;
  const PoolSettings* found = find_pool(pool);
  if (found == nullptr) return condition;
  for (const BackendSettings& backend : found->backends) {
    const BackendCondition one = condition_of(pool, backend.address);
    ++condition.size;
    condition.up += one.up && !one.draining ? 1 : 0;
    condition.healthy += one.up ? 1 : 0;
    const HealthState health = health_of(pool, backend.address);
    const bool is_known =
        health != HealthState::unknown && resolver_.is_known(pool, backend.address);
    condition.unknown += is_known ? 0 : 1;
  }
  return condition;
}

std::optional<std::vector<ShareSettings>> LocalControl::split_in_force(
    const std::string& route) const {
  const RouteSettings* settings = route_settings(route);
  if (settings == nullptr) return std::nullopt;
  return settings->split;
}

const RouteSettings* LocalControl::route_settings(const std::string& route) const {
  // The plan has the routes in the same order.
  if (const std::size_t index = core::route_index(*plan_->topology, route);
      index < effective_.routes.size() && effective_.routes[index].name == route) {
    return &effective_.routes[index];
  }
  return core::find_named(effective_.routes, route);
}

RouteSettings* LocalControl::effective_route(const std::string& route) {
  const RouteSettings* settings = route_settings(route);
  return settings == nullptr ? nullptr : &effective_.routes[settings - effective_.routes.data()];
}

void LocalControl::put_weights(const std::string& route, std::vector<ShareSettings> weights,
                               bool is_urgent, std::function<void()> done) {
  const std::size_t index = core::route_index(*plan_->topology, route);
  if (index == plan_->topology->routes.size()) return boost::asio::post(io_, std::move(done));
  note_weights(index, weights, rollout_actor);
  if (!is_urgent) {
    return keep_then([this, route, done = std::move(done)] { post_noted(route, done); });
  }
  // Users must not wait for a disk; but it is said to be done only when that has it, too.
  const auto missing = std::make_shared<int>(2);
  const auto one_done = [missing, done = std::move(done)] {
    if (--*missing == 0) done();
  };
  post_noted(route, one_done);
  keep_then(one_done);
}

/// post_split() of a route that may be gone by now.
void LocalControl::post_noted(const std::string& route, const std::function<void()>& done) {
  const std::size_t index = core::route_index(*plan_->topology, route);
  if (index == plan_->topology->routes.size()) return done();
  post_split(index, done);
}

void LocalControl::refresh_trial(const std::string& route, std::function<void()> done) {
  const std::size_t index = core::route_index(*plan_->topology, route);
  if (index == plan_->topology->routes.size()) return boost::asio::post(io_, std::move(done));
  post_split(index, std::move(done));
}

void LocalControl::drain_pool(const std::string& pool, milliseconds deadline,
                              std::function<void()> done) {
  // What goes on after a restart or in another process keeps the deadline that it has.
  const bool goes_on = std::any_of(
      overrides_.drains.begin(), overrides_.drains.end(), [&](const core::DrainOverride& drain) {
        return drain.pool == pool && drain.backend.empty() &&
               drain.origin.by == rollout_actor_name && drain.deadline_ms;
      });
  drain({pool, "", goes_on ? std::nullopt : std::optional(deadline), true}, rollout_actor,
        [done = std::move(done)](const Outcome<DrainStatus>& drained) {
          // Who may not drain says nothing of what is left; a pool that is gone has nothing left.
          if (drained || drained.error().status == 404) done();
        });
}

std::string LocalControl::other_user(const std::string& route, const std::string& pool) const {
  for (const RouteSettings& other : effective_.routes) {
    if (other.name == route) continue;
    for (const ShareSettings& share : other.split) {
      if (share.pool == pool && share.weight > 0) return other.name;
    }
  }
  return {};
}

void LocalControl::undrain_pool(const std::string& pool, std::function<void()> done) {
  undrain(pool, "", rollout_actor,
          [done = std::move(done)](const Outcome<PoolStatus>&) { done(); });
}

std::string LocalControl::drained_by(const std::string& pool) const {
  const auto found = std::find_if(overrides_.drains.begin(), overrides_.drains.end(),
                                  [&](const core::DrainOverride& drain) {
                                    return drain.pool == pool && drain.backend.empty();
                                  });
  if (found == overrides_.drains.end()) return {};
  return found->origin.by.empty() ? "somebody" : found->origin.by;
}

void LocalControl::eject(const std::string& pool, const std::string& backend) {
  ejected_.insert({pool, backend});
  post_condition(pool, backend);
}

/// It is repaired, or no longer the one that was taken out.
void LocalControl::readmit(const std::string& pool, const std::string& backend) {
  const auto found = ejected_.find(PlaceView{pool, backend});
  if (found == ejected_.end()) return;
  ejected_.erase(found);
  rollouts_.readmitted(pool, backend);
}

void LocalControl::readmit(const std::string& pool) {
  std::vector<Place> out;
  for (const Place& place : ejected_) {
    if (place.first == pool) out.push_back(place);
  }
  for (const Place& place : out) {
    ejected_.erase(place);
    rollouts_.readmitted(place.first, place.second);
    post_condition(place.first, place.second);
  }
}

bool LocalControl::may_decide() const {
  return hands_on_ == 0;
}

void LocalControl::keep(std::function<void()> done) {
  if (is_stopped_) return done();
  keep_then(std::move(done));
}

void LocalControl::keep_counts() {
  if (!is_stopped_) write_state(false, [] {});
}

}  // namespace sluice::proxy
