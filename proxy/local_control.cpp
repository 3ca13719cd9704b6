#include "proxy/local_control.hpp"

#include <algorithm>
#include <utility>

#include "core/named.hpp"
#include "proxy/drain_watch.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {
namespace {

/// How long the start waits for first verdicts and look-ups.
constexpr std::chrono::seconds longest_start{5};

}  // namespace

LocalControl::LocalControl(Parts parts, Settings configured)
    : io_(parts.io),
      fleet_(parts.fleet),
      state_(parts.state),
      access_log_(parts.access_log),
      notices_(parts.notices),
      listeners_(parts.listeners),
      configured_(std::move(configured)),
      host_(parts.io, reactor_),
      ticker_(parts.io),
      prober_(reactor_, wheel_, blocks_,
              [this](const auto& pool, const auto& address, auto state, const auto& seen) {
                on_health(pool, address, state, seen);
              }),
      resolver_(
          parts.io, wheel_,
          [this](const auto& pool, const auto& address, const auto& addresses) {
            on_resolved(pool, address, addresses);
          },
          parts.notices.sink()),
      rollouts_({parts.io, parts.fleet, parts.notices, *this}),
      reloads_({parts.io, parts.notices, *this, configured_.server.state_dir,
                std::move(parts.read_settings), std::move(parts.settings_text)}),
      started_(Clock::now()),
      started_ms_(wall_clock_ms()),
      upgrade_(std::move(parts.upgrade)),
      on_deciding_(std::move(parts.on_deciding)),
      inherited_(std::move(parts.inherited)),
      is_taking_over_(inherited_ != nullptr),
      has_taken_over_(!inherited_),
      watch_(parts.io, [this] { follow(); }) {
  if (inherited_) standby_for_ = "the process before this one";
  // Where the predecessor keeps its state elsewhere, or nowhere, it is here.
  const auto saved = inherited_ && state_.held_by().empty()
                         ? core::Result<core::Overrides, std::string>(inherited_->overrides)
                         : state_.load();
  if (!saved) tell_unusable(saved.error());
  core::Effective effective = core::lay_over(configured_, saved ? *saved : core::Overrides{});
  for (const std::string& notice : effective.notices) notices_.log(LogLevel::warn, notice);
  dropped_ = effective.notices;
  // What was dropped must not come back at a later restart.
  has_dropped_overrides_ = !effective.notices.empty();
  overrides_ = std::move(effective.kept);
  effective_ = std::move(effective.settings);
}

LocalControl::~LocalControl() = default;

void LocalControl::start(std::function<void()> ready) {
  const std::uint64_t generation = inherited_ ? inherited_->generation + 1 : 1;
  plan_ = std::make_shared<const core::Plan>(core::build_plan(generation, effective_));
  if (inherited_) seed(*inherited_);
  on_ready_ = std::move(ready);
  if (!state_.trouble().empty()) {
    notices_.log(LogLevel::error, state_.trouble() + "; what is changed at run time is lost at a " +
                                      "restart until that is put right");
  }
  // Before rollouts go on with those that they have begun.
  if (has_taken_over_) {
    for (const core::DrainOverride& drain : overrides_.drains) watch_in_force(drain);
  }
  if (decides()) {
    rollouts_.restore(std::move(overrides_.rollouts));
  } else {
    rollouts_.follow(overrides_.rollouts);
    follow_ejections();
    if (!state_.held_by().empty()) begin_to_follow();
  }
  plan_ = with_trials(*plan_);
  reloads_.start();
  host_.start();
  follow_membership();
  if (has_dropped_overrides_) keep_then([] {});
  post_plan(true, [this] { tick(); });
}

void LocalControl::stop() {
  is_stopped_ = true;
  watch_.stop();
  rollouts_.stop();
  reloads_.stop();
  ticker_.cancel();
  resolver_.stop();
  for (const auto& [place, member] : std::exchange(members_, {})) {
    prober_.forget(place.first, place.second);
  }
  const Denial stopped{503, "The proxy has stopped", "the proxy stopped before this was drained"};
  for (const auto& [place, watch] : std::exchange(watches_, {})) {
    for (const auto& done : watch->waiting) done(stopped);
  }
  host_.stop();
  // What was closed just now still has to hear of it.
  while (reactor_.turn(milliseconds(0)) != 0) {
  }
}

void LocalControl::tick() {
  if (is_stopped_) return;
  wheel_.advance(Clock::now());
  if (on_ready_) check_ready();
  if (!watches_.empty()) poll_drains();
  // Before the first verdicts every pool looks broken.
  if (!on_ready_ && may_decide()) rollouts_.tick();
  look_at_state();
  posted_.free_unused();
  ticker_.expires_after(DeadlineWheel::grain);
  ticker_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void LocalControl::check_ready() {
  const bool is_late = Clock::now() - started_ > longest_start;
  if (!is_late && !(prober_.has_all_verdicts() && resolver_.has_all())) return;
  if (is_late) {
    notices_.log(LogLevel::warn, "some backends have no verdict yet; serving without them");
  }
  // Whom a predecessor still serves for becomes ready by take_over().
  if (!inherited_) set_readiness({true, ""});
  std::exchange(on_ready_, nullptr)();
}

void LocalControl::set_readiness(Readiness readiness) {
  readiness_ = std::move(readiness);
  if (readiness_.ready) is_taking_over_ = false;
  notices_.readiness(readiness_);
}

/// `then` runs when every worker has taken the plan in force.
void LocalControl::post_plan(bool with_conditions, std::function<void()> then) {
  posted_.add(plan_);
  fleet_.change(plan_,
                std::make_shared<const std::vector<BackendCondition>>(
                    with_conditions ? new_conditions() : std::vector<BackendCondition>{}),
                std::move(then));
}

void LocalControl::post_condition(const std::string& pool, const std::string& address) {
  const BackendCondition condition = told(condition_of(pool, address));
  fleet_.on_all([condition](Worker& worker) { worker.apply(condition); });
}

HealthState LocalControl::health_of(const std::string& pool, const std::string& address) const {
  const HealthState checked = prober_.state(pool, address);
  if (checked != HealthState::unknown) return checked;
  const auto kept = kept_verdicts_.find(PlaceView{pool, address});
  return kept == kept_verdicts_.end() ? checked : kept->second;
}

BackendCondition LocalControl::condition_of(const std::string& pool,
                                            const std::string& address) const {
  return condition_of(pool, address, is_draining(pool, address));
}

BackendCondition LocalControl::condition_of(const std::string& pool, const std::string& address,
                                            bool is_draining) const {
  const HealthState health = health_of(pool, address);
  const auto addresses = resolver_.addresses(pool, address);
  const bool is_well = health == HealthState::up || health == HealthState::unchecked;
  const bool up = is_well && !addresses.empty() && !ejected_.contains(PlaceView{pool, address});
  return {pool, address, up, is_draining, {addresses.begin(), addresses.end()}};
}

/// Whatever goes to the workers passes here, so that a new plan brings only what they do not know.
/// They know nothing of a backend before the first plan with it.
BackendCondition LocalControl::told(BackendCondition condition) {
  Member* member = members_.find(condition.pool, condition.address);
  if (member != nullptr && member->told) *member->told = condition;
  return condition;
}

/// The conditions that the workers have not heard of, or that are others by now.
std::vector<BackendCondition> LocalControl::new_conditions() {
  const PlaceSet drains = places_of(overrides_.drains);
  std::vector<BackendCondition> conditions;
  for (const PoolSettings& pool : effective_.pools) {
    const bool is_draining = drains.contains(PlaceView{pool.name, ""});
    for (const BackendSettings& backend : pool.backends) {
      const bool drains_alone = drains.contains(PlaceView{pool.name, backend.address});
      BackendCondition condition =
          condition_of(pool.name, backend.address, is_draining || drains_alone);
      std::optional<BackendCondition>& told = members_.add(pool.name, backend.address).first.told;
      if (told == condition) continue;
      told = condition;
      conditions.push_back(std::move(condition));
    }
  }
  return conditions;
}

/// Checks and looks up exactly the backends that are in force.
void LocalControl::follow_membership() {
  const std::uint64_t round = ++membership_round_;
  std::size_t count = 0;
  for (const PoolSettings& pool : effective_.pools) {
    for (const BackendSettings& backend : pool.backends) {
      Member& member = members_.add(pool.name, backend.address).first;
      count += std::exchange(member.round, round) == round ? 0 : 1;
      resolver_.watch(pool.name, backend.address, pool.resolve_interval);
      if (!pool.health) {
        prober_.forget(pool.name, backend.address);
        continue;
      }
      prober_.watch(pool.name, backend.address, *pool.health,
                    health_of(pool.name, backend.address));
      if (!resolver_.is_known(pool.name, backend.address)) continue;
      const auto addresses = resolver_.addresses(pool.name, backend.address);
      prober_.set_addresses(pool.name, backend.address, {addresses.begin(), addresses.end()});
    }
  }
  if (count == members_.size()) return;
  members_.erase_if([&](const Place& place, const Member& member) {
    if (member.round == round) return false;
    prober_.forget(place.first, place.second);
    resolver_.forget(place.first, place.second);
    kept_verdicts_.erase(place);
    readmit(place.first, place.second);
    seen_down_.erase(place);
    return true;
  });
}

void LocalControl::on_health(const std::string& pool, const std::string& address, HealthState state,
                             const std::string& seen) {
  const auto kept = kept_verdicts_.extract({pool, address});
  const bool was_down =
      !kept.empty() ? kept.mapped() == HealthState::down : seen_down_.contains({pool, address});
  if (state == HealthState::down) {
    seen_down_.insert({pool, address});
  } else {
    seen_down_.erase({pool, address});
  }
  if (!kept.empty() && kept.mapped() == state) return;
  // It was down and came back: repaired, so it may show itself. A first verdict says nothing of a
  // machine that its health check finds well and its users do not.
  if (state == HealthState::up && was_down) readmit(pool, address);
  post_condition(pool, address);
  notices_.health({pool, address, state, seen});
}

void LocalControl::on_resolved(const std::string& pool, const std::string& address,
                               const std::vector<SocketAddress>& addresses) {
  prober_.set_addresses(pool, address, addresses);
  post_condition(pool, address);
}

void LocalControl::audit(const Actor& actor, const std::string& change, const std::string& subject,
                         const std::string& before, const std::string& after) {
  notices_.audit({change, subject, actor.who, actor.from, before, after});
}

bool LocalControl::is_draining(const std::string& pool, const std::string& address) const {
  return std::any_of(
      overrides_.drains.begin(), overrides_.drains.end(), [&](const core::DrainOverride& drain) {
        return drain.pool == pool && (drain.backend.empty() || drain.backend == address);
      });
}

/// By pool and backend, for many look-ups.
PlaceSet LocalControl::places_of(const std::vector<core::DrainOverride>& drains) {
  PlaceSet places;
  for (const core::DrainOverride& drain : drains) places.emplace(drain.pool, drain.backend);
  return places;
}

const PoolSettings* LocalControl::find_pool(const std::string& name) const {
  // The plan has the pools in the same order.
  if (const std::size_t index = core::pool_index(*plan_->topology, name);
      index < effective_.pools.size() && effective_.pools[index].name == name) {
    return &effective_.pools[index];
  }
  return core::find_named(effective_.pools, name);
}

std::vector<Event> LocalControl::events_since(std::uint64_t last_id) const {
  return notices_.events().since(last_id);
}

std::shared_ptr<void> LocalControl::subscribe(std::function<void(const Event&)> listener) {
  return notices_.events().subscribe(std::move(listener));
}

}  // namespace sluice::proxy
