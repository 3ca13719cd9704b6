#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/deadline.hpp"
#include "proxy/read_buffer.hpp"
#include "proxy/stream.hpp"
#include "proxy/task.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/socket.hpp"

/// One thread as a worker has it, for tests: sockets, deadlines and blocks. Time passes for the
/// deadlines when a test says so.
namespace sluice::proxy::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() { settle(); }

  boost::asio::io_context& io() { return io_; }
  DeadlineWheel& wheel() { return wheel_; }
  BlockPool& blocks() { return blocks_; }

  Reactor& reactor() { return reactor_; }

  StreamPtr stream() { return make_stream(reactor_, wheel_, blocks_); }

  /// Runs until `holds`. False when the tests' patience ended first.
  template <class Predicate>
  bool run_until(Predicate holds) {
    const support::Deadline deadline;
    while (!holds()) {
      if (deadline.passed()) return false;
      if (is_ticking_) wheel_.advance(Clock::now());
      io_.poll();
      reactor_.turn(milliseconds(2));
    }
    return true;
  }
  /// Runs what can run now.
  void settle() {
    while (io_.poll() + reactor_.turn(milliseconds(0)) != 0) {
    }
  }
  /// Lets `span` pass for the deadlines armed so far, and runs what follows from it.
  void pass(milliseconds span) {
    settle();
    ahead_ += span;
    wheel_.advance(Clock::now() + ahead_);
    settle();
  }
  /// From now on run_until() advances the deadlines with the clock.
  void tick() { is_ticking_ = true; }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  Reactor reactor_;
  DeadlineWheel wheel_;
  BlockPool blocks_;
  milliseconds ahead_{0};
  bool is_ticking_ = false;
};

/// A task under way, and its result. Outlives the task.
template <class T>
class Running {
 public:
  explicit Running(Task<T> task) {
    spawn(keep(std::move(task), result_), [this](std::exception_ptr failure) {
      failure_ = failure;
      is_done_ = true;
    });
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  bool is_done() const { return is_done_; }
  /// Runs `loop` until the task has ended. Throws when it does not end.
  T wait(Loop& loop) {
    if (!loop.run_until([this] { return is_done_; })) throw std::runtime_error("does not end");
    if (failure_) std::rethrow_exception(failure_);
    return *result_;
  }
  /// None while the task is under way.
  const std::optional<T>& result() const { return result_; }

 private:
  static Task<void> keep(Task<T> task, std::optional<T>& result) { result.emplace(co_await task); }
  std::optional<T> result_;
  std::exception_ptr failure_;
  bool is_done_ = false;
};

/// A coroutine that ends where it is suspended, as those of a session do when it is destroyed.
class Abandoned {
 public:
  struct promise_type {
    Abandoned get_return_object() {
      return Abandoned(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  Abandoned(Abandoned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Abandoned& operator=(Abandoned&&) = delete;
  ~Abandoned() {
    if (handle_) handle_.destroy();
  }

 private:
  explicit Abandoned(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

inline Task<IoError> read(Stream& stream, milliseconds deadline,
                          std::size_t capacity = BlockPool::small_block) {
  co_return co_await stream.read(deadline, capacity);
}

inline Task<IoError> write(Stream& stream, std::string text, milliseconds stall) {
  std::array<iovec, 1> piece{iovec{text.data(), text.size()}};
  co_return co_await stream.write(piece, stall);
}

/// The other end of a stream's connection, used without waiting.
class Peer {
 public:
  Peer() = default;
  explicit Peer(int descriptor) : fd_(descriptor) {}

  /// Octets the kernel took.
  std::size_t send(std::string_view text) {
    const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  /// Takes at most `most` octets of what is there.
  std::size_t take(std::size_t most = 1 << 20) {
    std::string room(most, '\0');
    const ssize_t size = ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
    // A unix socket breaks when its other end closes with octets unread.
    if (size == 0 || (size < 0 && errno == ECONNRESET)) is_ended_ = true;
    if (size <= 0) return 0;
    received_.append(room, 0, static_cast<std::size_t>(size));
    return static_cast<std::size_t>(size);
  }
  const std::string& take_all() {
    while (take() != 0) {
    }
    return received_;
  }
  const std::string& received() const { return received_; }
  /// The stream has finished sending, and everything it sent was taken.
  bool is_ended() const { return is_ended_; }
  void finish_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.close(); }
  /// Breaks a TCP connection.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.close();
  }
  int descriptor() const { return fd_.get(); }

 private:
  support::Fd fd_;
  std::string received_;
  bool is_ended_ = false;
};

/// A stream and the other end of its connection, over a unix socket pair.
struct Line {
  explicit Line(Loop& loop) : stream(loop.stream()) {
    support::SocketPair pair = support::socket_pair();
    if (!stream->adopt(pair.ours.release())) throw std::runtime_error("epoll takes no socket");
    peer = Peer(pair.peer.release());
  }
  StreamPtr stream;
  Peer peer;
};

}  // namespace sluice::proxy::testing
