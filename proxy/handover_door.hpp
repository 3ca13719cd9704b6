#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "proxy/listening_socket.hpp"
#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy {

/// The unix socket at which a process that was started from outside may ask to take over: in the
/// state folder, for this user alone. Control thread.
class HandoverDoor {
 public:
  using OnConnection = std::function<void(OwnedDescriptor)>;

  /// Where it is in a state folder.
  static std::string path_in(const std::string& state_dir) { return state_dir + "/handover.sock"; }
  /// Connects to the door of the process that decides for a state folder. The error is a sentence.
  static core::Result<OwnedDescriptor, std::string> knock(const std::string& state_dir);

  HandoverDoor(boost::asio::io_context& io, OnConnection on_connection);
  HandoverDoor(const HandoverDoor&) = delete;
  HandoverDoor& operator=(const HandoverDoor&) = delete;
  /// Closes it and removes the socket file.
  ~HandoverDoor();

  /// "" or a sentence.
  std::string open(const std::string& state_dir);

 private:
  struct Shell;
  std::shared_ptr<Shell> shell_;
};

}  // namespace sluice::proxy
