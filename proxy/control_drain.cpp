#include <algorithm>
#include <boost/asio/post.hpp>

#include "proxy/drain_watch.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {

namespace {

constexpr std::chrono::seconds time_to_cut{2};

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
  if (members_.contains({pool, backend})) return std::nullopt;
  return Denial{404, "No such backend",
                "pool \"" + pool + "\" has no backend \"" + backend + "\"; GET /v1/pools/" + pool +
                    " lists them"};
}

void LocalControl::drain(DrainOrder order, Actor actor, Done<DrainStatus> done) {
  if (auto denial = check_change(order.pool, order.backend)) {
    boost::asio::post(io_, [done, denial] { done(*denial); });
    return;
  }
  const auto known = std::find_if(overrides_.drains.begin(), overrides_.drains.end(),
                                  [&](const core::DrainOverride& drain) {
                                    return same_target(drain, order.pool, order.backend);
                                  });
  if (known == overrides_.drains.end()) {
    overrides_.drains.push_back({order.pool, order.backend, {actor.who, wall_clock_ms()}});
    const DrainStatus begun{order.pool, order.backend};
    audit(actor, "drain", subject_of(begun), "taking requests", "draining");
    notices_.drain_begun({begun, actor.who});
  }
  std::set<std::string> addresses;
  for (const BackendSettings& member : find_pool(order.pool)->backends) {
    if (order.backend.empty() || order.backend == member.address) addresses.insert(member.address);
  }
  std::vector<BackendCondition> conditions;
  conditions.reserve(addresses.size());
  for (const std::string& address : addresses) {
    conditions.push_back(told(condition_of(order.pool, address)));
  }
  fleet_.on_all_then(
      [conditions](Worker& worker) {
        for (const BackendCondition& condition : conditions) worker.apply(condition);
      },
      [this, order, addresses, done] {
        keep_then([this, order, addresses, done] { watch_drain(order, addresses, false, done); });
      });
}

/// Follows a drain that every worker has begun. With `wait` the caller hears of its end, else of
/// its beginning.
void LocalControl::watch_drain(DrainOrder order, std::set<std::string> addresses, bool is_removal,
                               Done<DrainStatus> done) {
  const auto known = std::find_if(watches_.begin(), watches_.end(), [&](const auto& watch) {
    return watch->order.pool == order.pool && watch->order.backend == order.backend;
  });
  auto watch = known != watches_.end() ? *known : std::make_shared<DrainWatch>();
  if (known == watches_.end()) watches_.push_back(watch);
  watch->order = order;
  watch->addresses = std::move(addresses);
  watch->is_removal = is_removal;
  // The newest order says until when.
  if (order.deadline) {
    watch->deadline = Clock::now() + *order.deadline;
    watch->give_up = TimePoint::max();
    watch->is_cutting = false;
  }
  if (order.wait) {
    watch->waiting.push_back(done);
    return poll_drains();
  }
  fleet_.ask_all<std::vector<core::Backend>>(
      [order](Worker& worker) { return worker.counts_of(order.pool, order.backend); },
      [this, order, done](const BackendLists& of_workers) {
        const BackendLists counts = with_predecessor(of_workers);
        DrainStatus status{order.pool, order.backend};
        for (const auto& of_worker : counts) {
          for (const core::Backend& backend : of_worker) {
            status.in_flight += backend.in_flight;
            status.upgraded += backend.upgraded;
            status.open += backend.open;
          }
        }
        const bool is_quiet = status.in_flight + status.upgraded + status.open == 0;
        status.state = is_quiet ? DrainState::drained : DrainState::draining;
        done(status);
      });
}

void LocalControl::poll_drains() {
  if (poll_under_way_) return;
  poll_under_way_ = true;
  const auto watches = std::make_shared<std::list<std::shared_ptr<DrainWatch>>>(watches_);
  std::set<std::string> pools;
  for (const auto& watch : *watches) pools.insert(watch->order.pool);
  fleet_.ask_all<std::vector<core::Backend>>(
      [pools](Worker& worker) {
        std::vector<core::Backend> all;
        for (const std::string& pool : pools) {
          const auto counts = worker.counts_of(pool, "");
          all.insert(all.end(), counts.begin(), counts.end());
        }
        return all;
      },
      [this, watches](const BackendLists& of_workers) {
        const BackendLists counts = with_predecessor(of_workers);
        poll_under_way_ = false;
        BackendSums sums;
        for (const auto& of_worker : counts) {
          for (const core::Backend& backend : of_worker) {
            DrainStatus& sum = sums[{backend.pool, backend.address}];
            sum.in_flight += backend.in_flight;
            sum.upgraded += backend.upgraded;
            sum.open += backend.open;
          }
        }
        for (const auto& watch : *watches) judge_drain(watch, sums);
      });
}

void LocalControl::judge_drain(const std::shared_ptr<DrainWatch>& watch, const BackendSums& sums) {
  if (std::find(watches_.begin(), watches_.end(), watch) == watches_.end()) return;
  // Un-drained, or removed and added again, since the order was given: nothing of it may be cut.
  if (!check_target(watch->order.pool, watch->order.backend) &&
      !is_draining(watch->order.pool, watch->order.backend)) {
    return finish_drain(watch, {watch->order.pool, watch->order.backend, DrainState::none});
  }
  DrainStatus status{watch->order.pool, watch->order.backend};
  for (const std::string& address : watch->addresses) {
    const auto sum = sums.find({watch->order.pool, address});
    if (sum == sums.end()) continue;
    status.in_flight += sum->second.in_flight;
    status.upgraded += sum->second.upgraded;
    status.open += sum->second.open;
  }
  status.cut = watch->cut;
  status.deadline_passed = watch->is_cutting;
  const TimePoint now = Clock::now();
  const bool is_quiet = status.in_flight + status.upgraded + status.open == 0;
  if (is_quiet) {
    status.state = DrainState::drained;
    return finish_drain(watch, status);
  }
  // What was cut takes its time to end: the caller hears what is left, and it is followed on.
  if (now > watch->give_up) answer_waiting(*watch, status);
  if (now < watch->deadline || watch->is_cutting) return;
  watch->is_cutting = true;
  watch->give_up = now + time_to_cut;
  fleet_.ask_all<std::size_t>(
      [pool = watch->order.pool, addresses = watch->addresses](Worker& worker) {
        std::size_t cut = 0;
        for (const std::string& address : addresses) cut += worker.cut_backend(pool, address);
        return cut;
      },
      [watch](const std::vector<std::size_t>& cut) {
        for (const std::size_t count : cut) watch->cut += count;
      });
}

void LocalControl::finish_drain(const std::shared_ptr<DrainWatch>& watch,
                                const DrainStatus& status) {
  const auto found = std::find(watches_.begin(), watches_.end(), watch);
  if (found != watches_.end()) watches_.erase(found);
  if (status.state == DrainState::drained) notices_.drained({status, "drain"});
  answer_waiting(*watch, status);
}

void LocalControl::answer_waiting(DrainWatch& watch, const DrainStatus& status) {
  for (const auto& done : std::exchange(watch.waiting, {})) done(status);
}

/// A removed backend that was added again is no longer on its way out.
void LocalControl::forget_removals(const std::string& pool) {
  const auto watches = watches_;
  for (const auto& watch : watches) {
    const bool is_back =
        watch->is_removal && watch->order.pool == pool && !check_target(pool, watch->order.backend);
    if (is_back) finish_drain(watch, {pool, watch->order.backend, DrainState::none});
  }
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
  const auto watches = watches_;
  for (const auto& watch : watches) {
    const bool is_cancelled = !watch->is_removal && watch->order.pool == pool &&
                              (backend.empty() || watch->order.backend == backend);
    if (is_cancelled) finish_drain(watch, {pool, watch->order.backend, DrainState::none});
  }
  if (removed > 0) {
    const DrainStatus taken_back{pool, backend, DrainState::none};
    audit(actor, "undrain", subject_of(taken_back), "draining", "taking requests");
    notices_.undrained({taken_back, actor.who});
  }
  std::vector<BackendCondition> conditions;
  for (const BackendSettings& member : find_pool(pool)->backends) {
    conditions.push_back(told(condition_of(pool, member.address)));
  }
  fleet_.on_all_then(
      [conditions](Worker& worker) {
        for (const BackendCondition& condition : conditions) worker.apply(condition);
      },
      [this, pool, done] { keep_then([this, pool, done] { this->pool(pool, done); }); });
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
                    [this, order, done] { watch_drain(order, {order.backend}, true, done); });
}

}  // namespace sluice::proxy
