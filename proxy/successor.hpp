#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy {

/// The environment variable that tells a process on which descriptor its predecessor speaks to it.
inline constexpr const char* handover_variable = "SLUICE_HANDOVER_FD";

/// A process that is to replace this one: a child with the same environment, standard streams and
/// process group, and one end of a socket pair. It outlives this object. Control thread.
class Successor {
 public:
  /// Runs `command`, the program first. The error is a sentence.
  static core::Result<std::unique_ptr<Successor>, std::string> start(
      boost::asio::io_context& io, const std::vector<std::string>& command);
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;
  /// Watches it no longer, but for reaping it.
  ~Successor();

  pid_t pid() const { return pid_; }
  /// Our end of the socket pair; once.
  OwnedDescriptor take_socket() { return std::move(socket_); }
  /// `on_end` hears in words how it ended, "it ended with exit code 1", when it does.
  void watch(std::function<void(const std::string& how)> on_end);
  /// Kills it, unless it has ended.
  void kill();

 private:
  Successor(boost::asio::io_context& io, pid_t pid, OwnedDescriptor socket);

  struct Watch;
  pid_t pid_;
  OwnedDescriptor socket_;
  std::shared_ptr<Watch> watch_;
};

}  // namespace sluice::proxy
