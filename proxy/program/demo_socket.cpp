#include "proxy/program/demo_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace sluice::proxy::program {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

void Descriptor::close() {
  if (is_open()) ::close(number_);
  number_ = -1;
}

Flag::Flag() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_.is_open()) fail("eventfd");
}

void Flag::raise() {
  raised_ = true;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_.number(), &one, sizeof one));
}

bool Flag::wait(std::chrono::milliseconds patience) const {
  wait_until_ready(event_, POLLIN, patience, nullptr);
  return is_raised();
}

Descriptor listen_on_loopback() {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) fail("socket");
  const sockaddr_in address = loopback(0);
  if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("bind to 127.0.0.1");
  if (::listen(socket.number(), SOMAXCONN) != 0) fail("listen");
  return socket;
}

std::uint16_t port_of(const Descriptor& socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    fail("getsockname");
  return ntohs(address.sin_port);
}

std::uint16_t port_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  return static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10));
}

std::string loopback_address(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

Descriptor connect_to_loopback(std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (!socket.is_open() ||
      ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Descriptor();
  send_at_once(socket);
  return socket;
}

void send_at_once(const Descriptor& socket) {
  const int on = 1;
  ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Readiness wait_until_ready(const Descriptor& socket, short events,
                           std::chrono::milliseconds patience, const Flag* stop) {
  std::array<pollfd, 2> wanted{pollfd{socket.number(), events, 0},
                               pollfd{stop == nullptr ? -1 : stop->number(), POLLIN, 0}};
  const auto end = std::chrono::steady_clock::now() + patience;
  int left = static_cast<int>(patience.count());
  while (::poll(wanted.data(), wanted.size(), left) < 0 && errno == EINTR) {
    const auto rest =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    left = rest.count() > 0 ? static_cast<int>(rest.count()) : 0;
  }
  if (wanted[1].revents != 0) return Readiness::stopped;
  return wanted[0].revents != 0 ? Readiness::ready : Readiness::too_late;
}

}  // namespace sluice::proxy::program
