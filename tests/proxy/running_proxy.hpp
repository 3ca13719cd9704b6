#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "sluice/proxy.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/scripts.hpp"

/// A real proxy in this process, over loopback, with real backends.
namespace sluice::proxy {

using std::chrono::milliseconds;
using std::chrono::seconds;
using support::Latch;
using support::RawClient;
using support::Response;
using support::Script;
using support::TestBackend;

/// Keeps everything an observer hears, as lines such as "split all v1=90 v2=10". Any thread.
class Recorder : public Observer {
 public:
  void on_log(LogLevel level, std::string_view line) override;
  void on_audit(const Audit& audit) override;
  void on_split_changed(const SplitChange& change) override;
  void on_health_changed(const HealthChange& change) override;
  void on_drain_begun(const DrainChange& change) override;
  void on_drained(const DrainChange& change) override;
  void on_undrained(const DrainChange& change) override;
  void on_membership_changed(const MembershipChange& change) override;
  void on_reload(const ReloadNotice& notice) override;
  void on_readiness_changed(const Readiness& readiness) override;
  void on_stopped(std::size_t cut) override;

  /// Waits until a line contains `text`.
  bool hears(const std::string& text) const;
  std::vector<std::string> lines() const;
  std::size_t count(const std::string& text) const;
  /// Those on which something was heard, the logs of start() left out.
  std::set<std::thread::id> threads() const;

 private:
  void add(std::string line);

  mutable std::mutex mutex_;
  mutable std::condition_variable added_;
  std::vector<std::string> lines_;
  std::set<std::thread::id> threads_;
};

/// What came of a call, for another thread to wait for. Fails the test when it comes twice.
template <class T>
class Answer {
 public:
  Done<T> done();
  bool has_come() const;
  /// Waits for it; throws support::Failure when it does not come.
  const Outcome<T>& get() const;
  std::thread::id thread() const;

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable came;
    std::vector<Outcome<T>> outcomes;
    std::thread::id thread;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Quiet settings: a free port, two workers, no admin interface, no state, no access log.
Settings quiet_settings();
PoolSettings pool_of(const std::string& name, const std::vector<std::string>& backends);
RouteSettings route_of(const std::string& name, const std::string& path,
                       std::vector<ShareSettings> split);
HealthSettings quick_health();

/// Pools v1 and v2 of one backend each behind route "all", which sends everything to v1.
class RunningProxy {
 public:
  explicit RunningProxy(Script v1_script = {});
  ~RunningProxy();

  void start();
  std::string address(std::size_t index = 0) const { return proxy->listener_addresses().at(index); }
  /// A GET on a connection of its own: "v1", "v2", or the status when it is not 200.
  std::string who_answers(const std::string& path = "/") const;
  Outcome<ReloadStatus> reload(Settings next) { return proxy->reload(std::move(next)).get(); }
  BackendStatus backend(const std::string& pool, std::size_t index = 0) const;
  /// Requests of route and pool that were counted.
  std::uint64_t requests(const std::string& route, const std::string& pool) const;

  TestBackend v1;
  TestBackend v2;
  Settings settings;
  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
  std::unique_ptr<Proxy> proxy;
};

template <class T>
Done<T> Answer<T>::done() {
  return [state = state_](Outcome<T> outcome) {
    const std::lock_guard lock(state->mutex);
    state->outcomes.push_back(std::move(outcome));
    state->thread = std::this_thread::get_id();
    if (state->outcomes.size() > 1) std::terminate();
    state->came.notify_all();
  };
}

template <class T>
bool Answer<T>::has_come() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->outcomes.empty();
}

template <class T>
const Outcome<T>& Answer<T>::get() const {
  std::unique_lock lock(state_->mutex);
  if (!state_->came.wait_for(lock, support::patience, [&] { return !state_->outcomes.empty(); })) {
    throw support::Failure("a completion was not called");
  }
  return state_->outcomes.front();
}

template <class T>
std::thread::id Answer<T>::thread() const {
  const std::lock_guard lock(state_->mutex);
  return state_->thread;
}

}  // namespace sluice::proxy
