#include <algorithm>
#include <cstddef>
#include <utility>

#include "proxy/drain_watch.hpp"
#include "proxy/wall_clock.hpp"

/// How drains and removals are followed to their end.
namespace sluice::proxy {
namespace {

constexpr std::chrono::seconds time_to_cut{2};
constexpr std::size_t watches_at_once = 500;

void add_drain_counts(DrainStatus& sum, const core::Backend& backend) {
  sum.in_flight += backend.in_flight;
  sum.upgraded += backend.upgraded;
  sum.open += backend.open;
}

bool is_quiet(const DrainStatus& status) {
  return status.in_flight + status.upgraded + status.open == 0;
}

}  // namespace

/// Whether there is such a pool or backend. As check_target(), without words.
bool LocalControl::is_in_force(const std::string& pool, const std::string& backend) const {
  return backend.empty() ? find_pool(pool) != nullptr : members_.contains(pool, backend);
}

/// The watch of this pool or backend from now on.
LocalControl::WatchPtr LocalControl::watch_for(DrainOrder order, std::vector<std::string> members,
                                               bool is_removal) {
  const PlaceView place{order.pool, order.backend};
  auto at = watches_.lower_bound(place);
  if (at == watches_.end() || view_of(at->first) != place) {
    at = watches_.emplace_hint(at, place, std::make_shared<DrainWatch>());
  }
  const WatchPtr& watch = at->second;
  watch->order = std::move(order);
  watch->members = std::move(members);
  watch->is_removal = is_removal;
  // The newest order says until when.
  if (watch->order.deadline) set_deadline(*watch, watch->order.deadline);
  return watch;
}

void LocalControl::set_deadline(DrainWatch& watch, std::optional<milliseconds> from_now) {
  watch.deadline =
      from_now ? Clock::now() + std::min(*from_now, core::longest_deadline) : TimePoint::max();
  watch.give_up = TimePoint::max();
  watch.is_cutting = false;
}

/// Follows a drain that was begun before this process, or in another one: each cuts what it has.
void LocalControl::watch_in_force(const core::DrainOverride& drain) {
  const auto left = core::time_left(drain, wall_clock_ms());
  const WatchPtr watch =
      watch_for({drain.pool, drain.backend, left}, members_of(drain.pool, drain.backend), false);
  set_deadline(*watch, left);
}

/// Follows a drain that every worker has begun. With `wait` the caller hears of its end, else of
/// its beginning.
void LocalControl::watch_drain(const DrainOrder& order, std::vector<std::string> members,
                               bool is_removal, const Done<DrainStatus>& done) {
  const WatchPtr watch = watch_for(order, std::move(members), is_removal);
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
            const bool is_meant = backend.pool == order.pool &&
                                  (order.backend.empty() || backend.address == order.backend);
            if (is_meant) add_drain_counts(status, backend);
          }
        }
        status.state = is_quiet(status) ? DrainState::drained : DrainState::draining;
        done(status);
      });
}

/// Those to be looked at now: a few, in turn, when a reload has removed many thousands.
std::vector<LocalControl::WatchPtr> LocalControl::next_watches() {
  std::vector<WatchPtr> next;
  auto at = watches_.upper_bound(last_polled_);
  while (next.size() < std::min(watches_.size(), watches_at_once)) {
    if (at == watches_.end()) at = watches_.begin();
    next.push_back((at++)->second);
  }
  if (!next.empty()) last_polled_ = Place(next.back()->place());
  return next;
}

void LocalControl::poll_drains() {
  if (poll_under_way_) return;
  poll_under_way_ = true;
  const auto watches = std::make_shared<std::vector<WatchPtr>>();
  std::vector<Place> places;
  for (const WatchPtr& watch : next_watches()) {
    watches->push_back(watch);
    for (const std::string& address : watch->addresses()) {
      places.emplace_back(watch->order.pool, address);
    }
  }
  fleet_.ask_all_in_parts<std::vector<core::Backend>>(
      [places = std::make_shared<const std::vector<Place>>(std::move(places)), at = std::size_t{0}](
          Worker& worker, std::vector<core::Backend>& busy) mutable {
        const TimePoint until = Clock::now() + longest_part;
        while (at < places->size() && Clock::now() < until) {
          const auto& [pool, address] = (*places)[at++];
          const LiveBackend* backend = worker.backends().find(pool, address);
          if (backend != nullptr && !backend->is_quiet()) busy.push_back(*backend);
        }
        return at == places->size();
      },
      [this, watches](const BackendLists& of_workers) {
        const BackendLists counts = with_predecessor(of_workers);
        poll_under_way_ = false;
        BackendSums sums;
        for (const auto& of_worker : counts) {
          for (const core::Backend& backend : of_worker) {
            add_drain_counts(sums.add(backend.pool, backend.address).first, backend);
          }
        }
        const PlaceSet drains = places_of(overrides_.drains);
        for (const WatchPtr& watch : *watches) judge_drain(watch, sums, drains);
      });
}

bool LocalControl::is_watched(const WatchPtr& watch) const {
  const auto found = watches_.find(watch->place());
  return found != watches_.end() && found->second == watch;
}

void LocalControl::judge_drain(const WatchPtr& watch, const BackendSums& sums,
                               const PlaceSet& drains) {
  if (!is_watched(watch)) return;
  const std::string& pool = watch->order.pool;
  const std::string& backend = watch->order.backend;
  const bool is_draining = drains.contains(watch->place()) || drains.contains(PlaceView{pool, ""});
  // Un-drained, or removed and added again, since the order was given: nothing of it may be cut.
  if (!is_draining && is_in_force(pool, backend)) {
    return finish_drain(watch, {pool, backend, DrainState::none});
  }
  DrainStatus status{pool, backend};
  for (const std::string& address : watch->addresses()) {
    const DrainStatus* sum = sums.find(pool, address);
    if (sum == nullptr) continue;
    status.in_flight += sum->in_flight;
    status.upgraded += sum->upgraded;
    status.open += sum->open;
  }
  status.cut = watch->cut;
  status.deadline_passed = watch->is_cutting;
  if (is_quiet(status)) {
    if (watch->orders_under_way > 0) return;
    status.state = DrainState::drained;
    return finish_drain(watch, status);
  }
  // What was cut takes its time to end: the caller hears what is left, and it is followed on.
  if (Clock::now() > watch->give_up) answer_waiting(*watch, status);
  if (Clock::now() >= watch->deadline && !watch->is_cutting) cut_drained(watch);
}

void LocalControl::cut_drained(const WatchPtr& watch) {
  watch->is_cutting = true;
  watch->give_up = Clock::now() + time_to_cut;
  fleet_.ask_all<std::size_t>(
      [pool = watch->order.pool,
       addresses =
           std::vector(watch->addresses().begin(), watch->addresses().end())](Worker& worker) {
        std::size_t cut = 0;
        for (const std::string& address : addresses) cut += worker.cut_backend(pool, address);
        return cut;
      },
      [watch](const std::vector<std::size_t>& cut) {
        for (const std::size_t count : cut) watch->cut += count;
      });
}

void LocalControl::finish_drain(const WatchPtr& watch, const DrainStatus& status) {
  const auto found = watches_.find(watch->place());
  if (found != watches_.end() && found->second == watch) watches_.erase(found);
  if (status.state == DrainState::drained) notices_.drained({status, "drain"});
  answer_waiting(*watch, status);
}

void LocalControl::answer_waiting(DrainWatch& watch, const DrainStatus& status) {
  for (const auto& done : std::exchange(watch.waiting, {})) done(status);
}

/// Removed backends that were added again are no longer on their way out.
void LocalControl::forget_removals() {
  std::vector<WatchPtr> back;
  for (const auto& [place, watch] : watches_) {
    if (watch->is_removal && is_in_force(place.first, place.second)) back.push_back(watch);
  }
  for (const WatchPtr& watch : back) {
    finish_drain(watch, {watch->order.pool, watch->order.backend, DrainState::none});
  }
}

}  // namespace sluice::proxy
