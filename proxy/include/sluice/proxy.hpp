#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/observer.hpp"
#include "sluice/outcome.hpp"
#include "sluice/problem.hpp"
#include "sluice/reload.hpp"
#include "sluice/rollout.hpp"
#include "sluice/settings.hpp"
#include "sluice/snapshot.hpp"
#include "sluice/status.hpp"
#include "sluice/upgrade.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice {

/// A reverse proxy that moves traffic between versions of a service. Start here.
///
///     sluice::Settings settings;                 // or sluice::conf::read_file(...)
///     settings.listeners = {{"127.0.0.1:8080"}};
///     ...
///     sluice::Proxy proxy(settings);
///     if (auto problems = proxy.start(); !problems.empty()) ...
///     proxy.set_split("shop", {{"shop-v1", 90}, {"shop-v2", 10}},
///                     [](sluice::Outcome<sluice::RouteStatus> now) { ... });
///     proxy.wait();
///
/// Threads: runs on threads of its own, one per worker and one for control and the admin interface;
/// they block signals. One worker can run on the caller's io_context instead. Every function may be
/// called from any thread, also from an observer and from a completion, unless it says otherwise.
/// No callback is made under a lock.
///
/// Completions: each is called exactly once, on the control thread, never inside the call that it
/// was given to. Calls are carried out in the order in which they were made; those made before
/// start() wait for it. When the proxy ends meanwhile, or has ended, or is destroyed without having
/// started, a completion gets a Denial with status 503 (in the last case inside the destructor). A
/// completion must neither block nor throw. It may be empty.
///
/// Each call comes in a second form that returns a future instead. get() on it blocks until the
/// control thread has answered, so it deadlocks on the control thread: in a completion, in an
/// observer, in render_metrics.
class Proxy {
 public:
  struct Options {
    /// Turns counts into what GET /metrics answers, on the control thread; without it the call
    /// answers 404. sluice::metrics::Exporter does it.
    std::function<std::string(const Snapshot&)> render_metrics = {};
    /// Hears what happens; without it nobody does, and nothing is printed but the access log
    /// (settings.log.access).
    std::shared_ptr<Observer> observer = {};
    /// Reads the settings anew, for reload_source() and POST /v1/reload; without it both answer
    /// 501, and settings change by reload() alone. Also called by start(), in its thread, with the
    /// text that the history holds. What it throws is a problem like one that it returns. Must not
    /// take long: health checks, drains and the admin interface wait meanwhile.
    ReadSettings read_settings = {};
    /// The text that the settings given to the constructor came from; "" when there is none.
    std::string settings_text = {};
    /// How this program is started anew, the program first: upgrade() runs it, with a unix socket
    /// as the descriptor that its environment variable SLUICE_HANDOVER_FD names. Without it the
    /// proxy is not replaced, and nobody may take over from it.
    std::vector<std::string> command = {};
    /// A connected unix socket to a proxy that is to hand over to this one, owned from now on; -1
    /// for none. start() then takes its sockets, and this proxy serves as soon as it is ready and
    /// the other one has agreed. When that comes to nothing it stops, and failure() says why.
    int predecessor = -1;
  };

  explicit Proxy(Settings settings);
  Proxy(Settings settings, Options options);
  /// The same with traffic on the caller's event loop: one worker, whatever server.workers says,
  /// runs on `io` instead of a thread; control keeps its thread. `io` is run by one thread at a
  /// time and outlives the proxy. It serves while it runs: start(), stop() and all changes take
  /// effect only then, so neither wait() nor get() on a future may be called on the thread that
  /// runs it. While the proxy runs, `io` has work. The destructor gives the worker its last turns
  /// itself, so it is called on that thread, or when no thread runs `io`. Bodies are moved by
  /// splice(2) only in a program that ignores SIGPIPE.
  Proxy(boost::asio::io_context& io, Settings settings);
  Proxy(boost::asio::io_context& io, Settings settings, Options options);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  /// Stops at once if it still runs, and waits for that. Not on the control thread.
  ~Proxy();

  /// Checks the settings, binds every address and starts to serve: connections are accepted as soon
  /// as every backend has had its first health check. Empty on success; else everything that stands
  /// in the way, and nothing runs. At most once.
  std::vector<Problem> start();

  /// Begins the graceful stop: lame duck, drain, end (settings.server). Returns at once; a second
  /// call is stop_now().
  void stop();
  /// Ends everything under way now. Returns at once.
  void stop_now();
  /// Waits until the proxy has stopped; at once when it does not run. Returns the number of
  /// requests and tunnels that had to be cut. Not on the control thread.
  std::size_t wait();
  /// Why it stopped by itself before it served: the proxy before it did not hand over. Else "".
  std::string failure() const;
  /// Opens the access log anew, after it was rotated.
  void reopen_logs();

  /// The addresses of the listeners with the ports really in use, in the order of the settings.
  /// After start().
  std::vector<std::string> listener_addresses() const;
  /// The same for the admin interface; "" without one.
  std::string admin_address() const;

  // Changes. `who` is whom audits and notices name. Where another process on the same state folder
  // decides, all but reload() are denied with 409 and its name.

  /// New weights for a route. Only their ratio counts; pools left out get 0. `done` is called when
  /// they are in force for every request that starts from then on, and on disk. 404 no such route,
  /// 422 weights that cannot be.
  void set_split(std::string route, std::vector<ShareSettings> weights, Done<RouteStatus> done,
                 std::string who = "library");
  std::future<Outcome<RouteStatus>> set_split(std::string route,
                                              std::vector<ShareSettings> weights);

  /// From the moment the workers hear of it, before anything that is called later, `backend` ("":
  /// every backend of the pool) gets nothing new; what it has is finished. `done` is called when
  /// nothing is left (state `drained`), when `deadline` has passed and what was left is cut (none:
  /// never; deadline_passed, `cut` says how many), or when it is taken back (state `none`). 404.
  void drain(std::string pool, std::string backend, std::optional<milliseconds> deadline,
             Done<DrainStatus> done, std::string who = "library");
  std::future<Outcome<DrainStatus>> drain(std::string pool, std::string backend = "",
                                          std::optional<milliseconds> deadline = std::nullopt);

  /// Takes a drain back, also an unfinished one; with `backend` "" that of the pool and of each of
  /// its backends. `done` is called when requests may go there again. 404; 409 for a backend whose
  /// whole pool drains.
  void undrain(std::string pool, std::string backend, Done<PoolStatus> done,
               std::string who = "library");
  std::future<Outcome<PoolStatus>> undrain(std::string pool, std::string backend = "");

  /// Other backends for a pool: those that stay keep connections, counts and health, added ones
  /// start unknown, removed ones drain. 404, 422.
  void set_backends(std::string pool, std::vector<BackendSettings> backends, Done<PoolStatus> done,
                    std::string who = "library");
  std::future<Outcome<PoolStatus>> set_backends(std::string pool,
                                                std::vector<BackendSettings> backends);

  /// Puts other settings in force as one new plan, or changes nothing: 422 with every problem that
  /// stands in the way, 409 when the proxy stops. Requests under way keep the plan they began with;
  /// counters never go back.
  ///
  /// All may change but server.workers, server.state_dir, admin.* and log.access, which take a
  /// restart. log.level is for the observer to heed. New listeners are opened before anything else
  /// happens; those that are gone accept no more, their connections end by themselves. Backends
  /// that stay keep connections, counts and health, added ones start unknown, removed ones drain.
  ///
  /// What was changed at run time (weights, drains, backends) stays on top, but where the settings
  /// say something else than they did when it was changed: then they win, with a notice.
  ///
  /// 409 as well while a reload waits for its confirmation.
  void reload(Settings settings, Done<ReloadStatus> done, std::string who = "library");
  std::future<Outcome<ReloadStatus>> reload(Settings settings);

  /// The same with settings that Options::read_settings reads: what `sluice reload` does. Changes
  /// nothing, and makes no new plan, when they are those in force. `order` makes it a dry run, or
  /// lets the settings before come back, with what was changed at run time and fell to them, unless
  /// confirm_reload() is called in time; a proxy that stops meanwhile forgets that. 409, also when
  /// a rollout would end that could not come back, 422, 501.
  void reload_source(ReloadOrder order, Done<ReloadStatus> done, std::string who = "library");
  std::future<Outcome<ReloadStatus>> reload_source(ReloadOrder order = {});
  /// Keeps what a reload brought that waits for it. 409 when none does, or when `record` is given
  /// (ReloadStatus::record) and another one waits.
  void confirm_reload(Done<ReloadStatus> done, std::string who = "library",
                      std::optional<std::uint64_t> record = {});
  std::future<Outcome<ReloadStatus>> confirm_reload(std::optional<std::uint64_t> record = {});

  /// Puts settings in force once more that the history holds: `record` is a number, or "previous".
  /// Where settings are read from does not change by it. 404, else as reload_source().
  void roll_back_settings(std::string record, ReloadOrder order, Done<ReloadStatus> done,
                          std::string who = "library");
  std::future<Outcome<ReloadStatus>> roll_back_settings(std::string record = "previous",
                                                        ReloadOrder order = {});
  /// Which settings were in force: the newest 20, with their text; the first one is. Survives a
  /// restart when server.state_dir is set.
  void reload_history(Done<std::vector<ReloadRecord>> done);
  std::future<Outcome<std::vector<ReloadRecord>>> reload_history();

  /// Lets a new process take the place of this one (Options::command): it gets the same listening
  /// sockets, weights, drains, health, counts and rollouts. `done` is called when it serves; then
  /// this proxy finishes what it has, as after stop(), and stops. Until then whatever goes wrong
  /// leaves this proxy as it was: 409 something else is under way, 501 no command, 502 with the
  /// reason why the new process does not serve.
  void upgrade(UpgradeOrder order, Done<UpgradeStatus> done, std::string who = "library");
  std::future<Outcome<UpgradeStatus>> upgrade(UpgradeOrder order = {});

  // Rollouts. Observer::on_rollout hears of every decision.

  /// Begins a rollout: the proxy moves the split of `route` to `order.to` in steps, judges it, and
  /// takes it back when it is worse. `done` is called when it has begun; with an id that is known,
  /// with how that rollout stands (is_new says which). 404 no such route, 409 another one is under
  /// way or a pool drains, 422 pools or policy that cannot be.
  void start_rollout(std::string route, RolloutOrder order, Done<RolloutStatus> done,
                     std::string who = "library");
  std::future<Outcome<RolloutStatus>> start_rollout(std::string route, RolloutOrder order);

  /// Tells the newest rollout of a route what to do. `done` is called when that was decided; what
  /// follows from it comes later. 404, 409 not possible in this state.
  void steer_rollout(std::string route, RolloutVerb verb, Done<RolloutStatus> done,
                     std::string who = "library");
  std::future<Outcome<RolloutStatus>> steer_rollout(std::string route, RolloutVerb verb);

  /// How the newest rollout of a route stands. 404.
  void rollout(std::string route, Done<RolloutStatus> done);
  std::future<Outcome<RolloutStatus>> rollout(std::string route);

  // Questions.

  /// Everything the admin interface shows in GET /v1/status.
  void status(Done<Status> done);
  std::future<Outcome<Status>> status();

  /// All counts, summed over the workers; for a metrics exporter.
  void snapshot(Done<Snapshot> done);
  std::future<Outcome<Snapshot>> snapshot();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
