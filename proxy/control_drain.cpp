#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "proxy/drain_watch.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {

namespace {

bool same_target(const core::DrainOverride& drain, const std::string& pool,
                 const std::string& backend) {
  return drain.pool == pool && drain.backend == backend;
}

}  // namespace

std::optional<Denial> LocalControl::check_change(const std::string& pool,
                                                 const std::string& backend) const {
  auto denial = check_target(pool, backend);
  return denial ? denial : not_decider();
}

std::optional<Denial> LocalControl::check_target(const std::string& pool,
                                                 const std::string& backend) const {
  const PoolSettings* found = find_pool(pool);
  if (found == nullptr) {
    return Denial{404, "No such pool",
                  "there is no pool \"" + pool + "\"; GET /v1/pools lists them"};
  }
  if (backend.empty()) return std::nullopt;
  if (members_.contains(pool, backend)) return std::nullopt;
  return Denial{404, "No such backend",
                "pool \"" + pool + "\" has no backend \"" + backend + "\"; GET /v1/pools/" + pool +
                    " lists them"};
}

/// Those that an order which is allowed is about, when that is all of a pool.
std::vector<std::string> LocalControl::members_of(const std::string& pool,
                                                  const std::string& backend) const {
  std::vector<std::string> addresses;
  if (!backend.empty()) return addresses;
  const PoolSettings& settings = *find_pool(pool);
  addresses.reserve(settings.backends.size());
  for (const BackendSettings& member : settings.backends) addresses.push_back(member.address);
  return addresses;
}

void LocalControl::drain(DrainOrder order, Actor actor, Done<DrainStatus> done) {
  if (auto denial = check_change(order.pool, order.backend)) {
    boost::asio::post(io_, [done, denial] { done(*denial); });
    return;
  }
  const bool is_watched = watches_.contains(PlaceView{order.pool, order.backend});
  const auto left = note_drain(order, actor);
  // One that says nothing of a deadline leaves that of the one before.
  if (!is_watched && !order.deadline) order.deadline = left;
  const WatchPtr watch = watch_for(order, members_of(order.pool, order.backend), false);
  ++watch->orders_under_way;
  // It counts from now on, and not only when all is on disk.
  order.deadline.reset();
  post_conditions(order.pool, watch->addresses(),
                  [this, order, members = watch->members, watch, done] {
                    keep_then([this, order, members, watch, done] {
                      --watch->orders_under_way;
                      watch_drain(order, members, false, done);
                    });
                  });
}

/// From here on it drains: the next conditions say so, and so does the file. How long it is to its
/// deadline.
std::optional<milliseconds> LocalControl::note_drain(const DrainOrder& order, const Actor& actor) {
  const std::int64_t now_ms = wall_clock_ms();
  auto drain = std::find_if(
      overrides_.drains.begin(), overrides_.drains.end(),
      [&](const core::DrainOverride& one) { return same_target(one, order.pool, order.backend); });
  const bool is_new = drain == overrides_.drains.end();
  if (is_new) {
    drain = overrides_.drains.insert(drain, {order.pool, order.backend, {actor.who, now_ms}});
  }
  if (order.deadline) drain->deadline_ms = core::moment_after(*order.deadline, now_ms);
  const auto left = core::time_left(*drain, now_ms);
  if (!is_new) return left;
  const DrainStatus begun{order.pool, order.backend};
  audit(actor, "drain", subject_of(begun), "taking requests", "draining");
  notices_.drain_begun({begun, actor.who});
  return left;
}

/// Tells the workers how these backends are. `then` runs when every one of them knows.
void LocalControl::post_conditions(const std::string& pool, std::span<const std::string> addresses,
                                   std::function<void()> then) {
  const PlaceSet drains = places_of(overrides_.drains);
  const bool pool_drains = drains.contains(PlaceView{pool, ""});
  const auto conditions = std::make_shared<std::vector<BackendCondition>>();
  conditions->reserve(addresses.size());
  for (const std::string& address : addresses) {
    const bool is_draining = pool_drains || drains.contains(PlaceView{pool, address});
    conditions->push_back(told(condition_of(pool, address, is_draining)));
  }
  fleet_.change(nullptr, conditions, std::move(then));
}

void LocalControl::undrain(const std::string& pool, const std::string& backend, Actor actor,
                           Done<PoolStatus> done) {
  if (auto denial = check_change(pool, backend)) {
    boost::asio::post(io_, [done, denial] { done(*denial); });
    return;
  }
  const bool pool_drains =
      std::any_of(overrides_.drains.begin(), overrides_.drains.end(),
                  [&](const core::DrainOverride& drain) { return same_target(drain, pool, ""); });
  if (!backend.empty() && pool_drains) {
    boost::asio::post(io_, [done, pool] {
      done(Denial{409, "The whole pool drains",
                  "pool \"" + pool + "\" drains as a whole; un-drain the pool"});
    });
    return;
  }
  const std::size_t removed =
      std::erase_if(overrides_.drains, [&](const core::DrainOverride& drain) {
        // Un-draining a pool takes the drains of its backends with it.
        return drain.pool == pool && (backend.empty() || drain.backend == backend);
      });
  std::vector<WatchPtr> cancelled;
  for (auto at = watches_.lower_bound(PlaceView{pool, backend});
       at != watches_.end() && at->first.first == pool; ++at) {
    const bool is_meant = backend.empty() || at->first.second == backend;
    if (is_meant && !at->second->is_removal) cancelled.push_back(at->second);
  }
  for (const WatchPtr& watch : cancelled) {
    finish_drain(watch, {pool, watch->order.backend, DrainState::none});
  }
  if (removed > 0) {
    const DrainStatus taken_back{pool, backend, DrainState::none};
    audit(actor, "undrain", subject_of(taken_back), "draining", "taking requests");
    notices_.undrained({taken_back, actor.who});
  }
  post_conditions(pool, members_of(pool, ""), [this, pool, done] {
    keep_then([this, pool, done] { this->pool(pool, done); });
  });
}

void LocalControl::remove_backend(DrainOrder order, Actor actor, Done<DrainStatus> done) {
  if (auto denial = check_change(order.pool, order.backend)) {
    boost::asio::post(io_, [done, denial] { done(*denial); });
    return;
  }
  std::vector<BackendSettings> left = find_pool(order.pool)->backends;
  std::erase_if(left,
                [&](const BackendSettings& member) { return member.address == order.backend; });
  change_membership(order.pool, std::move(left), actor,
                    [this, order, done] { watch_drain(order, {}, true, done); });
}

}  // namespace sluice::proxy
