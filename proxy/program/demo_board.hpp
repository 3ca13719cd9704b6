#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "proxy/program/demo_server.hpp"
#include "proxy/program/demo_tally.hpp"

namespace sluice::proxy::program {

/// One second of the demonstration, or a little more.
struct DemoSecond {
  std::chrono::milliseconds at{0};  ///< since the load began, at its end
  std::chrono::milliseconds length{0};
  std::size_t step = 0;         ///< of demo_steps; the releases of demo_plots come behind them
  std::size_t old_version = 0;  ///< that the traffic moves from
  std::size_t new_version = 1;
  double new_weight = 0;  ///< percent
  DemoCounts counts;
  std::size_t old_connections = 0;  ///< that the old version counts itself

  double new_share() const;  ///< of the answers of both, 0 to 1; 0 without any
  std::uint64_t per_second() const;
};

/// The demonstration in a browser: a page and the JSON it asks for, on an address of its own that
/// carries no traffic.
class DemoBoard {
 public:
  /// Serves from here on. `shop` is the address of the proxy; `tally` must outlive the board.
  /// Throws std::system_error.
  DemoBoard(std::string shop, const DemoTally& tally);

  std::string url() const { return "http://" + server_.address() + "/demo"; }
  /// Each may be called from any thread.
  void add(const DemoSecond& second);
  /// One sentence on what happens now.
  void say(const std::string& sentence);
  /// From now on it is about this service. `tally` must outlive the board.
  void turn_to(const std::string& service, const DemoTally& tally);
  /// How the rollout stands, as the admin interface answers it.
  void show_rollout(std::string json);

 private:
  DemoServer::Reply answer(std::string_view target) const;
  std::string state() const;

  std::string shop_;
  mutable std::mutex mutex_;
  const DemoTally* tally_;  ///< this and the rest: under mutex_
  std::string service_ = "shop";
  std::deque<DemoSecond> seconds_;  ///< the last ones
  std::string sentence_;
  std::string rollout_ = "null\n";
  DemoServer server_;  ///< last: its thread uses all of the above
};

}  // namespace sluice::proxy::program
