#pragma once

#include <chrono>
#include <iosfwd>
#include <string>
#include <vector>

#include "proxy/program/demo_board.hpp"
#include "proxy/program/demo_outcome.hpp"
#include "proxy/program/demo_release.hpp"

namespace sluice::proxy::program {

/// The demonstration on a terminal: lines that only ever go forward, so that a pipe reads the same.
class DemoReport {
 public:
  DemoReport(std::ostream& out, bool colour) : out_(out), colour_(colour) {}

  struct Places {
    std::array<std::string, 2> services;
    std::string traffic;
    std::string admin;
    std::string page;  ///< URL
  };
  void open(const Places& places);
  /// What an operator would type here.
  void command(std::chrono::milliseconds at, const std::string& line);
  void note(std::chrono::milliseconds at, const std::string& sentence);
  void second(const DemoSecond& second);
  /// The table and the verdict of the first act.
  void close(const DemoOutcome& outcome);

  // The second act.

  /// `url` is where clients find the cart.
  void open_rollouts(const std::string& url);
  /// What the proxy decided, in its words.
  void decision(std::chrono::milliseconds at, const RolloutDecision& decision);
  void rollout_second(const DemoSecond& second, const RolloutStatus& rollout);
  /// How a release ended, why, and what users saw of it.
  void release(const DemoRelease& release);
  void close_rollouts(const std::vector<DemoRelease>& releases);

 private:
  void write_second(const DemoSecond& second, const std::string& more);
  std::string bar(const DemoSecond& second) const;
  void write_table(const DemoOutcome& outcome);
  void write_findings(const DemoOutcome& outcome);

  std::ostream& out_;
  bool colour_;
};

/// The outcome as one line of JSON.
std::string demo_json(const DemoOutcome& outcome);

}  // namespace sluice::proxy::program
