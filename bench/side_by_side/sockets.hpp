#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

/// What the relay and the backend of the comparison both need of sockets. They are measuring tools:
/// what cannot be recovered from ends the process with a message.
namespace sluice::bench {

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// The octets that one receive can bring.
inline constexpr std::size_t receive_size = 64 * 1024;

inline bool would_block() {
  return errno == EAGAIN || errno == EINTR;
}

inline void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline sockaddr_in ipv4(std::uint32_t address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(address);
  result.sin_port = htons(port);
  return result;
}

/// A non-blocking listening socket.
inline int listen_on(std::uint32_t address, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in name = ipv4(address, port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) fail("bind");
  if (listen(fd, 4096) != 0) fail("listen");
  return fd;
}

/// The next client, or -1 when there is none.
inline int accept_next(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) set_no_delay(fd);
  return fd;
}

/// Registers `fd` for good; `owner` comes back with each of its events.
inline void watch(int epoll, int fd, std::uint32_t events, void* owner) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = owner;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

/// Edge-triggered in both directions: one epoll_ctl in the life of a connection.
inline constexpr std::uint32_t both_ways = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

inline std::uint16_t to_port(const char* text) {
  const long port = std::strtol(text, nullptr, 10);
  if (port <= 0 || port > 65535) {
    std::fprintf(stderr, "not a port: %s\n", text);
    std::exit(2);
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace sluice::bench
