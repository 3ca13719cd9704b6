#pragma once

#include <csignal>
#include <string>
#include <vector>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {

/// The processes that take each other's place under the addresses of one SluiceProcess. Those that
/// are still there in the end are killed. One at a time in a test program.
class Generations {
 public:
  explicit Generations(SluiceProcess& sluice);
  Generations(const Generations&) = delete;
  Generations& operator=(const Generations&) = delete;
  ~Generations();

  /// The process that answers now, by GET /v1/status.
  pid_t present() const;
  /// POST /v1/upgrade. What becomes of it is for the test to say; a process that serves is noted.
  AdminAnswer upgrade(const std::string& body = "");
  /// The same, and expects that another process serves, with the number that the answer names.
  testing::AssertionResult becomes_another(const std::string& body = "");
  /// A process that a test knows of by itself.
  void note(pid_t pid) { pids_.push_back(pid); }
  /// Waits for the end of a process that was replaced: exit code, or 128 + the signal.
  int wait_exit(pid_t pid, Clock::duration limit = patience);
  /// Waits until the present process has no predecessor any more.
  bool is_alone(Clock::duration limit = patience) const;

 private:
  SluiceProcess& sluice_;
  std::vector<pid_t> pids_;  ///< but the first, which belongs to the SluiceProcess
};

}  // namespace sluice::e2e
