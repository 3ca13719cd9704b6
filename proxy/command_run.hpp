#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::proxy {

/// A local program to be run, without a shell.
struct CommandOrder {
  std::string program;                 ///< a path, or a name that is looked up in PATH
  std::vector<std::string> arguments;  ///< without the program itself
  /// Names and values beside our own environment; they win over a variable of the same name.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string input;  ///< its standard input; a program that does not read it does no harm
  std::chrono::milliseconds timeout{10'000};
};

/// How it ended.
struct CommandAnswer {
  std::optional<int> exit_code;  ///< none when it did not run or a signal ended it
  int signal = 0;                ///< that ended it; 0 is none
  /// A sentence: it could not be run, or ran into the timeout and was killed. Else empty.
  std::string error;
  std::string out;  ///< the end of its standard output, at most command_output_limit
  std::string err;  ///< the same of its standard error
};

/// Octets of each output that are kept.
inline constexpr std::size_t command_output_limit = 4096;

/// "exit code 3", "ended by signal 11 (SEGV)", or the error.
std::string to_string(const CommandAnswer& answer);

/// Runs the program and calls `done` with how it ended: once, on `io`, never from inside this call.
///
/// The program is in a process group of its own, with every signal at its default and unblocked,
/// and with no descriptors but 0, 1 and 2. It has ended when its first process has; what that left
/// running in the background lives on, and its later output is lost. At the timeout the whole group
/// is killed; processes that left the group are out of reach. Children of the program that we are
/// part of are left alone, and SIGCHLD is not used; where somebody else takes the exit of our child
/// (SIGCHLD ignored, waitpid(-1)), the error says that the exit is unknown.
///
/// The program runs as long as the returned token lives: destroying it kills the group, `done` is
/// not run, and the child is reaped by `io`, or by its destructor when `io` does not run any more.
/// Once `done` ran the token does nothing. Call it and destroy the token on the thread that runs
/// `io`. The token may outlive `io`. When our process dies the program is not killed.
[[nodiscard]] std::shared_ptr<void> run_command(boost::asio::io_context& io, CommandOrder order,
                                                std::function<void(CommandAnswer)> done);

}  // namespace sluice::proxy
