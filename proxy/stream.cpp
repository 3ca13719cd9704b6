#include "proxy/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proxy/socket_calls.hpp"

namespace sluice::proxy {

namespace {

/// Reads that one stream may make in one turn without waiting: the others want to be served, too.
constexpr unsigned reads_per_turn = 16;

}  // namespace

IoError io_error_of(int error) {
  switch (error) {
    case 0:
      return IoError::none;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return IoError::reset;
    case ECONNREFUSED:
    case ENOENT:
      return IoError::refused;
    case ETIMEDOUT:
      return IoError::timeout;
    case EBADF:
    case ECANCELED:
      return IoError::interrupted;
    default:
      return IoError::failed;
  }
}

constinit const std::uint32_t Stream::input_events = EPOLLIN | EPOLLRDHUP | EPOLLET;

Stream::Stream(Reactor& reactor, DeadlineWheel& wheel, BlockPool& blocks)
    : in_(blocks),
      reactor_(reactor),
      read_deadline_(
          wheel, [](void* self) { static_cast<Stream*>(self)->on_read_deadline(); }, this),
      write_deadline_(
          wheel, [](void* self) { static_cast<Stream*>(self)->on_write_deadline(); }, this) {}

bool Stream::enlist(std::uint32_t events) {
  awaits_out_ = (events & EPOLLOUT) != 0;
  reactor_.drop_later(*this);
  is_added_ = reactor_.add(descriptor_, *this, events);
  if (is_added_) return true;
  ::close(std::exchange(descriptor_, -1));
  return false;
}

bool Stream::adopt(int descriptor) {
  descriptor_ = descriptor;
  // A client that connects mostly sends at once.
  may_read_ = true;
  return reactor_.add_later(*this) || enlist(input_events);
}

/// One that the reactor refuses is over, as if the peer had broken it.
void Stream::add_now() {
  if (!is_open() || is_added_ || enlist(input_events)) return;
  broken_ = may_read_ = may_write_ = true;
  reactor_.defer(*this);
}

Task<IoError> Stream::connect(const SocketAddress& address, std::chrono::milliseconds deadline) {
  const int family = address.family();
  descriptor_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) co_return IoError::failed;
  if (family != AF_UNIX) {
    const int on = 1;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    // An urgent octet would end a read early, as if nothing were left.
    setsockopt(descriptor_, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
  }
  const bool at_once = ::connect(descriptor_, address.get(), address.length) == 0;
  const int problem = at_once ? 0 : errno;
  if (!at_once && problem != EINPROGRESS) {
    ::close(std::exchange(descriptor_, -1));
    co_return io_error_of(problem);
  }
  if (!enlist(at_once ? input_events : input_events | EPOLLOUT)) co_return IoError::failed;
  if (at_once) co_return IoError::none;

  const IoError waited = co_await writable(deadline);
  if (waited != IoError::none) co_return waited;
  int status = 0;
  socklen_t length = sizeof(status);
  getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &status, &length);
  co_return io_error_of(status);
}

void Stream::note(std::uint32_t events) noexcept {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) may_read_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) broken_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) may_write_ = true;
}

/// Whether the event loop may read for somebody: a stream that nobody reads, and one that waits to
/// write, stay as they are.
bool Stream::awaits_octets() const {
  return !disposed_ && reader_ && may_read_ && !has_read_ && is_open();
}

std::size_t Stream::receive() noexcept {
  if (!awaits_octets()) return 0;
  // Whoever waits to be readable moves octets itself, and not few.
  if (capacity_ == 0) return BlockPool::large_block;
  const std::size_t before = in_.view().size();
  has_read_ = try_read();
  return in_.view().size() - before;
}

std::size_t Stream::receive(SocketBatch& batch) noexcept {
  if (!awaits_octets()) return 0;
  if (capacity_ == 0) return BlockPool::large_block;
  if (!may_read_now()) return 0;
  prepare_read();
  batch.receive(descriptor_, in_.tail(), in_.room());
  has_read_ = true;  // received() knows better; until then it must not be read again
  return in_.room();
}

std::size_t Stream::received(std::int32_t result) noexcept {
  // Who acts reads again by itself.
  const bool was_made = result != -EINTR && result != -ENOMEM;
  has_read_ = was_made && end_read(result);
  return static_cast<std::size_t>(std::max(result, 0));
}

void Stream::act() {
  if (disposed_) return;
  if (has_sent_) {
    // Somebody has closed it since: the writer must not go on as if nothing were.
    if (!is_open()) writer_->error_ = IoError::interrupted;
    return end_write();
  }
  if (writer_ != nullptr) act_for_writer();
  if (disposed_) return;
  if (reader_) return act_for_reader();
  const bool has_news = may_read_ || (idles_ && read_timed_out_);
  if (has_news && watch_.notify != nullptr) watch_.notify(watch_.owner);
}

Stream::ReadAwaiter Stream::read(std::chrono::milliseconds deadline, std::size_t capacity) {
  begin_read(capacity);
  return {*this, deadline};
}

Stream::ReadAwaiter Stream::read_until(TimePoint deadline, std::size_t capacity) {
  begin_read(capacity);
  return {*this, deadline};
}

void Stream::begin_read(std::size_t capacity) {
  capacity_ = static_cast<std::uint32_t>(capacity);
  read_interrupted_ = read_timed_out_ = idles_ = false;
}

Stream::ReadAwaiter Stream::readable(std::chrono::milliseconds deadline) {
  return read(deadline, 0);
}

/// Whether a read may be tried in this turn; one that has had its share goes on in the next.
bool Stream::may_read_now() {
  if (!may_read_) return false;
  if (reading_turn_ != reactor_.turns()) {
    reading_turn_ = reactor_.turns();
    reads_in_turn_ = 0;
  }
  if (++reads_in_turn_ <= reads_per_turn) return true;
  reactor_.defer(*this);
  return false;
}

/// True when the read has ended, one way or the other: read_error_ says how.
bool Stream::try_read() {
  read_error_ = IoError::interrupted;
  if (!is_open()) return true;
  if (!may_read_now()) {
    in_.release_if_empty();
    return false;
  }
  if (capacity_ == 0) {
    read_error_ = IoError::none;
    return true;
  }
  prepare_read();
  ssize_t size = 0;
  do {
    size = receive_from(descriptor_, in_.tail(), in_.room(), 0);
  } while (size < 0 && errno == EINTR);
  return end_read(size < 0 ? -errno : size);
}

void Stream::prepare_read() {
  if (in_.capacity() > capacity_) in_.release_if_empty();
  in_.make_room(capacity_);
}

/// `size`: of what came, or a negated errno. True as for try_read().
bool Stream::end_read(ssize_t size) {
  if (size > 0) {
    // A read that did not fill the room has emptied the socket; what comes later is told anew.
    may_read_ = ended_ || static_cast<std::size_t>(size) == in_.room();
    in_.commit(static_cast<std::size_t>(size));
    read_error_ = IoError::none;
    return true;
  }
  in_.release_if_empty();
  if (size == -EAGAIN) {
    may_read_ = false;
    return false;
  }
  read_error_ = size == 0 ? IoError::eof : io_error_of(static_cast<int>(-size));
  return true;
}

void Stream::act_for_reader() {
  const bool has_read = std::exchange(has_read_, false) && is_open();
  if (!has_read && !try_read()) {
    if (read_timed_out_) {
      read_error_ = IoError::timeout;
    } else if (read_interrupted_) {
      read_error_ = IoError::interrupted;
    } else {
      return;
    }
  }
  std::exchange(reader_, nullptr).resume();
}

void Stream::on_read_deadline() {
  if (!reader_ && !idles_) return;
  read_timed_out_ = true;
  reactor_.defer(*this);
}

void Stream::interrupt_read() {
  if (!reader_) return;
  read_interrupted_ = true;
  reactor_.defer(*this);
}

void Stream::expire_idle(std::chrono::milliseconds idle) {
  idles_ = true;
  read_timed_out_ = false;
  read_deadline_.arm(idle);
}

void Stream::shutdown_send() {
  ::shutdown(descriptor_, SHUT_WR);
}

void Stream::close() {
  if (!is_open()) return;
  // A child that the program forked meanwhile may hold the file, and with it the registration.
  if (std::exchange(is_added_, false)) {
    reactor_.remove(descriptor_);
  } else {
    reactor_.drop_later(*this);
  }
  ::close(std::exchange(descriptor_, -1));
  if (reader_ || writer_ != nullptr) reactor_.defer(*this);
}

void Stream::close_hard() {
  const linger hard{1, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  close();
}

bool Stream::has_input() {
  look_ahead();
  return may_read_;
}

bool Stream::has_unread() {
  return look_ahead() > 0;
}

ssize_t Stream::look_ahead() {
  char octet = 0;
  const ssize_t size = receive_from(descriptor_, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
  may_read_ = size >= 0 || (errno != EAGAIN && errno != EINTR);
  return size;
}

void Stream::dispose() {
  disposed_ = true;
  read_deadline_.disarm();
  write_deadline_.disarm();
  reader_ = nullptr;
  writer_ = nullptr;
  close();
  in_.clear();
  reactor_.retire(this);
}

}  // namespace sluice::proxy
