#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proxy/socket_calls.hpp"
#include "proxy/stream.hpp"

/// The writing side of a stream.
namespace sluice::proxy {
namespace {

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
      return blocked ? IoError::none : io_error_of(errno);
    }
    octets_sent_ += static_cast<std::uint64_t>(sent);
    drop_sent(pieces, static_cast<std::size_t>(sent));
  }
  return IoError::none;
}

bool Stream::WriteAwaiter::await_ready() {
  if (pieces_.empty()) return true;
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

/// Whether the write that gather() was called for is still to be made.
bool Stream::has_gathered() const {
  return !disposed_ && writer_ != nullptr && !has_sent_ && is_open();
}

bool Stream::send() noexcept {
  if (!has_gathered()) return false;
  bool blocked = false;
  writer_->error_ = send_some(writer_->pieces_, blocked);
  has_sent_ = !blocked;
  if (blocked) wait_to_write();
  return has_sent_;
}

bool Stream::send(SocketBatch& batch) noexcept {
  if (!has_gathered()) return false;
  batch.send(descriptor_, writer_->pieces_);
  has_sent_ = true;  // sent() knows better; until then it must not be sent again
  return true;
}

bool Stream::sent(std::int32_t result) noexcept {
  const bool goes_on = result == -EAGAIN || result == -EINTR || result == -ENOMEM;
  if (result < 0 && !goes_on) {
    writer_->error_ = io_error_of(-result);
    return true;
  }
  has_sent_ = false;
  const auto size = static_cast<std::size_t>(std::max(result, 0));
  octets_sent_ += size;
  drop_sent(writer_->pieces_, size);
  // What is left goes as if it had come alone, or waits.
  if (!writer_->pieces_.empty()) return send();
  writer_->error_ = IoError::none;
  return has_sent_ = true;
}

void Stream::await_writable() {
  may_write_ = false;
  if (awaits_out_) return;
  // Registered for it at the first wait only: most connections never come to one.
  awaits_out_ = true;
  const std::uint32_t events = input_events | EPOLLOUT;
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

}  // namespace sluice::proxy
