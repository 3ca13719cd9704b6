#include "proxy/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cerrno>

namespace sluice::proxy {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

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

/// A handler whose operation lives in the stream itself.
template <class Function>
struct Handler {
  using allocator_type = OpAllocator<void>;
  OpMemory* memory;
  Function function;
  allocator_type get_allocator() const noexcept { return allocator_type(*memory); }
  template <class... Args>
  void operator()(Args&&... args) {
    function(std::forward<Args>(args)...);
  }
};
template <class Function>
Handler(OpMemory*, Function) -> Handler<Function>;

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

Stream::Stream(asio::io_context& io, DeadlineWheel& wheel, BlockPool& blocks)
    : socket_(io),
      in_(blocks),
      read_deadline_(
          wheel, [](void* self) { static_cast<Stream*>(self)->on_read_deadline(); }, this),
      write_deadline_(
          wheel, [](void* self) { static_cast<Stream*>(self)->on_write_deadline(); }, this) {}

bool Stream::adopt(int descriptor, int family) {
  error_code error;
  socket_.assign(asio::generic::stream_protocol(family, 0), descriptor, error);
  if (error) ::close(descriptor);
  return !error;
}

Task<IoError> Stream::connect(const SocketAddress& address, std::chrono::milliseconds deadline) {
  const int family = address.family();
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) co_return IoError::failed;
  if (family != AF_UNIX) {
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  const bool at_once = ::connect(descriptor, address.get(), address.length) == 0;
  const int problem = at_once ? 0 : errno;
  if (!adopt(descriptor, family)) co_return IoError::failed;
  if (at_once) co_return IoError::none;
  if (problem != EINPROGRESS) co_return classify(problem);

  // Nothing to send: the awaiter's only work is to wait until the socket is writable.
  WriteAwaiter writable(*this, {}, deadline);
  struct Wait {
    WriteAwaiter& inner;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) { inner.await_suspend(waiting); }
    IoError await_resume() const noexcept { return inner.await_resume(); }
  };
  Wait wait{writable};
  const IoError waited = co_await wait;
  if (waited != IoError::none) co_return waited;
  int status = 0;
  socklen_t length = sizeof(status);
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &status, &length);
  co_return classify(status);
}

void Stream::start_read(std::size_t capacity) {
  if (read_state_ != ReadState::idle) return;
  // A deadline of an earlier read says nothing about this one.
  read_deadline_.disarm();
  if (in_.capacity() > capacity) in_.release_if_empty();
  in_.make_room(capacity);
  read_state_ = ReadState::reading;
  read_interrupted_ = read_timed_out_ = false;
  issue_read();
}

void Stream::issue_read() {
  read_pending_ = true;
  socket_.async_read_some(asio::buffer(in_.tail(), in_.room()),
                          Handler{&read_memory_, [this](const error_code& error, std::size_t size) {
                                    on_read(error, size);
                                  }});
}

Stream::ReadAwaiter Stream::read(std::chrono::milliseconds deadline, std::size_t capacity) {
  start_read(capacity);
  if (!has_read_result()) read_deadline_.arm(deadline);
  return ReadAwaiter(*this);
}

void Stream::on_read(const error_code& error, std::size_t size) {
  read_pending_ = false;
  if (disposed_) return dispose_if_quiet();
  in_.commit(size);
  if (error == asio::error::operation_aborted && socket_.is_open() && !read_interrupted_ &&
      !read_timed_out_) {
    // Cancelled on behalf of the other direction.
    return issue_read();
  }
  read_error_ = IoError::none;
  if (size == 0) {
    if (read_timed_out_) {
      read_error_ = IoError::timeout;
    } else if (error == asio::error::eof) {
      read_error_ = IoError::eof;
    } else {
      read_error_ = error ? classify(error.value()) : IoError::eof;
    }
  }
  read_state_ = ReadState::done;
  if (reader_) {
    std::exchange(reader_, nullptr).resume();
  } else if (watch_.notify != nullptr) {
    watch_.notify(watch_.owner);
  }
}

void Stream::on_read_deadline() {
  if (!is_reading() || (!reader_ && watch_.notify == nullptr)) return;
  read_timed_out_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void Stream::interrupt_read() {
  if (!is_reading()) return;
  read_interrupted_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

Stream::WriteAwaiter Stream::write(std::span<iovec> pieces, std::chrono::milliseconds stall) {
  return {*this, pieces, stall};
}

IoError Stream::send_some(std::span<iovec>& pieces, bool& blocked) {
  blocked = false;
  while (!pieces.empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
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
  bool blocked = false;
  error_ = stream_.send_some(pieces_, blocked);
  return !blocked;
}

void Stream::WriteAwaiter::await_suspend(std::coroutine_handle<> writer) {
  waiting_ = writer;
  stream_.writer_ = this;
  stream_.write_timed_out_ = false;
  stream_.write_deadline_.arm(stall_);
  stream_.wait_writable();
}

void Stream::wait_writable() {
  write_pending_ = true;
  socket_.async_wait(Socket::wait_write, Handler{&write_memory_, [this](const error_code& error) {
                                                   on_writable(error);
                                                 }});
}

void Stream::on_writable(const error_code& error) {
  write_pending_ = false;
  if (disposed_) return dispose_if_quiet();
  WriteAwaiter& writer = *writer_;
  bool blocked = false;
  if (!socket_.is_open()) {
    writer.error_ = IoError::interrupted;
  } else if (write_timed_out_) {
    writer.error_ = IoError::timeout;
  } else if (error == asio::error::operation_aborted) {
    return wait_writable();
  } else if (error) {
    writer.error_ = classify(error.value());
  } else {
    writer.error_ = send_some(writer.pieces_, blocked);
    if (blocked) {
      write_deadline_.arm(writer.stall_);
      return wait_writable();
    }
  }
  write_deadline_.disarm();
  writer_ = nullptr;
  writer.waiting_.resume();
}

void Stream::on_write_deadline() {
  write_timed_out_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void Stream::shutdown_send() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close() {
  error_code ignored;
  socket_.close(ignored);
}

void Stream::close_hard() {
  const linger hard{1, 0};
  setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  close();
}

bool Stream::has_input() {
  char octet = 0;
  const ssize_t size = ::recv(descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
  return size >= 0 || (errno != EAGAIN && errno != EINTR);
}

void Stream::dispose() {
  disposed_ = true;
  read_deadline_.disarm();
  write_deadline_.disarm();
  close();
  dispose_if_quiet();
}

void Stream::dispose_if_quiet() {
  if (!read_pending_ && !write_pending_) delete this;
}

}  // namespace sluice::proxy
