#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proxy/program/demo_board.hpp"
#include "proxy/program/demo_load.hpp"
#include "proxy/program/demo_proxy.hpp"
#include "proxy/program/demo_release.hpp"
#include "proxy/program/demo_report.hpp"
#include "proxy/program/demo_service.hpp"
#include "proxy/program/demo_tally.hpp"

namespace sluice::proxy::program {

/// The second act: the releases of `demo_plots`, one after the other, each by one command. The
/// proxy promotes them or takes them back while users are served. One thread.
class DemoRollout {
 public:
  /// All versions of the cart serve from here on, none of them wrongly. Throws std::system_error.
  DemoRollout();
  DemoRollout(const DemoRollout&) = delete;
  DemoRollout& operator=(const DemoRollout&) = delete;

  /// Of the versions.
  std::array<std::string, demo_versions> addresses() const;

  /// What the act plays on. All of it outlives the act.
  struct Stage {
    DemoProxy& proxy;
    DemoReport& report;
    DemoBoard& board;
    /// Waits; may throw to end the act.
    std::function<void(std::chrono::milliseconds)> pass;
    std::chrono::steady_clock::time_point begin;  ///< of the demonstration
  };
  /// Plays, up to the first release that does not come out as it should. Returns "", or a sentence
  /// on why it could not go on. The load goes on afterwards.
  std::string play(const Stage& stage, std::size_t connections);
  /// Those that were played.
  const std::vector<DemoRelease>& releases() const { return releases_; }

  void end_load() { load_.reset(); }
  /// What the load saw since the last call.
  DemoSecond take_second(std::chrono::steady_clock::time_point begin);

 private:
  std::string run(const Stage& stage, std::size_t index);
  void prepare(const DemoPlot& plot);
  void close(const DemoPlot& plot);
  void settle();
  std::string watch(const Stage& stage, std::chrono::milliseconds span, bool ends_with_rollout);
  std::string look(const Stage& stage);

  std::array<DemoService, demo_versions> services_;
  DemoTally tally_{demo_plots.size() + 1};  ///< one step for each release, one for what is after
  std::vector<DemoRelease> releases_;
  std::size_t index_ = 0;  ///< of the release under way
  RolloutStatus status_;   ///< of it, as seen last
  bool has_begun_ = false;
  std::size_t decisions_told_ = 0;
  std::chrono::steady_clock::time_point last_;  ///< end of the last second
  std::optional<DemoLoad> load_;                ///< last: its threads use the tally
};

}  // namespace sluice::proxy::program
