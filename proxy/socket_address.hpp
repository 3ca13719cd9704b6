#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "core/address.hpp"

namespace sluice::proxy {

/// An address the kernel understands: IPv4, IPv6 or unix.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }

  /// The IP address without port or brackets; "unix" for a unix socket.
  std::string ip() const;
  /// "127.0.0.1:80", "[::1]:80" or "unix:/path".
  std::string text() const;
  bool operator==(const SocketAddress& other) const;
};

/// The kernel's form of an address that needs no look-up; none for a DNS name.
std::optional<SocketAddress> to_socket_address(const core::Address& address);

/// The address a descriptor is bound to, or its peer's.
SocketAddress local_address(int descriptor);
SocketAddress peer_address(int descriptor);

}  // namespace sluice::proxy
