#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/control.hpp"

namespace sluice::proxy {

/// A Control that remembers what it was asked. One route "shop" over "shop-v1" and "shop-v2",
/// revision 7; pool "shop-v1" has one backend. Callbacks go to `post`, at first a queue that run()
/// empties. The newest rollout of "shop" is `rollouts.front()`, the others have ended.
class FakeControl : public Control {
 public:
  FakeControl() {
    state.version = "9.9.9";
    state.started_ms = 1'714'564'800'250;
    state.uptime_ms = 61'000;
    state.generation = 4;
    state.workers = 2;
    state.readiness = {true, ""};
    state.listeners = {{"0.0.0.0:8080", 1, 2, 3, 4}};
    state.routes = {{"shop",
                     "shop.example.com",
                     "/",
                     {{"shop-v1", 10000, 9000}, {"shop-v2", 0, 1250}},
                     7,
                     {"alice", 1'714'564'800'000},
                     true}};
    BackendStatus backend;
    backend.address = "127.0.0.1:9001";
    backend.health = HealthState::up;
    backend.in_flight = 5;
    state.settings = {3, "00ff", {"carol", 1'714'564'800'000}, true};
    state.pools = {{"shop-v1", "least_request", false, {backend}}};
  }

  Status state;
  std::function<void(std::function<void()>)> post = [this](std::function<void()> callback) {
    queue_.push_back(std::move(callback));
  };
  std::optional<Denial> deny;  ///< given to every asynchronous call
  DrainStatus drain_result;
  bool hold_drains = false;  ///< a waiting drain answers only on release_drain()

  std::function<void()> on_subscribe;
  std::function<Outcome<RolloutStatus>()> on_rollout;  ///< answers in the place of `rollouts`

  std::vector<std::string> calls;
  std::vector<ShareSettings> weights;
  std::optional<std::uint64_t> if_match;
  Actor actor;
  DrainOrder order;
  std::vector<BackendSettings> backends;
  std::vector<RolloutStatus> rollouts;
  RolloutSettings policy;
  RolloutOrder rollout_order;
  std::optional<RolloutVerb> verb;
  ReloadOrder reload_order;
  std::optional<std::uint64_t> confirmed_record;
  ReloadStatus reload_result;
  UpgradeStatus upgrade_result{4711, "9.9.10", 12};
  UpgradeOrder upgrade_order;
  std::vector<ReloadRecord> history;  ///< newest first
  std::vector<Event> kept;
  std::list<std::function<void(const Event&)>> listeners;

  void run() {
    while (!queue_.empty()) {
      auto callback = std::move(queue_.front());
      queue_.pop_front();
      callback();
    }
  }
  void release_drain() { std::exchange(held_, {})(drain_result); }
  bool holds_drain() const { return static_cast<bool>(held_); }
  void emit(const std::string& type, const std::string& body) {
    kept.push_back({kept.empty() ? 1 : kept.back().id + 1, type, body});
    for (auto& listener : listeners) listener(kept.back());
  }

  void status(Done<Status> done) override { answer<Status>("status", state, std::move(done)); }
  Outcome<std::vector<RouteStatus>> routes() override { return state.routes; }
  Outcome<RouteStatus> route(const std::string& name) override {
    for (const RouteStatus& route : state.routes)
      if (route.name == name) return route;
    return Denial{404, "", "There is no route \"" + name + "\"."};
  }
  void pool(const std::string& name, Done<PoolStatus> done) override {
    answer_pool("pool", name, done);
  }
  void snapshot(Done<Snapshot> done) override {
    Snapshot snapshot;
    snapshot.generation = state.generation;
    answer<Snapshot>("snapshot", snapshot, std::move(done));
  }
  Readiness readiness() const override { return state.readiness; }

  void set_split(const std::string& name, std::vector<ShareSettings> wanted,
                 std::optional<std::uint64_t> expected, Actor by, Done<RouteStatus> done) override {
    weights = std::move(wanted);
    if_match = expected;
    actor = std::move(by);
    auto found = route(name);
    if (!found) return post([found, done] { done(found); });
    found->revision = ++state.routes[0].revision;
    answer<RouteStatus>("set_split " + name, *found, std::move(done));
  }
  void drain(DrainOrder wanted, Actor by, Done<DrainStatus> done) override {
    start_drain("drain", std::move(wanted), std::move(by), std::move(done));
  }
  void undrain(const std::string& name, const std::string& backend, Actor by,
               Done<PoolStatus> done) override {
    actor = std::move(by);
    order = {name, backend, std::nullopt, false};
    answer_pool("undrain", name, done);
  }
  void set_backends(const std::string& name, std::vector<BackendSettings> wanted, Actor by,
                    Done<PoolStatus> done) override {
    backends = std::move(wanted);
    actor = std::move(by);
    answer_pool("set_backends", name, done);
  }
  void add_backend(const std::string& name, BackendSettings wanted, Actor by,
                   Done<PoolStatus> done) override {
    backends = {std::move(wanted)};
    actor = std::move(by);
    answer_pool("add_backend", name, done);
  }
  void remove_backend(DrainOrder wanted, Actor by, Done<DrainStatus> done) override {
    start_drain("remove_backend", std::move(wanted), std::move(by), std::move(done));
  }

  Outcome<RolloutStatus> rollout(const std::string& name) override {
    if (const auto found = route(name); !found) return found.error();
    if (on_rollout) return on_rollout();
    if (!rollouts.empty()) return rollouts.front();
    return Denial{404, "", "The route \"" + name + "\" has had no rollout."};
  }
  Outcome<std::vector<RolloutStatus>> rollout_history(const std::string& name) override {
    if (const auto found = route(name); !found) return found.error();
    if (rollouts.empty()) return rollouts;
    return std::vector<RolloutStatus>(rollouts.begin() + 1, rollouts.end());
  }
  Outcome<RolloutSettings> rollout_policy(const std::string& name) override {
    if (const auto found = route(name); !found) return found.error();
    return policy;
  }
  void start_rollout(const std::string& name, RolloutOrder wanted,
                     std::optional<std::uint64_t> expected, Actor by,
                     Done<RolloutStatus> done) override {
    if_match = expected;
    actor = std::move(by);
    const bool is_new = rollouts.empty() || rollouts.front().id != wanted.id;
    if (is_new) rollouts.insert(rollouts.begin(), RolloutStatus{});
    RolloutStatus& newest = rollouts.front();
    newest.route = name;
    newest.id = wanted.id;
    newest.from = wanted.from.empty() ? "shop-v1" : wanted.from;
    newest.to = wanted.to;
    newest.is_new = is_new;
    rollout_order = std::move(wanted);
    answer<RolloutStatus>("start_rollout " + name, newest, std::move(done));
  }
  void steer_rollout(const std::string& name, RolloutVerb wanted,
                     std::optional<std::uint64_t> expected, Actor by,
                     Done<RolloutStatus> done) override {
    if_match = expected;
    actor = std::move(by);
    verb = wanted;
    const auto found = rollout(name);
    if (!found) return post([found, done] { done(found); });
    answer<RolloutStatus>("steer_rollout " + name, *found, std::move(done));
  }

  void reload_source(ReloadOrder wanted, Actor by, Done<ReloadStatus> done) override {
    start_reload("reload_source", wanted, std::move(by), std::move(done));
  }
  void confirm_reload(std::optional<std::uint64_t> record, Actor by,
                      Done<ReloadStatus> done) override {
    confirmed_record = record;
    actor = std::move(by);
    answer<ReloadStatus>("confirm_reload", reload_result, std::move(done));
  }
  void roll_back_settings(const std::string& record, ReloadOrder wanted, Actor by,
                          Done<ReloadStatus> done) override {
    start_reload("roll_back_settings " + record, wanted, std::move(by), std::move(done));
  }
  void upgrade(UpgradeOrder wanted, Actor by, Done<UpgradeStatus> done) override {
    upgrade_order = std::move(wanted);
    actor = std::move(by);
    answer<UpgradeStatus>("upgrade", upgrade_result, std::move(done));
  }
  std::vector<ReloadRecord> reload_history() override { return history; }
  Outcome<ReloadRecord> reload_record(const std::string& record) override {
    for (const ReloadRecord& one : history)
      if (record == "present" || std::to_string(one.number) == record) return one;
    return Denial{404, "", "There is no record \"" + record + "\"."};
  }

  std::vector<Event> events_since(std::uint64_t last_id) const override {
    std::vector<Event> events;
    std::copy_if(kept.begin(), kept.end(), std::back_inserter(events),
                 [&](const Event& event) { return event.id > last_id; });
    return events;
  }
  std::shared_ptr<void> subscribe(std::function<void(const Event&)> listener) override {
    if (on_subscribe) on_subscribe();
    const auto at = listeners.insert(listeners.end(), std::move(listener));
    return {nullptr, [this, at](void*) { listeners.erase(at); }};
  }

 private:
  template <class T>
  void answer(const std::string& call, T value, Done<T> done) {
    calls.push_back(call);
    Outcome<T> outcome = deny ? Outcome<T>(*deny) : Outcome<T>(std::move(value));
    post([outcome = std::move(outcome), done = std::move(done)] { done(outcome); });
  }
  void answer_pool(const std::string& call, const std::string& name, const Done<PoolStatus>& done) {
    for (const PoolStatus& pool : state.pools)
      if (pool.name == name) return answer<PoolStatus>(call + " " + name, pool, done);
    post([name, done] { done(Denial{404, "", "There is no pool \"" + name + "\"."}); });
  }
  void start_drain(const std::string& call, DrainOrder wanted, Actor by, Done<DrainStatus> done) {
    order = std::move(wanted);
    actor = std::move(by);
    drain_result.pool = order.pool;
    drain_result.backend = order.backend;
    if (!hold_drains || !order.wait)
      return answer<DrainStatus>(call + " " + order.pool, drain_result, std::move(done));
    calls.push_back(call + " " + order.pool);
    held_ = std::move(done);
  }
  void start_reload(const std::string& call, const ReloadOrder& wanted, Actor by,
                    Done<ReloadStatus> done) {
    reload_order = wanted;
    actor = std::move(by);
    reload_result.is_dry_run = wanted.dry_run;
    answer<ReloadStatus>(call, reload_result, std::move(done));
  }

  std::deque<std::function<void()>> queue_;
  Done<DrainStatus> held_;
};

}  // namespace sluice::proxy
