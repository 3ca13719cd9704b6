#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

#include "proxy/program/demo_board.hpp"
#include "proxy/program/demo_outcome.hpp"

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
  /// The table and the verdict.
  void close(const DemoOutcome& outcome);

 private:
  std::string bar(double new_share) const;
  void write_table(const DemoOutcome& outcome);
  void write_findings(const DemoOutcome& outcome);

  std::ostream& out_;
  bool colour_;
};

/// The outcome as one line of JSON.
std::string demo_json(const DemoOutcome& outcome);

}  // namespace sluice::proxy::program
