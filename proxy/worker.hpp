#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/plan.hpp"
#include "proxy/access_log.hpp"
#include "proxy/deadline.hpp"
#include "proxy/live_plan.hpp"
#include "proxy/log_sink.hpp"
#include "proxy/owned_descriptor.hpp"
#include "proxy/pipe_pool.hpp"
#include "proxy/plan_change.hpp"
#include "proxy/random.hpp"
#include "proxy/reactor.hpp"
#include "proxy/read_buffer.hpp"
#include "proxy/record.hpp"
#include "proxy/request_pool.hpp"
#include "proxy/tally.hpp"
#include "proxy/trial_tally.hpp"

namespace sluice::proxy {

class Acceptor;
class Session;

/// Sessions of one worker, so that a stop can reach them.
class SessionList {
 public:
  void add(Session& session);
  void remove(Session& session);
  bool is_empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  /// Calls `visit` for each; it may end the session it is given.
  template <class Visit>
  void for_each(Visit visit);

 private:
  Session* head_ = nullptr;
  std::size_t size_ = 0;
};

/// What a worker has counted, as a copy that may leave its thread.
struct WorkerReport {
  Tally tally;
  std::vector<core::Backend> backends;
  std::vector<bool> gone;  ///< per backend
  std::size_t sessions = 0;
};

/// One thread's share of the proxy: its own event loop, listening sockets, backend connections and
/// counters. Nothing of it is touched by another thread; others post.
class Worker {
 public:
  struct Shared {
    AccessLog& access_log;
    std::atomic<unsigned>& connections;  ///< client connections over all workers
    LogSink say = {};                    ///< from any thread
    bool batches_calls = false;          ///< socket calls, as far as the kernel has batches
  };

  explicit Worker(Shared shared, WorkerPlace place = {});
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  /// Runs the event loop until release(); the body of the worker's thread.
  void run();
  /// For a worker that another loop runs (HostedWorker): what run() does besides the turns.
  void prepare_hosted();
  /// What is due behind a turn that ended at `now`. False when everything has come to its end after
  /// release().
  bool go_on(TimePoint now);
  /// Runs `job` on the worker's thread. Any thread.
  void post(std::function<void(Worker&)> job);
  /// The same in parts; see Reactor::post_in_parts(). Any thread.
  void post_in_parts(std::function<bool(Worker&)> part);

  // Everything below: on the worker's thread only.

  /// Takes a plan at once. While requests are under way, Fleet::change() does it in parts.
  void take_plan(std::shared_ptr<const core::Plan> plan,
                 const std::vector<BackendCondition>& conditions);
  void apply(const BackendCondition& condition);
  /// Lets a control thread that waits for this core go first at the end of the turn: somebody waits
  /// for it. The scheduler makes it wait when it has just worked more than its share, and a busy
  /// worker goes on to the end of its own slice, some milliseconds. Not on a thread of the host.
  void yield_after_turn() { yields_ = true; }
  PlanChange::Ground ground() { return {backends_, tally_, plan_}; }

  /// Accepts on a listening descriptor, which it takes over. `name`: the listener's configured
  /// address.
  void listen(int descriptor, const std::string& name);
  void accept_on();  ///< begin to accept on all listeners that do not yet
  void stop_accepting();
  /// Accepts no more on the listener of this name; connections that stand go on.
  void stop_listening(const std::string& name);
  /// Duplicates of the listening sockets, with the names of their listeners; not open where this
  /// process may open no more files.
  std::vector<std::pair<std::string, OwnedDescriptor>> share_listening() const;
  /// Accepts no more on listeners of these names, whose sockets another process has too: who comes
  /// from now on is for that one to serve (pitfall P1).
  void leave_listening(const std::vector<std::string>& names);
  /// Accepts whom a process that shared the sockets has left behind.
  void look_at_backlogs();
  /// From now on connections end with the request under way; idle ones within `spread`, but not
  /// before `at_least`, so that most can be told with an answer.
  void finish(std::chrono::milliseconds spread, std::chrono::milliseconds at_least = {});
  bool is_finishing() const { return finishing_; }
  /// Breaks every session. Returns the number of requests and tunnels that were under way.
  std::size_t cut_sessions();
  /// Breaks what is under way on one backend. Returns how many.
  std::size_t cut_backend(const std::string& pool, const std::string& address);
  /// Breaks everything and lets run() return once that has come to its end.
  void release();

  WorkerReport report() const;
  /// The counts of one backend, or of all of a pool when `address` is empty.
  std::vector<core::Backend> counts_of(const std::string& pool, const std::string& address) const;

  BackendRegistry& backends() { return backends_; }
  Reactor& reactor() { return reactor_; }
  DeadlineWheel& wheel() { return wheel_; }
  BlockPool& blocks() { return blocks_; }
  RequestPool& requests() { return requests_; }
  /// For splice(2), which knows no MSG_NOSIGNAL: nullptr where a broken connection would raise
  /// SIGPIPE.
  PipePool* pipes() { return may_splice_ ? &pipes_ : nullptr; }
  Random& random() { return random_; }
  Tally& tally() { return tally_; }
  /// Of the rollouts under way.
  Trials& trials() { return trials_; }
  /// Copies of requests under way.
  std::size_t& mirrors() { return mirrors_; }
  SessionList& sessions() { return sessions_; }
  std::atomic<unsigned>& connections() { return shared_.connections; }
  /// A line for the operational log.
  void say(LogLevel level, std::string line) const {
    if (shared_.say) shared_.say(level, std::move(line));
  }
  const LocalPtr<LivePlan>& plan() const { return plan_; }
  /// An IMF-fixdate (RFC 9110 section 5.6.7), at most a second old.
  std::string_view date() const { return date_; }

  bool logs_access() const { return logs_access_; }
  void log(const Record& record, std::string_view client, std::string_view listener,
           std::uint64_t duration_ns);

 private:
  void batch_calls();
  bool is_over() const { return released_ && sessions_.is_empty() && mirrors_ == 0; }
  void tick(TimePoint now);
  void flush_log();
  void refresh_date();

  Shared shared_;
  Reactor reactor_;
  DeadlineWheel wheel_;
  TimePoint next_tick_;
  bool yields_ = false;
  BlockPool blocks_;
  RequestPool requests_;
  PipePool pipes_;
  Random random_;
  Tally tally_;
  Trials trials_;
  std::size_t mirrors_ = 0;
  BackendRegistry backends_;
  LocalPtr<LivePlan> plan_;
  SessionList sessions_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::string log_buffer_;
  std::uint64_t log_lines_ = 0;
  std::string date_;
  std::int64_t date_second_ = 0;
  std::uint64_t ticks_ = 0;
  bool logs_access_ = false;
  bool finishing_ = false;
  bool released_ = false;
  bool may_splice_ = false;
};

}  // namespace sluice::proxy
