#include "proxy/handover_door.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/errno_text.hpp"

namespace sluice::proxy {

struct HandoverDoor::Shell : std::enable_shared_from_this<HandoverDoor::Shell> {
  Shell(boost::asio::io_context& io, OnConnection the_callback)
      : ready(io), on_connection(std::move(the_callback)) {}

  void wait() {
    ready.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (error || !self->on_connection) return;
                       OwnedDescriptor connection(::accept4(self->listening.descriptor(), nullptr,
                                                            nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
                       const OnConnection call = self->on_connection;
                       if (connection.is_open()) call(std::move(connection));
                       if (self->on_connection) self->wait();
                     });
  }

  boost::asio::posix::stream_descriptor ready;  ///< a duplicate, to wait on
  OnConnection on_connection;
  ListeningSocket listening;
};

HandoverDoor::HandoverDoor(boost::asio::io_context& io, OnConnection on_connection)
    : shell_(std::make_shared<Shell>(io, std::move(on_connection))) {}

HandoverDoor::~HandoverDoor() {
  shell_->on_connection = nullptr;
  boost::system::error_code ignored;
  shell_->ready.close(ignored);
  shell_->listening = ListeningSocket();
}

std::string HandoverDoor::open(const std::string& state_dir) {
  ListenOptions options;
  options.subject = "The door for a process that takes over";
  options.table = "[server] state_dir";
  options.file_mode = 0600;
  auto opened = ListeningSocket::open("unix:" + path_in(state_dir), options);
  if (!opened) return opened.error();
  shell_->listening = std::move(*opened);
  boost::system::error_code error;
  shell_->ready.assign(::fcntl(shell_->listening.descriptor(), F_DUPFD_CLOEXEC, 3), error);
  if (error) return "the door for a process that takes over cannot be watched: " + error.message();
  shell_->wait();
  return {};
}

core::Result<OwnedDescriptor, std::string> HandoverDoor::knock(const std::string& state_dir) {
  if (state_dir.empty()) {
    return std::string(
        "there is nobody to take over from: server.state_dir is empty, and the door of a running "
        "process is there");
  }
  const std::string path = path_in(state_dir);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return path + " is longer than the path of a socket may be";
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  OwnedDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the kernel's interface
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    return "no running process can be taken over from at " + path + ": " + errno_text(errno) +
           "; start without --take-over";
  }
  return socket;
}

}  // namespace sluice::proxy
