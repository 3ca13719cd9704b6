#include "tests/support/byte_stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace sluice::support {

const char* to_string(Ending ending) {
  switch (ending) {
    case Ending::open:
      return "open";
    case Ending::closed:
      return "closed";
    case Ending::reset:
      return "reset";
    case Ending::late:
      return "late";
  }
  return "?";
}

bool ByteStream::send(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    pollfd waiting{fd_.get(), POLLOUT, 0};
    if (::poll(&waiting, 1, deadline.poll_ms()) == 0) return false;
  }
  return true;
}

bool ByteStream::send_each_byte(std::string_view bytes, Deadline deadline) {
  for (std::size_t at = 0; at < bytes.size(); ++at)
    if (!send(bytes.substr(at, 1), deadline)) return false;
  return true;
}

bool ByteStream::fill(Deadline deadline) {
  if (ending_ == Ending::late) ending_ = Ending::open;
  while (ending_ == Ending::open) {
    char block[65536];
    const ssize_t got = ::recv(fd_.get(), block, sizeof block, MSG_DONTWAIT);
    if (got > 0) {
      buffer.append(block, static_cast<std::size_t>(got));
      if (on_receive) on_receive({block, static_cast<std::size_t>(got)});
      return true;
    }
    if (got == 0) {
      ending_ = Ending::closed;
    } else if (errno == EAGAIN) {
      pollfd waiting{fd_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, deadline.poll_ms()) == 0) ending_ = Ending::late;
    } else if (errno != EINTR) {
      ending_ = Ending::reset;
    }
  }
  return false;
}

bool ByteStream::fill_to(std::size_t size, Deadline deadline) {
  while (buffer.size() < size)
    if (!fill(deadline)) return false;
  return true;
}

std::string ByteStream::take(std::size_t size) {
  std::string taken = buffer.substr(0, size);
  buffer.erase(0, taken.size());
  return taken;
}

std::string ByteStream::take_through(std::string_view marker, Deadline deadline) {
  std::size_t from = 0;
  for (;;) {
    const auto at = buffer.find(marker, from);
    if (at != std::string::npos) return take(at + marker.size());
    from = buffer.size() < marker.size() ? 0 : buffer.size() - marker.size();
    if (!fill(deadline))
      throw Failure("connection " + std::string(to_string(ending_)) + " before '" +
                    std::string(marker) + "', got '" + buffer.substr(0, 400) + "'");
  }
}

std::string ByteStream::take_all(Deadline deadline) {
  while (fill(deadline)) {
  }
  return take(buffer.size());
}

void ByteStream::finish_sending() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void ByteStream::shut() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

void ByteStream::reset_on_close() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace sluice::support
