#include "proxy/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proxy/socket_calls.hpp"

namespace sluice::proxy {

namespace {

constexpr std::uint32_t input_events = EPOLLIN | EPOLLRDHUP | EPOLLET;

/// Reads that one stream may make in one turn without waiting: the others want to be served, too.
constexpr unsigned reads_per_turn = 16;

IoError classify(int error) {
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

void drop_sent(std::span<iovec>& pieces, std::size_t sent) {
  while (!pieces.empty() && sent >= pieces.front().iov_len) {
    sent -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (pieces.empty()) return;
  pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + sent;
  pieces.front().iov_len -= sent;
}

}  // namespace

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
    co_return classify(problem);
  }
  if (!enlist(at_once ? input_events : input_events | EPOLLOUT)) co_return IoError::failed;
  if (at_once) co_return IoError::none;

  const IoError waited = co_await writable(deadline);
  if (waited != IoError::none) co_return waited;
  int status = 0;
  socklen_t length = sizeof(status);
  getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &status, &length);
  co_return classify(status);
}

void Stream::note(std::uint32_t events) noexcept {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) may_read_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) broken_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) may_write_ = true;
}

/// Only for a read that waits: a stream that nobody reads, and one that waits to write, stay as
/// they are.
std::size_t Stream::receive() noexcept {
  if (disposed_ || !reader_ || !may_read_ || has_read_ || !is_open()) return 0;
  // Whoever waits to be readable moves octets itself, and not few.
  if (capacity_ == 0) return BlockPool::large_block;
  const std::size_t before = in_.view().size();
  has_read_ = try_read();
  return in_.view().size() - before;
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
  if (in_.capacity() > capacity_) in_.release_if_empty();
  in_.make_room(capacity_);
  const std::size_t room = in_.room();
  ssize_t size = 0;
  do {
    size = receive_from(descriptor_, in_.tail(), room, 0);
  } while (size < 0 && errno == EINTR);
  if (size > 0) {
    in_.commit(static_cast<std::size_t>(size));
    // A read that did not fill the room has emptied the socket; what comes later is told anew.
    may_read_ = ended_ || static_cast<std::size_t>(size) == room;
    read_error_ = IoError::none;
    return true;
  }
  in_.release_if_empty();
  if (size < 0 && errno == EAGAIN) {
    may_read_ = false;
    return false;
  }
  read_error_ = size == 0 ? IoError::eof : classify(errno);
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

Stream::WriteAwaiter Stream::write(std::span<iovec> pieces, std::chrono::milliseconds stall,
                                   Sending sending) {
  return {*this, pieces, stall, sending};
}

IoError Stream::send_some(std::span<iovec>& pieces, bool& blocked) {
  blocked = false;
  while (!pieces.empty()) {
    const ssize_t sent = send_pieces(descriptor_, pieces);
    if (sent < 0) {
      if (errno == EINTR) continue;
      blocked = errno == EAGAIN;
      return blocked ? IoError::none : classify(errno);
    }
    octets_sent_ += static_cast<std::uint64_t>(sent);
    drop_sent(pieces, static_cast<std::size_t>(sent));
  }
  return IoError::none;
}

bool Stream::WriteAwaiter::await_ready() {
  gathers_ = gathers_ && stream_.reactor_.gathers() && stream_.is_open();
  if (gathers_) return false;
  bool blocked = false;
  error_ = stream_.send_some(pieces_, blocked);
  return !blocked;
}

void Stream::WriteAwaiter::await_suspend(std::coroutine_handle<> writer) {
  waiting_ = writer;
  if (gathers_) stream_.reactor_.gather(stream_);
  stream_.begin_write(*this);
  if (!gathers_) stream_.wait_to_write();
}

void Stream::WritableAwaiter::await_suspend(std::coroutine_handle<> writer) {
  waiting_ = writer;
  stream_.begin_write(*this);
  stream_.wait_to_write();
}

void Stream::begin_write(WriteAwaiter& writer) {
  writer_ = &writer;
  has_sent_ = write_timed_out_ = may_write_ = false;
}

/// The kernel took nothing more: the write under way goes on when it does again.
void Stream::wait_to_write() {
  write_deadline_.arm(writer_->stall_);
  await_writable();
}

bool Stream::send() noexcept {
  if (disposed_ || writer_ == nullptr || has_sent_ || !is_open()) return false;
  bool blocked = false;
  writer_->error_ = send_some(writer_->pieces_, blocked);
  has_sent_ = !blocked;
  if (blocked) wait_to_write();
  return has_sent_;
}

void Stream::await_writable() {
  may_write_ = false;
  if (awaits_out_) return;
  // Registered for it at the first wait only: most connections never come to one.
  awaits_out_ = true;
  constexpr std::uint32_t events = input_events | EPOLLOUT;
  if (!(is_added_ ? reactor_.modify(descriptor_, *this, events) : enlist(events))) {
    broken_ = may_write_ = true;
    reactor_.defer(*this);
  }
}

void Stream::act_for_writer() {
  WriteAwaiter& writer = *writer_;
  if (!is_open()) {
    writer.error_ = IoError::interrupted;
  } else if (write_timed_out_) {
    writer.error_ = IoError::timeout;
  } else if (may_write_) {
    bool blocked = false;
    may_write_ = false;
    const std::uint64_t sent_before = octets_sent_;
    writer.error_ = send_some(writer.pieces_, blocked);
    if (blocked) {
      if (octets_sent_ != sent_before) write_deadline_.arm(writer.stall_);
      return;
    }
  } else {
    return;
  }
  end_write();
}

void Stream::end_write() {
  // The deadline was armed only if the kernel did not take everything at once.
  if (!std::exchange(has_sent_, false)) write_deadline_.disarm();
  std::exchange(writer_, nullptr)->waiting_.resume();
}

void Stream::on_write_deadline() {
  if (writer_ == nullptr) return;
  write_timed_out_ = true;
  reactor_.defer(*this);
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
