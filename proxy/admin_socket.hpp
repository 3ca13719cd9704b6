#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"

namespace sluice::proxy {

/// A listening socket of the admin interface. Closes itself, and removes its socket file when that
/// is still its own: after a restart the path may belong to a successor.
class AdminSocket {
 public:
  /// Listens on "IPv4:port", "[IPv6]:port" or "unix:/path". Port 0 lets the system choose. A socket
  /// file gets mode 0660; one on which nobody answers any more is replaced. The error is a sentence
  /// that names the address and says what to do.
  static core::Result<AdminSocket, std::string> open(std::string_view address);

  AdminSocket() = default;
  AdminSocket(AdminSocket&& other) noexcept { swap(other); }
  AdminSocket& operator=(AdminSocket&& other) noexcept {
    swap(other);
    return *this;
  }
  ~AdminSocket();

  /// -1 when released or never opened.
  int descriptor() const { return descriptor_; }
  /// Leaves closing the descriptor to the caller; the socket file stays with this object.
  int release() { return std::exchange(descriptor_, -1); }
  int family() const { return family_; }
  /// The address with the port that is really in use.
  const std::string& address() const { return address_; }

 private:
  void swap(AdminSocket& other) noexcept;

  int descriptor_ = -1;
  int family_ = 0;
  std::string address_;
  std::string path_;  ///< of the socket file; "": none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sluice::proxy
