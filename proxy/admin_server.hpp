#pragma once

#include <memory>
#include <string>

#include "proxy/admin_message.hpp"
#include "proxy/control.hpp"
#include "proxy/listening_socket.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::proxy {

/// The admin interface on its own listener: HTTP/1.1 with keep-alive, over TCP or a unix socket.
/// What the calls do is in admin_calls.hpp; this is listening, reading and writing. Belongs to the
/// thread that runs `io`, which is the control thread; nothing here throws.
///
/// Bounds per AdminOptions: connections (one more gets 503), size of head (431) and body (413),
/// time for a head, a body and a write (then the connection is closed), idle time.
class AdminServer {
 public:
  /// `io` and `control` must outlive the object and every callback it gave to `control`.
  AdminServer(boost::asio::io_context& io, Control& control, AdminOptions options);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  /// Stops.
  ~AdminServer();

  /// Listens on "IPv4:port", "[IPv6]:port" or "unix:/path", and accepts. "" when that worked, else
  /// a sentence for the operator. Requires that it does not listen yet.
  std::string listen(const std::string& address);
  /// The same on a socket that another process has opened, which still answers on it: this one
  /// accepts once accept() is called.
  std::string adopt(ListeningSocket socket);
  void accept();

  /// A duplicate of the listening socket; not open while it does not listen.
  OwnedDescriptor share() const;
  /// Another process answers on the socket from now on: accepts no more, ends event streams and
  /// idle connections, and every other one behind its answer.
  void retire();

  /// The address with the port really in use; "" while not listening.
  std::string local_address() const;

  /// Closes the listener and every connection, event streams included. Callbacks still to come from
  /// Control are ignored. Their coroutines end when `io` runs on, or with it.
  void stop();

 private:
  struct Shell;
  std::shared_ptr<Shell> shell_;
};

}  // namespace sluice::proxy
