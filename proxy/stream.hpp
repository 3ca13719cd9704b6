#pragma once

#include <sys/uio.h>

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "proxy/deadline.hpp"
#include "proxy/op_memory.hpp"
#include "proxy/read_buffer.hpp"
#include "proxy/socket_address.hpp"
#include "proxy/task.hpp"

namespace sluice::proxy {

/// How a read, write or connect ended.
enum class IoError : std::uint8_t {
  none,
  eof,          ///< the peer finished sending
  reset,        ///< the peer broke the connection
  timeout,      ///< the deadline of the call passed
  interrupted,  ///< interrupt_read() or close() was called here
  refused,      ///< connect: nobody listens
  failed,       ///< any other error
};

/// Receives the end of a read that nobody awaits.
struct ReadWatch {
  void (*notify)(void* owner) = nullptr;
  void* owner = nullptr;
};

/// One connection, to a client or a backend, over TCP or a unix socket. Belongs to one thread.
///
/// At most one read and one write at a time. A read may be started long before it is awaited: that
/// is how a pooled connection notices EOF, and how the next request of a client is received.
class Stream {
 public:
  using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                  boost::asio::io_context::executor_type>;
  /// Closes the stream and frees it as soon as its last operation has ended.
  struct Disposer {
    void operator()(Stream* stream) const noexcept { stream->dispose(); }
  };

  Stream(boost::asio::io_context& io, DeadlineWheel& wheel, BlockPool& blocks);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Takes over a connected, non-blocking descriptor. False when the reactor refuses it; it is
  /// closed then.
  bool adopt(int descriptor, int family);
  /// Connects to `address`. Zero: no deadline.
  Task<IoError> connect(const SocketAddress& address, std::chrono::milliseconds deadline);

  ReadBuffer& in() { return in_; }
  bool is_open() const { return socket_.is_open(); }
  int descriptor() { return socket_.native_handle(); }

  /// Starts a read into in(), unless one is under way or its result has not been taken yet.
  /// `capacity`: how large a block to read into.
  void start_read(std::size_t capacity = BlockPool::small_block);
  bool is_reading() const { return read_state_ == ReadState::reading; }
  /// Whether a read has ended whose result nobody took yet.
  bool has_read_result() const { return read_state_ == ReadState::done; }
  /// The result of that read, without taking it.
  IoError read_result() const { return read_error_; }

  /// Whether octets, EOF or an error have arrived that no read has seen yet. One system call.
  bool has_input();

  class ReadAwaiter;
  /// Waits for the read under way, starting one when there is none. The octets are in in() then.
  ReadAwaiter read(std::chrono::milliseconds deadline,
                   std::size_t capacity = BlockPool::small_block);
  /// Moves the deadline of the read that is being awaited.
  void rearm_read(std::chrono::milliseconds deadline) { read_deadline_.arm(deadline); }
  /// Ends the read under way with `interrupted`.
  void interrupt_read();

  /// Who hears of a read that ends while nobody awaits it.
  void watch(ReadWatch watch) { watch_ = watch; }
  /// Closes the stream when the read under way has not ended after `idle`; the watch hears of it.
  void expire_idle(std::chrono::milliseconds idle) { read_deadline_.arm(idle); }

  class WriteAwaiter;
  /// Sends all of `pieces` (which are changed on the way). Completes without suspending when the
  /// kernel takes everything at once. `stall`: how long no octet may move.
  WriteAwaiter write(std::span<iovec> pieces, std::chrono::milliseconds stall);
  std::uint64_t octets_sent() const { return octets_sent_; }

  /// Tells the peer that nothing more comes.
  void shutdown_send();
  /// Ends everything under way with `interrupted`. The stream can only be disposed of afterwards.
  void close();
  /// The same, with a reset for the peer: it must not take what it got for a whole message.
  void close_hard();

 private:
  enum class ReadState : std::uint8_t { idle, reading, done };
  ~Stream() = default;

  void dispose();
  void dispose_if_quiet();
  void issue_read();
  void on_read(const boost::system::error_code& error, std::size_t size);
  void on_read_deadline();
  void wait_writable();
  void on_writable(const boost::system::error_code& error);
  void on_write_deadline();
  IoError send_some(std::span<iovec>& pieces, bool& blocked);

  Socket socket_;
  ReadBuffer in_;
  Deadline read_deadline_;
  Deadline write_deadline_;
  ReadWatch watch_;
  std::coroutine_handle<> reader_;
  WriteAwaiter* writer_ = nullptr;
  std::uint64_t octets_sent_ = 0;
  ReadState read_state_ = ReadState::idle;
  IoError read_error_ = IoError::none;
  bool read_pending_ = false;   ///< the reactor holds a read of ours
  bool write_pending_ = false;  ///< the reactor holds a wait of ours
  bool read_timed_out_ = false;
  bool read_interrupted_ = false;
  bool write_timed_out_ = false;
  bool disposed_ = false;
  OpMemory read_memory_;
  OpMemory write_memory_;
};

using StreamPtr = std::unique_ptr<Stream, Stream::Disposer>;

inline StreamPtr make_stream(boost::asio::io_context& io, DeadlineWheel& wheel, BlockPool& blocks) {
  return StreamPtr(new Stream(io, wheel, blocks));
}

class Stream::ReadAwaiter {
 public:
  explicit ReadAwaiter(Stream& stream) : stream_(stream) {}
  bool await_ready() const noexcept { return stream_.has_read_result(); }
  void await_suspend(std::coroutine_handle<> reader) noexcept { stream_.reader_ = reader; }
  IoError await_resume() const noexcept {
    stream_.read_state_ = ReadState::idle;
    return stream_.read_error_;
  }

 private:
  Stream& stream_;
};

class Stream::WriteAwaiter {
 public:
  WriteAwaiter(Stream& stream, std::span<iovec> pieces, std::chrono::milliseconds stall)
      : stream_(stream), pieces_(pieces), stall_(stall) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> writer);
  IoError await_resume() const noexcept { return error_; }

 private:
  friend class Stream;
  Stream& stream_;
  std::span<iovec> pieces_;
  std::chrono::milliseconds stall_;
  std::coroutine_handle<> waiting_;
  IoError error_ = IoError::none;
};

}  // namespace sluice::proxy
