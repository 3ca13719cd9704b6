#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sluice/problem.hpp"
#include "sluice/settings.hpp"
#include "sluice/snapshot.hpp"

namespace sluice {

/// A reverse proxy that moves traffic between versions of a service. Start here.
///
///     sluice::Settings settings;                 // or sluice::conf::read_file(...)
///     settings.listeners = {{"127.0.0.1:8080"}};
///     ...
///     sluice::Proxy proxy(settings);
///     if (auto problems = proxy.start(); !problems.empty()) ...
///     proxy.wait();
///
/// Runs on threads of its own: one per worker and one for control and the admin interface. All
/// functions may be called from any thread; no callback is made under a lock.
class Proxy {
 public:
  struct Options {
    /// Turns counts into what GET /metrics answers; without it the call answers 501. Control
    /// thread.
    std::function<std::string(const Snapshot&)> render_metrics;
    /// Called once, on the control thread, when the proxy has stopped.
    std::function<void()> on_stopped;
  };

  explicit Proxy(Settings settings);
  Proxy(Settings settings, Options options);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  /// Stops at once if it still runs.
  ~Proxy();

  /// Checks the settings, binds every address and starts to serve: connections are accepted as soon
  /// as every backend has had its first health check. Empty on success; else everything that stands
  /// in the way, and nothing runs.
  std::vector<Problem> start();

  /// Begins the graceful stop: lame duck, drain, end (settings.server). Returns at once; a second
  /// call is stop_now().
  void stop();
  /// Ends everything under way now.
  void stop_now();
  /// Waits until the proxy has stopped. Returns the number of requests and tunnels that had to be
  /// cut.
  std::size_t wait();
  /// Opens the access log anew, after it was rotated.
  void reopen_logs();

  /// The addresses of the listeners with the ports really in use, in the order of the settings.
  /// After start().
  std::vector<std::string> listener_addresses() const;
  /// The same for the admin interface; "" without one.
  std::string admin_address() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
