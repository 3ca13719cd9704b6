#include "proxy/socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace sluice::proxy {
namespace {

template <class Sockaddr>
Sockaddr read_as(const sockaddr_storage& storage) {
  Sockaddr address{};
  std::memcpy(&address, &storage, sizeof(address));
  return address;
}

template <class Sockaddr>
SocketAddress write_as(const Sockaddr& address, std::size_t length) {
  SocketAddress result;
  std::memcpy(&result.storage, &address, sizeof(address));
  result.length = static_cast<socklen_t>(length);
  return result;
}

std::string unix_path(const SocketAddress& address) {
  const auto local = read_as<sockaddr_un>(address.storage);
  const std::size_t room = address.length - offsetof(sockaddr_un, sun_path);
  if (address.length <= offsetof(sockaddr_un, sun_path)) return {};
  return {&local.sun_path[0], strnlen(&local.sun_path[0], room)};
}

}  // namespace

std::string SocketAddress::ip() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    const auto v4 = read_as<sockaddr_in>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (family() == AF_INET6) {
    const auto v6 = read_as<sockaddr_in6>(storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
  } else {
    return "unix";
  }
  return text.data();
}

std::string SocketAddress::text() const {
  if (family() == AF_INET) {
    return ip() + ":" + std::to_string(ntohs(read_as<sockaddr_in>(storage).sin_port));
  }
  if (family() == AF_INET6) {
    return "[" + ip() + "]:" + std::to_string(ntohs(read_as<sockaddr_in6>(storage).sin6_port));
  }
  return "unix:" + unix_path(*this);
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
}

std::optional<SocketAddress> to_socket_address(const core::Address& address) {
  using Kind = core::Address::Kind;
  if (address.kind == Kind::ipv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr);
    return write_as(v4, sizeof(v4));
  }
  if (address.kind == Kind::ipv6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr);
    return write_as(v6, sizeof(v6));
  }
  if (address.kind == Kind::unix_path) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (address.host.size() >= sizeof(local.sun_path)) return std::nullopt;
    std::memcpy(&local.sun_path[0], address.host.data(), address.host.size());
    return write_as(local, offsetof(sockaddr_un, sun_path) + address.host.size() + 1);
  }
  return std::nullopt;
}

SocketAddress local_address(int descriptor) {
  SocketAddress address;
  address.length = sizeof(address.storage);
  if (getsockname(descriptor, address.get(), &address.length) != 0) address = {};
  return address;
}

SocketAddress peer_address(int descriptor) {
  SocketAddress address;
  address.length = sizeof(address.storage);
  if (getpeername(descriptor, address.get(), &address.length) != 0) address = {};
  return address;
}

}  // namespace sluice::proxy
