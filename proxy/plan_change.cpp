#include "proxy/plan_change.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::proxy {

PlanChange::PlanChange(Ground ground, std::shared_ptr<const core::Plan> plan,
                       const std::vector<BackendCondition>& conditions)
    : ground_(ground), plan_(std::move(plan)), conditions_(conditions) {
  const bool has_before = static_cast<bool>(ground_.in_force);
  if (!plan_ || (has_before && ground_.in_force->plan->topology == plan_->topology)) return;
  if (has_before) before_ = ground_.in_force->topology;
  next_ = make_local<LiveTopology>();
  next_->topology = plan_->topology;
  next_->pools.reserve(plan_->topology->settings.pools.size());
  next_->routes.reserve(plan_->topology->routes.size());
  number_ = ground_.backends.begin_change();
}

bool PlanChange::go_on(TimePoint until) {
  using Step = bool (PlanChange::*)();
  constexpr std::array<Step, 8> stages{
      &PlanChange::add_member,    &PlanChange::apply_condition, &PlanChange::build_pool,
      &PlanChange::build_route,   &PlanChange::put_in_force,    &PlanChange::apply_late_condition,
      &PlanChange::retire_member, &PlanChange::release_pool,
  };
  for (; stage_ < stages.size(); ++stage_, at_ = 0, member_ = 0) {
    while ((this->*stages[stage_])()) {
      if (Clock::now() < until) continue;
      refresh_balancers();
      return false;
    }
    refresh_balancers();
  }
  return true;
}

/// Backends first, so that conditions find them.
bool PlanChange::add_member() {
  if (!next_ || at_ == next_->topology->settings.pools.size()) return false;
  const PoolSettings& settings = next_->topology->settings.pools[at_];
  const bool is_begun = !changed_.empty() && changed_.back().index == at_;
  if (!is_begun && !begin_pool(settings)) {
    ++at_;
    return true;
  }
  ChangedPool& pool = changed_.back();
  if (pool.members.size() == settings.backends.size()) {
    ++at_;
    return true;
  }
  LocalPtr<LiveBackend> backend =
      member(pool, settings, settings.backends[pool.members.size()].address);
  backend->idle_timeout = std::chrono::duration_cast<LiveBackend::IdleTimeout>(
      std::min<std::chrono::milliseconds>(settings.idle_timeout, LiveBackend::IdleTimeout::max()));
  backend->gone = false;
  if (backend->change == 0) backend->first_change = number_;
  backend->change = number_;
  pool.members.push_back(std::move(backend));
  return true;
}

/// False when the pool has the settings that it had: it stays the same object.
bool PlanChange::begin_pool(const PoolSettings& settings) {
  LocalPtr<LivePool> old;
  const std::size_t index =
      before_ ? core::pool_index(*before_->topology, settings.name) : std::size_t{0};
  if (before_ && index < before_->pools.size()) {
    old = before_->pools[index];
    if (before_->topology->settings.pools[index] == settings) {
      next_->pools.push_back(std::move(old));
      return false;
    }
  }
  next_->pools.emplace_back();
  ChangedPool& changed = changed_.emplace_back();
  changed.index = at_;
  changed.before = std::move(old);
  changed.members.reserve(settings.backends.size());
  return true;
}

/// A pool mostly has the backends that it had, in the same order: the next one, or the one behind
/// when that was removed.
LocalPtr<LiveBackend> PlanChange::member(ChangedPool& pool, const PoolSettings& settings,
                                         const std::string& address) {
  const std::size_t size = pool.before ? pool.before->members.size() : 0;
  for (std::size_t at = pool.next; at < size && at < pool.next + 2; ++at) {
    if (pool.before->members[at]->address != address) continue;
    pool.next = at + 1;
    return pool.before->members[at];
  }
  return ground_.backends.get(settings.name, address);
}

bool PlanChange::apply_condition() {
  if (at_ == conditions_.size()) return false;
  const BackendCondition& condition = conditions_[at_++];
  if (takes_out(condition)) {
    late_.push_back(&condition);
  } else {
    apply(condition);
  }
  return true;
}

/// Whether requests are given to it until then. Of a backend that is new nobody has heard yet.
bool PlanChange::takes_out(const BackendCondition& condition) const {
  if (!plan_ || (condition.up && !condition.draining)) return false;
  const LiveBackend* backend = ground_.backends.find(condition.pool, condition.address);
  const bool is_new = backend != nullptr && next_ && backend->first_change == number_;
  return backend != nullptr && !is_new && backend->admits();
}

bool PlanChange::apply_late_condition() {
  if (at_ == late_.size()) return false;
  apply(*late_[at_++]);
  return true;
}

void PlanChange::apply(const BackendCondition& condition) {
  if (ground_.backends.note(condition)) unrefreshed_.insert(condition.pool);
}

/// Requests are served next: they must not be given to who is admitted no more. A balancer of many
/// is gone through once for all of a part.
void PlanChange::refresh_balancers() {
  if (ground_.in_force) {
    for (const std::string_view pool : unrefreshed_) ground_.in_force->topology->refresh(pool);
  }
  unrefreshed_.clear();
}

bool PlanChange::build_pool() {
  if (at_ == changed_.size()) return false;
  ChangedPool& changed = changed_[at_++];
  const PoolSettings& settings = next_->topology->settings.pools[changed.index];
  std::vector<core::Balancer::Member> weighted;
  weighted.reserve(changed.members.size());
  for (std::size_t index = 0; index < changed.members.size(); ++index) {
    weighted.push_back({changed.members[index].get(), settings.backends[index].weight});
  }
  next_->pools[changed.index] =
      make_local<LivePool>(settings.name, std::move(changed.members),
                           core::Balancer(settings.balance, std::move(weighted)));
  changed.before = {};
  return true;
}

bool PlanChange::build_route() {
  if (!next_ || at_ == next_->topology->routes.size()) return false;
  const RouteSettings& settings = next_->topology->routes[at_].settings;
  const auto& split = plan_->splits[at_++]->shares();
  LiveRoute& route = next_->routes.emplace_back();
  route.tally = &ground_.tally.route(settings.name);
  // A series that is there from the beginning begins at 0.
  ground_.tally.route_pool(settings.name, "");
  for (std::size_t share = 0; share < split.size(); ++share) {
    route.shares.push_back({&ground_.tally.route_pool(settings.name, settings.split[share].pool),
                            next_->pools[split[share].pool].get()});
  }
  return true;
}

bool PlanChange::put_in_force() {
  if (!plan_) return false;
  auto live = make_local<LivePlan>();
  live->topology = next_ ? next_ : ground_.in_force->topology;
  live->plan = std::move(plan_);
  ground_.in_force = std::move(live);
  return false;
}

bool PlanChange::is_kept(const LocalPtr<LivePool>& pool) const {
  const std::size_t index = core::pool_index(*next_->topology, pool->name);
  return index < next_->pools.size() && next_->pools[index].get() == pool.get();
}

/// What the plan before had and this one leaves out.
bool PlanChange::retire_member() {
  if (!before_ || at_ == before_->pools.size()) return false;
  const LocalPtr<LivePool>& pool = before_->pools[at_];
  if (member_ == pool->members.size() || (member_ == 0 && is_kept(pool))) {
    ++at_;
    member_ = 0;
    return true;
  }
  LiveBackend& backend = *pool->members[member_++];
  if (backend.change != number_) ground_.backends.retire(backend);
  return true;
}

/// What requests still pin goes with the last of them.
bool PlanChange::release_pool() {
  if (!before_ || before_.is_shared() || before_->pools.empty()) return false;
  before_->pools.pop_back();
  return true;
}

}  // namespace sluice::proxy
