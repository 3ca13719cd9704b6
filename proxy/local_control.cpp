#include "proxy/local_control.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "proxy/json_writer.hpp"
#include "proxy/state_json.hpp"

namespace sluice::proxy {
namespace asio = boost::asio;

namespace {

/// How long the start waits for first verdicts and look-ups.
constexpr std::chrono::seconds longest_start{5};

template <class Items, class Text>
std::string joined(const Items& items, Text text) {
  std::string result;
  for (const auto& item : items) {
    if (!result.empty()) result += ' ';
    result += text(item);
  }
  return result;
}

}  // namespace

std::int64_t wall_clock_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             system_clock::now().time_since_epoch())
      .count();
}

std::string in_words(const std::vector<ShareSettings>& shares) {
  return joined(shares, [](const ShareSettings& share) {
    return share.pool + "=" + weight_text(share.weight);
  });
}

std::string in_words(const std::vector<BackendSettings>& backends) {
  return joined(backends, [](const BackendSettings& backend) {
    return backend.address + "@" + weight_text(backend.weight);
  });
}

LocalControl::LocalControl(Parts parts, Settings configured)
    : io_(parts.io),
      fleet_(parts.fleet),
      state_(parts.state),
      access_log_(parts.access_log),
      configured_(std::move(configured)),
      host_(parts.io, reactor_),
      ticker_(parts.io),
      prober_(reactor_, wheel_, blocks_,
              [this](const auto& pool, const auto& address, auto state, const auto& seen) {
                on_health(pool, address, state, seen);
              }),
      resolver_(parts.io, wheel_,
                [this](const auto& pool, const auto& address, const auto& addresses) {
                  on_resolved(pool, address, addresses);
                }),
      started_(Clock::now()),
      started_ms_(wall_clock_ms()) {
  const auto saved = state_.load();
  if (!saved) {
    spdlog::error("the state file {} is not used: {}; the configured values are in force",
                  state_.path(), saved.error());
    const std::string aside = state_.set_aside();
    if (!aside.empty()) spdlog::error("it is kept as {}", aside);
  }
  core::Effective effective = core::lay_over(configured_, saved ? *saved : core::Overrides{});
  for (const std::string& notice : effective.notices) spdlog::warn("{}", notice);
  // What was dropped must not come back at a later restart.
  has_dropped_overrides_ = !effective.notices.empty();
  overrides_ = std::move(effective.kept);
  effective_ = std::move(effective.settings);
}

LocalControl::~LocalControl() = default;

void LocalControl::start(std::function<void()> ready) {
  plan_ = std::make_shared<const core::Plan>(core::build_plan(1, effective_));
  on_ready_ = std::move(ready);
  host_.start();
  follow_membership();
  if (has_dropped_overrides_) keep_then([] {});
  post_plan(true, [this] { tick(); });
}

void LocalControl::stop() {
  is_stopped_ = true;
  ticker_.cancel();
  resolver_.stop();
  for (const Key& member : std::exchange(members_, {})) prober_.forget(member.first, member.second);
  for (const auto& watch : std::list(watches_)) finish_drain(watch, {});
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
  ticker_.expires_after(DeadlineWheel::grain);
  ticker_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void LocalControl::check_ready() {
  const bool is_late = Clock::now() - started_ > longest_start;
  if (!is_late && !(prober_.has_all_verdicts() && resolver_.has_all())) return;
  if (is_late) spdlog::warn("some backends have no verdict yet; serving without them");
  readiness_ = {true, ""};
  std::exchange(on_ready_, nullptr)();
}

void LocalControl::set_readiness(Readiness readiness) {
  readiness_ = std::move(readiness);
  JsonWriter body;
  body.open_object().key("ready").boolean(readiness_.ready).key("reason").text(readiness_.reason);
  body.close_object();
  events_.add("state", body.str());
}

/// `then` runs when every worker has taken the plan in force.
void LocalControl::post_plan(bool with_conditions, std::function<void()> then) {
  auto conditions = std::make_shared<const std::vector<BackendCondition>>(
      with_conditions ? all_conditions() : std::vector<BackendCondition>{});
  fleet_.on_all_then(
      [plan = plan_, conditions](Worker& worker) { worker.take_plan(plan, *conditions); },
      std::move(then));
}

void LocalControl::post_condition(const std::string& pool, const std::string& address) {
  const BackendCondition condition = condition_of(pool, address);
  fleet_.on_all([condition](Worker& worker) { worker.apply(condition); });
}

BackendCondition LocalControl::condition_of(const std::string& pool,
                                            const std::string& address) const {
  const core::HealthState health = prober_.state(pool, address);
  std::vector<SocketAddress> addresses = resolver_.addresses(pool, address);
  const bool is_well = health == core::HealthState::up || health == core::HealthState::unchecked;
  const bool up = is_well && !addresses.empty();
  return {pool, address, up, is_draining(pool, address), std::move(addresses)};
}

std::vector<BackendCondition> LocalControl::all_conditions() const {
  std::vector<BackendCondition> conditions;
  for (const PoolSettings& pool : effective_.pools) {
    for (const BackendSettings& backend : pool.backends) {
      conditions.push_back(condition_of(pool.name, backend.address));
    }
  }
  return conditions;
}

/// Checks and looks up exactly the backends that are in force.
void LocalControl::follow_membership() {
  std::set<Key> members;
  for (const PoolSettings& pool : effective_.pools) {
    for (const BackendSettings& backend : pool.backends) {
      members.emplace(pool.name, backend.address);
      resolver_.watch(pool.name, backend.address, pool.resolve_interval);
      if (!pool.health) continue;
      prober_.watch(pool.name, backend.address, *pool.health);
      if (!resolver_.is_known(pool.name, backend.address)) continue;
      prober_.set_addresses(pool.name, backend.address,
                            resolver_.addresses(pool.name, backend.address));
    }
  }
  for (const Key& member : members_) {
    if (members.contains(member)) continue;
    prober_.forget(member.first, member.second);
    resolver_.forget(member.first, member.second);
  }
  members_ = std::move(members);
}

void LocalControl::on_health(const std::string& pool, const std::string& address,
                             core::HealthState state, const std::string& seen) {
  if (state == core::HealthState::up) {
    spdlog::info("backend {} of pool {} is up", address, pool);
  } else {
    spdlog::warn("backend {} of pool {} is down: {}", address, pool, seen);
  }
  post_condition(pool, address);
  JsonWriter body;
  body.open_object().key("pool").text(pool).key("backend").text(address);
  body.key("health").text(core::to_string(state)).key("who").text("health check");
  body.key("why").text(seen).close_object();
  events_.add("health", body.str());
}

void LocalControl::on_resolved(const std::string& pool, const std::string& address,
                               const std::vector<SocketAddress>& addresses) {
  prober_.set_addresses(pool, address, addresses);
  post_condition(pool, address);
}

/// `then` runs when the overrides are on disk. A failed write is shouted about and does not stop
/// the change: it is in force, and the next write may succeed.
void LocalControl::keep_then(std::function<void()> then) {
  if (!state_.is_kept()) return then();
  state_.save(
      to_state_text(overrides_), [this, then = std::move(then)](const std::string& problem) {
        asio::post(io_, [problem, then] {
          if (!problem.empty()) {
            spdlog::error("{}; what was changed is in force but lost at a restart", problem);
          }
          then();
        });
      });
}

void LocalControl::audit(const Actor& actor, const std::string& change, const std::string& subject,
                         const std::string& before, const std::string& after) const {
  JsonWriter line;
  line.open_object().key("change").text(change).key("subject").text(subject);
  line.key("who").text(actor.who).key("from").text(actor.from);
  line.key("before").text(before).key("after").text(after).close_object();
  spdlog::info("audit {}", line.str());
}

bool LocalControl::is_draining(const std::string& pool, const std::string& address) const {
  return std::any_of(
      overrides_.drains.begin(), overrides_.drains.end(), [&](const core::DrainOverride& drain) {
        return drain.pool == pool && (drain.backend.empty() || drain.backend == address);
      });
}

const PoolSettings* LocalControl::find_pool(const std::string& name) const {
  const auto found = std::find_if(effective_.pools.begin(), effective_.pools.end(),
                                  [&](const PoolSettings& pool) { return pool.name == name; });
  return found == effective_.pools.end() ? nullptr : &*found;
}

std::vector<Event> LocalControl::events_since(std::uint64_t last_id) const {
  return events_.since(last_id);
}

std::shared_ptr<void> LocalControl::subscribe(std::function<void(const Event&)> listener) {
  return events_.subscribe(std::move(listener));
}

}  // namespace sluice::proxy
