#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proxy/local_control.hpp"
#include "tests/proxy/running_proxy.hpp"
#include "tests/proxy/this_process.hpp"
#include "tests/support/temp_dir.hpp"

/// Control sides on one state folder, all on the thread of the test.
namespace sluice::proxy {

inline Settings settings_in(const std::string& folder) {
  Settings settings = quiet_settings();
  settings.server.workers = 1;
  settings.server.state_dir = folder;
  settings.pools = {pool_of("v1", {"127.0.0.1:1"}), pool_of("v2", {"127.0.0.1:2"})};
  settings.routes = {route_of("all", "/", {{"v1", 100}, {"v2", 0}})};
  return settings;
}

/// The control side of one proxy with a worker; no listener, no admin interface.
class Side {
 public:
  explicit Side(const Settings& settings, std::shared_ptr<const HandoverState> inherited = {})
      : state(settings.server.state_dir), log("off") {
    const std::string problem = state.prepare();
    if (!problem.empty()) throw support::Failure(problem);
    LocalControl::Parts parts{io, fleet, state, log, notices, listeners};
    parts.inherited = std::move(inherited);
    control = std::make_unique<LocalControl>(std::move(parts), settings);
    fleet.start();
    control->start([this] { is_ready = true; });
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  ~Side() {
    fleet.release_and_join();
    control->stop();
    state.close();
    listeners.close();
    io.restart();
    io.poll();
  }

  boost::asio::io_context io;
  StateFile state;
  AccessLog log;
  std::atomic<unsigned> connections{0};
  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
  Notices notices{io, recorder};
  Fleet fleet{io, 1, Worker::Shared{log, connections}};
  Listeners listeners{fleet};
  std::unique_ptr<LocalControl> control;
  bool is_ready = false;
};

/// Lets all of them work until `holds`.
template <class Predicate>
bool work(std::initializer_list<Side*> sides, Predicate holds,
          support::Clock::duration limit = support::patience) {
  return support::eventually(
      [&] {
        for (Side* side : sides) {
          side->io.restart();
          side->io.poll();
        }
        return holds();
      },
      limit);
}

inline const Actor alice{"alice", "test"};

/// Whether the call was allowed.
inline ::testing::AssertionResult sets_split(Side& side, Weight v1, Weight v2) {
  std::optional<Outcome<RouteStatus>> answer;
  side.control->set_split("all", {{"v1", v1}, {"v2", v2}}, std::nullopt, alice,
                          [&](Outcome<RouteStatus> outcome) { answer = std::move(outcome); });
  if (!work({&side}, [&] { return answer.has_value(); })) {
    return ::testing::AssertionFailure() << "no answer";
  }
  if (*answer) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << answer->error().status << " " << answer->error().detail;
}

inline Outcome<ReloadStatus> reloads(Side& side, const Settings& next) {
  std::optional<Outcome<ReloadStatus>> answer;
  side.control->reload(next, alice,
                       [&](Outcome<ReloadStatus> outcome) { answer = std::move(outcome); });
  work({&side}, [&] { return answer.has_value(); });
  return answer.value_or(Denial{500, "No answer", ""});
}

inline Weight weight_of_v2(Side& side) {
  return side.control->route("all")->shares.at(1).in_force;
}

}  // namespace sluice::proxy
