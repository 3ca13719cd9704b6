#include "tests/support/socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <vector>

namespace sluice::support {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

[[noreturn]] void fail(const std::string& what, const std::string& address) {
  throw Failure(what + " " + address + ": " + std::strerror(errno));
}

SocketPair pair_of(int type) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type, 0, ends.data()) != 0) fail("cannot pair", "unix sockets");
  return {Fd(ends[0]), Fd(ends[1])};
}

Address unix_address(const std::string& path) {
  Address result;
  auto* out = reinterpret_cast<sockaddr_un*>(&result.storage);
  out->sun_family = AF_UNIX;
  if (path.size() >= sizeof out->sun_path) throw Failure("path too long: " + path);
  std::memcpy(out->sun_path, path.c_str(), path.size() + 1);
  result.size = sizeof(sockaddr_un);
  return result;
}

Address parse(const std::string& text) {
  if (text.starts_with("unix:")) return unix_address(text.substr(5));
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw Failure("no port in " + text);
  std::string host = text.substr(0, colon);
  const auto port = htons(static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1))));
  Address result;
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
    auto* out = reinterpret_cast<sockaddr_in6*>(&result.storage);
    out->sin6_family = AF_INET6;
    out->sin6_port = port;
    result.size = sizeof *out;
    if (::inet_pton(AF_INET6, host.c_str(), &out->sin6_addr) != 1) throw Failure("bad " + text);
    return result;
  }
  auto* out = reinterpret_cast<sockaddr_in*>(&result.storage);
  out->sin_family = AF_INET;
  out->sin_port = port;
  result.size = sizeof *out;
  if (::inet_pton(AF_INET, host.c_str(), &out->sin_addr) != 1) throw Failure("bad " + text);
  return result;
}

Fd new_socket(const Address& address) {
  Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail("socket", "");
  const int on = 1;
  if (address.storage.ss_family != AF_UNIX)
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

bool can_bind(const std::string& text) {
  const Address address = parse(text);
  const Fd fd = new_socket(address);
  return ::bind(fd.get(), address.get(), address.size) == 0;
}

/// Whether no other test has the port, or will have it: between the look whether it is free and the
/// moment at which a program takes it, another test may look, too. Until this process ends.
bool reserves(int port) {
  static std::vector<Fd> reserved;
  const auto folder =
      std::filesystem::temp_directory_path() / ("sluice-test-ports-" + std::to_string(::getuid()));
  std::filesystem::create_directories(folder);
  const std::string file = folder / std::to_string(port);
  Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) fail("open", file);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return false;
  reserved.push_back(std::move(lock));
  return true;
}

}  // namespace

Fd listen_on(const std::string& text) {
  const Address address = parse(text);
  Fd fd = new_socket(address);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (text.starts_with("unix:")) ::unlink(text.substr(5).c_str());
  if (::bind(fd.get(), address.get(), address.size) != 0) fail("bind", text);
  if (::listen(fd.get(), 4096) != 0) fail("listen", text);
  return fd;
}

Fd connect_to(const std::string& text, Deadline deadline) {
  const Address address = parse(text);
  Fd fd = new_socket(address);
  if (::connect(fd.get(), address.get(), address.size) == 0) return fd;
  if (errno != EINPROGRESS && errno != EAGAIN) fail("connect", text);
  pollfd waiting{fd.get(), POLLOUT, 0};
  if (::poll(&waiting, 1, deadline.poll_ms()) <= 0) throw Failure("connect is late: " + text);
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  errno = error;
  if (error != 0) fail("connect", text);
  return fd;
}

SocketPair socket_pair() {
  return pair_of(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
}

SocketPair blocking_socket_pair() {
  return pair_of(SOCK_STREAM | SOCK_CLOEXEC);
}

std::string local_address(const Fd& listening) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0)
    fail("getsockname", "");
  char host[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&storage);
    ::inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(six->sin6_port));
  }
  const auto* four = reinterpret_cast<const sockaddr_in*>(&storage);
  ::inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(ntohs(four->sin_port));
}

std::string free_address(const std::string& host) {
  static std::minstd_rand random(std::random_device{}());
  std::uniform_int_distribution<int> ports(10'000, 32'000);
  for (int tries = 0; tries < 1000; ++tries) {
    const int port = ports(random);
    std::string address = host + ":" + std::to_string(port);
    if (reserves(port) && can_bind(address)) return address;
  }
  throw Failure("no free port on " + host);
}

}  // namespace sluice::support
