#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"
#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy {

/// Of every listener for clients: how many may wait to be accepted.
inline constexpr int listen_backlog = 4096;

/// How a socket listens.
struct ListenOptions {
  std::string subject;      ///< who listens, for messages: "The admin interface"
  std::string table;        ///< where its address is configured, for messages: "[admin]"
  mode_t file_mode = 0660;  ///< of the file of a unix socket
  /// Who has the address when it is taken, and what to do, as a sentence behind a colon; "":
  /// another process.
  std::string taken_by = {};
  int backlog = 128;
  bool shared_port = false;  ///< more sockets of this process will listen on the same port
  bool joins = false;        ///< so may other processes of this user; with shared_port
};

/// A socket that listens. Closes itself, and removes its socket file when that is still its own:
/// after a restart the path may belong to a successor.
class ListeningSocket {
 public:
  /// Listens on "IPv4:port", "[IPv6]:port" or "unix:/path". Port 0 lets the system choose. A socket
  /// file on which nobody answers any more is replaced. The error is a sentence that names the
  /// address and says what to do.
  static core::Result<ListeningSocket, std::string> open(std::string_view address,
                                                         const ListenOptions& options);

  /// One more socket on the port of this one (SO_REUSEPORT; this one was opened with shared_port),
  /// or a duplicate of a unix socket. The error is a sentence.
  core::Result<ListeningSocket, std::string> another(const ListenOptions& options) const;

  /// The same socket once more: who has it and this one share what is accepted.
  core::Result<ListeningSocket, std::string> duplicate(const ListenOptions& options) const;
  /// A socket that another process has opened, whose file stays with that one until take_file().
  /// The error is a sentence.
  static core::Result<ListeningSocket, std::string> adopt(OwnedDescriptor descriptor);

  ListeningSocket() = default;
  ListeningSocket(ListeningSocket&& other) noexcept { swap(other); }
  ListeningSocket& operator=(ListeningSocket&& other) noexcept {
    swap(other);
    return *this;
  }
  ~ListeningSocket();

  /// -1 when released or never opened.
  int descriptor() const { return descriptor_; }
  /// Leaves closing the descriptor to the caller; the socket file stays with this object.
  int release() { return std::exchange(descriptor_, -1); }
  /// The socket file, if there is one, belongs to this object, or to another process from now on.
  void take_file();
  void give_away_file() { path_.clear(); }
  int family() const { return family_; }
  /// The address with the port that is really in use.
  const std::string& address() const { return address_; }

 private:
  void swap(ListeningSocket& other) noexcept;

  int descriptor_ = -1;
  int family_ = 0;
  std::string address_;
  std::string path_;  ///< of the socket file; "": none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sluice::proxy
