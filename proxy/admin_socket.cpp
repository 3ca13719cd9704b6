#include "proxy/admin_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include "core/address.hpp"
#include "proxy/socket_address.hpp"

namespace sluice::proxy {
namespace {

constexpr int backlog = 128;
constexpr mode_t socket_file_mode = 0660;

std::string reason(int error) {
  return std::generic_category().message(error);
}

std::string cannot_listen(std::string_view address, const std::string& why) {
  return "The admin interface cannot listen on " + std::string(address) + ": " + why;
}

std::string in_use(std::string_view address) {
  return cannot_listen(address,
                       "another process already does. Stop that process or choose another address "
                       "in [admin].");
}

bool somebody_answers(const SocketAddress& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return true;
  const bool refused =
      ::connect(probe, address.get(), address.length) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return !refused;
}

/// Makes way for a socket file, or says why that cannot be.
std::optional<std::string> clear_path(const std::string& path, const SocketAddress& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
  if (!S_ISSOCK(found.st_mode))
    return cannot_listen(address.text(),
                         "the file exists and is no socket. Remove it or choose another path.");
  if (somebody_answers(address)) return in_use(address.text());
  if (::unlink(path.c_str()) != 0)
    return cannot_listen(address.text(),
                         "the stale socket file cannot be removed (" + reason(errno) + ").");
  return std::nullopt;
}

core::Result<SocketAddress, std::string> resolve(std::string_view text) {
  const auto parsed = core::parse_address(text);
  if (!parsed) return cannot_listen(text, parsed.error());
  const auto address = to_socket_address(*parsed);
  if (!address)
    return cannot_listen(text,
                         "names are not looked up here. Give an IP address with a port, such as "
                         "127.0.0.1:9901, or unix:/path.");
  return *address;
}

/// Binds and listens; the error number on failure.
int start(int descriptor, const SocketAddress& address, const std::string& path) {
  const int on = 1;
  if (path.empty()) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(descriptor, address.get(), address.length) != 0) return errno;
  // Nobody can connect before listen(), so the mode of the file is never wider than asked for.
  if (!path.empty() && ::chmod(path.c_str(), socket_file_mode) != 0) return errno;
  return ::listen(descriptor, backlog) == 0 ? 0 : errno;
}

}  // namespace

core::Result<AdminSocket, std::string> AdminSocket::open(std::string_view address) {
  const auto target = resolve(address);
  if (!target) return target.error();
  const std::string path =
      target->is_unix() ? std::string(address.substr(std::string_view("unix:").size())) : "";
  if (!path.empty())
    if (auto obstacle = clear_path(path, *target)) return *obstacle;

  AdminSocket socket;
  socket.family_ = target->family();
  socket.descriptor_ = ::socket(socket.family_, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket.descriptor_ < 0) return cannot_listen(address, reason(errno) + ".");
  const int error = start(socket.descriptor_, *target, path);
  if (error == EADDRINUSE) return in_use(address);
  if (error == EADDRNOTAVAIL)
    return cannot_listen(address, "no interface of this machine has that address.");
  if (error != 0) return cannot_listen(address, reason(error) + ".");

  struct stat made {};
  if (!path.empty() && ::lstat(path.c_str(), &made) == 0) {
    socket.path_ = path;
    socket.device_ = made.st_dev;
    socket.inode_ = made.st_ino;
  }
  socket.address_ = local_address(socket.descriptor_).text();
  return socket;
}

AdminSocket::~AdminSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
  struct stat found {};
  if (path_.empty() || ::lstat(path_.c_str(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == inode_) ::unlink(path_.c_str());
}

void AdminSocket::swap(AdminSocket& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(family_, other.family_);
  std::swap(address_, other.address_);
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
}

}  // namespace sluice::proxy
