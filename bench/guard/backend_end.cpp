#include "bench/guard/backend_end.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace sluice::bench {
namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(EXIT_FAILURE);
}

}  // namespace

BackendEnd::BackendEnd(const std::string& path, std::string answer)
    : path_(path), answer_(std::move(answer)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) give_up("the path of a socket is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto* bound = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: as sockets want it
  if (::bind(listening_, bound, sizeof(address)) != 0 || ::listen(listening_, 64) != 0) {
    give_up("cannot listen");
  }
}

BackendEnd::~BackendEnd() {
  for (const int descriptor : connections_) ::close(descriptor);
  ::close(listening_);
  ::unlink(path_.c_str());
}

unsigned BackendEnd::serve() {
  for (;;) {
    const int descriptor = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) break;
    connections_.push_back(descriptor);
  }
  unsigned answers = 0;
  for (const int descriptor : connections_) answers += serve_one(descriptor);
  return answers;
}

/// A request comes in one piece here, so each piece that ends one is one.
unsigned BackendEnd::serve_one(int descriptor) {
  std::array<char, 16 * 1024> room;
  const ssize_t size = ::recv(descriptor, room.data(), room.size(), 0);
  if (size <= 0) return 0;
  send_all(descriptor, answer_);
  return 1;
}

void send_all(int descriptor, std::string_view octets) {
  if (::send(descriptor, octets.data(), octets.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(octets.size())) {
    give_up("cannot send");
  }
}

std::size_t receive(int descriptor, std::string& into) {
  std::array<char, 16 * 1024> room;
  const ssize_t size = ::recv(descriptor, room.data(), room.size(), MSG_DONTWAIT);
  if (size <= 0) return 0;
  into.append(room.data(), static_cast<std::size_t>(size));
  return static_cast<std::size_t>(size);
}

}  // namespace sluice::bench
