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
  std::size_t step = 0;
  DemoCounts counts;
  std::size_t old_connections = 0;  ///< that the old version counts itself

  double new_share() const;  ///< of the answers, 0 to 1; 0 without any
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

 private:
  DemoServer::Reply answer(std::string_view target) const;
  std::string state() const;

  std::string shop_;
  const DemoTally& tally_;
  mutable std::mutex mutex_;
  std::deque<DemoSecond> seconds_;  ///< the last ones
  std::string sentence_;
  DemoServer server_;  ///< last: its thread uses all of the above
};

}  // namespace sluice::proxy::program
