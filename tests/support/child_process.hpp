#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/deadline.hpp"

namespace sluice::support {

/// A program started by a test; it dies with the test. Not for several threads.
class ChildProcess {
 public:
  ChildProcess() = default;
  /// Starts `arguments[0]` (looked up in PATH); its output goes to the end of the two files.
  ChildProcess(const std::vector<std::string>& arguments, const std::string& out_file,
               const std::string& err_file);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { kill(); }

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// True when it has ended; then wait_exit() returns at once.
  bool has_ended();
  /// The exit code, or 128 + the signal that ended it. Throws Failure when it does not end.
  int wait_exit(Clock::duration limit = patience);
  /// SIGKILL, and waits for the end.
  void kill();

 private:
  pid_t pid_ = -1;  ///< -1: nothing runs
  int exit_code_ = -1;
};

/// A program that ran to its end.
struct FinishedRun {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// Runs `arguments` to the end. Throws Failure when that takes too long.
FinishedRun run_to_end(const std::vector<std::string>& arguments);

}  // namespace sluice::support
