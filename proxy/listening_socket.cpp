#include "proxy/listening_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "core/address.hpp"
#include "proxy/errno_text.hpp"
#include "proxy/socket_address.hpp"

namespace sluice::proxy {
namespace {

/// The sentences for everything that can go wrong.
class Messages {
 public:
  Messages(const ListenOptions& options, std::string_view address)
      : options_(options), address_(address) {}

  std::string cannot_listen(const std::string& why) const {
    return options_.subject + " cannot listen on " + address_ + ": " + why;
  }
  std::string in_use() const {
    if (!options_.taken_by.empty()) return cannot_listen(options_.taken_by);
    return cannot_listen(
        "another process already does. Stop that process or choose another address in " +
        options_.table + ".");
  }
  std::string failed(int error) const {
    if (error == EADDRINUSE) return in_use();
    if (error == EADDRNOTAVAIL)
      return cannot_listen("no interface of this machine has that address.");
    if (error == EACCES)
      return cannot_listen(
          "permission denied. Ports below 1024 need CAP_NET_BIND_SERVICE, a unix socket needs a "
          "folder that this user may write.");
    return cannot_listen(errno_text(error) + ".");
  }

 private:
  const ListenOptions& options_;
  std::string address_;
};

bool somebody_answers(const SocketAddress& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return true;
  const bool refused =
      ::connect(probe, address.get(), address.length) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return !refused;
}

/// Makes way for a socket file, or says why that cannot be.
std::optional<std::string> clear_path(const std::string& path, const SocketAddress& address,
                                      const Messages& messages) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
  if (!S_ISSOCK(found.st_mode))
    return messages.cannot_listen(
        "the file exists and is no socket. Remove it or choose another path.");
  if (somebody_answers(address)) return messages.in_use();
  if (::unlink(path.c_str()) != 0)
    return messages.cannot_listen("the stale socket file cannot be removed (" + errno_text(errno) +
                                  ").");
  return std::nullopt;
}

core::Result<SocketAddress, std::string> resolve(std::string_view text, const Messages& messages) {
  const auto parsed = core::parse_address(text);
  if (!parsed) return messages.cannot_listen(parsed.error());
  const auto address = to_socket_address(*parsed);
  if (!address)
    return messages.cannot_listen(
        "names are not looked up here. Give an IP address with a port, such as 127.0.0.1:8080, or "
        "unix:/path.");
  return *address;
}

int open_socket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/// True when no socket of another process is bound there. A shared port would let a second proxy in
/// without a word.
bool is_free(const SocketAddress& address) {
  const int probe = open_socket(address.family());
  if (probe < 0) return true;
  const int on = 1;
  ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool is_taken = ::bind(probe, address.get(), address.length) != 0 && errno == EADDRINUSE;
  ::close(probe);
  return !is_taken;
}

/// Binds and listens; the error number on failure.
int start(int descriptor, const SocketAddress& address, const ListenOptions& options,
          const std::string& path) {
  const int on = 1;
  if (path.empty()) {
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted connections inherit these. An urgent octet in line ends no read early.
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(descriptor, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
    if (options.shared_port) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (::bind(descriptor, address.get(), address.length) != 0) return errno;
  // Nobody can connect before listen(), so the mode of the file is never wider than asked for.
  if (!path.empty() && ::chmod(path.c_str(), options.file_mode) != 0) return errno;
  return ::listen(descriptor, options.backlog) == 0 ? 0 : errno;
}

}  // namespace

core::Result<ListeningSocket, std::string> ListeningSocket::open(std::string_view address,
                                                                 const ListenOptions& options) {
  const Messages messages(options, address);
  const auto target = resolve(address, messages);
  if (!target) return target.error();
  const std::string path =
      target->is_unix() ? std::string(address.substr(std::string_view("unix:").size())) : "";
  if (!path.empty()) {
    if (auto obstacle = clear_path(path, *target, messages)) return *obstacle;
  } else if (!options.joins && !is_free(*target)) {
    return messages.in_use();
  }

  ListeningSocket socket;
  socket.family_ = target->family();
  socket.descriptor_ = open_socket(socket.family_);
  if (socket.descriptor_ < 0) return messages.failed(errno);
  const int error = start(socket.descriptor_, *target, options, path);
  if (error != 0) return messages.failed(error);

  socket.address_ = local_address(socket.descriptor_).text();
  socket.take_file();
  return socket;
}

void ListeningSocket::take_file() {
  constexpr std::string_view scheme = "unix:";
  if (!address_.starts_with(scheme)) return;
  const std::string path = address_.substr(scheme.size());
  struct stat made {};
  if (::lstat(path.c_str(), &made) != 0) return;
  path_ = path;
  device_ = made.st_dev;
  inode_ = made.st_ino;
}

core::Result<ListeningSocket, std::string> ListeningSocket::adopt(OwnedDescriptor descriptor) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  if (::getsockopt(descriptor.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
      listens == 0) {
    return std::string("a descriptor that was handed over is no listening socket");
  }
  const SocketAddress address = local_address(descriptor.get());
  ListeningSocket socket;
  socket.family_ = address.family();
  socket.address_ = address.text();
  socket.descriptor_ = descriptor.release();
  return socket;
}

core::Result<ListeningSocket, std::string> ListeningSocket::duplicate(
    const ListenOptions& options) const {
  ListeningSocket socket;
  socket.family_ = family_;
  socket.address_ = address_;
  socket.descriptor_ = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (socket.descriptor_ < 0) return Messages(options, address_).failed(errno);
  return socket;
}

core::Result<ListeningSocket, std::string> ListeningSocket::another(
    const ListenOptions& options) const {
  if (family_ == AF_UNIX) return duplicate(options);
  const Messages messages(options, address_);
  ListeningSocket socket;
  socket.family_ = family_;
  socket.address_ = address_;
  socket.descriptor_ = open_socket(family_);
  if (socket.descriptor_ < 0) return messages.failed(errno);
  const int error = start(socket.descriptor_, local_address(descriptor_), options, "");
  if (error != 0) return messages.failed(error);
  return socket;
}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
  struct stat found {};
  if (path_.empty() || ::lstat(path_.c_str(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == inode_) ::unlink(path_.c_str());
}

void ListeningSocket::swap(ListeningSocket& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(family_, other.family_);
  std::swap(address_, other.address_);
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
}

}  // namespace sluice::proxy
