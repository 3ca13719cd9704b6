#pragma once

#include <sys/uio.h>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "proxy/deadline.hpp"
#include "proxy/reactor.hpp"
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

/// What an errno of a socket call means here.
IoError io_error_of(int error);

/// When a write goes to the kernel.
enum class Sending : std::uint8_t {
  with_group,  ///< at the end of the group of the turn (Reactor), when one is under way
  at_once,
};

/// Hears that something happened on a stream that nobody reads.
struct StreamWatch {
  void (*notify)(void* owner) = nullptr;
  void* owner = nullptr;
};

/// One connection, to a client or a backend, over TCP or a unix socket. Belongs to one thread.
///
/// At most one read and one write at a time. Both are tried at once and wait only when the kernel
/// has nothing to give or takes nothing more; but a write of somebody who acts in a group (Reactor)
/// waits for the end of it. A stream that nobody reads holds no memory for what
/// may come; a watch hears that something did. Whoever waits is resumed by the event loop, never
/// from inside a call.
// Only the reactor deletes it.
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor)
class Stream final : private Polled {
 public:
  /// Closes the stream and frees it as soon as nothing can refer to it any more.
  struct Disposer {
    void operator()(Stream* stream) const noexcept { stream->dispose(); }
  };

  Stream(Reactor& reactor, DeadlineWheel& wheel, BlockPool& blocks);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* stream, std::size_t size) noexcept {
    FramePool::release(stream, size);
  }

  /// Takes over a connected, non-blocking descriptor. False when the reactor refuses it; it is
  /// closed then. Registered when it first waits to read or write, or after some turns: a client
  /// that comes with its request and leaves with the answer is never.
  bool adopt(int descriptor);
  /// Connects to `address`. Zero: no deadline.
  Task<IoError> connect(const SocketAddress& address, std::chrono::milliseconds deadline);

  ReadBuffer& in() { return in_; }
  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  /// Whether the event loop has told of octets, EOF or an error that no read has seen yet. No
  /// system call: what came since the loop last looked is not known.
  bool may_have_input() const { return may_read_; }
  /// How often the event loop has looked at all streams.
  std::uint64_t looks() const { return reactor_.looks(); }
  /// The same, as it is now. One system call.
  bool has_input();
  /// Whether octets are there that were not read, as it is now; EOF is none. One system call.
  bool has_unread();
  /// The peer broke the connection, or closed it in both directions.
  bool is_broken() const { return broken_; }

  class ReadAwaiter;
  /// Reads into in(), waiting until something is there. `capacity`: how large a block to read into.
  ReadAwaiter read(std::chrono::milliseconds deadline,
                   std::size_t capacity = BlockPool::small_block);
  /// The same with a deadline that is a moment.
  ReadAwaiter read_until(TimePoint deadline, std::size_t capacity = BlockPool::small_block);
  /// Waits until a read may find something, and reads nothing. note_drained() says that there was
  /// nothing more.
  ReadAwaiter readable(std::chrono::milliseconds deadline);
  void note_drained() { may_read_ = false; }
  /// Moves the deadline of the read that waits.
  void rearm_read(std::chrono::milliseconds deadline) { read_deadline_.arm(deadline); }
  /// Ends the read that waits with `interrupted`.
  void interrupt_read();

  /// Who hears of octets, EOF and errors that come while nobody reads.
  void watch(StreamWatch watch) { watch_ = watch; }
  /// The watch is told when nothing has come for `idle`, too.
  void expire_idle(std::chrono::milliseconds idle);

  class WriteAwaiter;
  /// Sends all of `pieces` (which are changed on the way). `stall`: how long no octet may move.
  WriteAwaiter write(std::span<iovec> pieces, std::chrono::milliseconds stall,
                     Sending sending = Sending::with_group);
  class WritableAwaiter;
  /// Waits until the kernel takes something again, after it took nothing.
  WritableAwaiter writable(std::chrono::milliseconds stall);
  /// Octets that were sent, also in another way than by write(): add_sent() says so.
  std::uint64_t octets_sent() const { return octets_sent_; }
  void add_sent(std::size_t size) { octets_sent_ += size; }

  /// Tells the peer that nothing more comes.
  void shutdown_send();
  /// Ends everything under way with `interrupted`. The stream can only be disposed of afterwards.
  void close();
  /// The same, with a reset for the peer: it must not take what it got for a whole message.
  void close_hard();

 private:
  static const std::uint32_t input_events;  ///< what every stream is registered for

  ~Stream() override = default;

  void note(std::uint32_t events) noexcept override;
  std::size_t receive() noexcept override;
  std::size_t receive(SocketBatch& batch) noexcept override;
  std::size_t received(std::int32_t result) noexcept override;
  void act() override;
  bool send() noexcept override;
  bool send(SocketBatch& batch) noexcept override;
  bool sent(std::int32_t result) noexcept override;
  void add_now() override;
  void act_for_writer();
  void act_for_reader();
  ssize_t look_ahead();

  bool enlist(std::uint32_t events);
  void begin_read(std::size_t capacity);
  bool awaits_octets() const;
  bool try_read();
  void prepare_read();
  bool end_read(ssize_t size);
  bool may_read_now();
  void on_read_deadline();
  void on_write_deadline();
  void begin_write(WriteAwaiter& writer);
  bool has_gathered() const;
  void wait_to_write();
  void end_write();
  void await_writable();
  IoError send_some(std::span<iovec>& pieces, bool& blocked);
  void dispose();

  // Each line of a connection that was not used for long is waited for: what every read and write
  // needs comes first, what few need last.
  IoError read_error_ = IoError::none;
  bool may_read_ = false;  ///< a read may find something
  bool has_read_ = false;  ///< receive() ended the read under way, and nobody knows it yet
  bool ended_ = false;     ///< the peer finished sending: a short read does not mean empty
  bool broken_ = false;
  bool may_write_ = false;   ///< noted and not acted on yet
  bool has_sent_ = false;    ///< send() ended the write under way, and nobody knows it yet
  bool is_added_ = false;    ///< registered
  bool awaits_out_ = false;  ///< registered for EPOLLOUT, too
  bool idles_ = false;       ///< expire_idle() was called
  bool read_timed_out_ = false;
  bool read_interrupted_ = false;
  bool write_timed_out_ = false;
  bool disposed_ = false;
  std::uint8_t reads_in_turn_ = 0;
  int descriptor_ = -1;
  std::uint32_t capacity_ = 0;  ///< of the block of the read under way
  std::coroutine_handle<> reader_;
  WriteAwaiter* writer_ = nullptr;
  StreamWatch watch_;
  ReadBuffer in_;
  std::uint64_t octets_sent_ = 0;
  std::uint64_t reading_turn_ = 0;  ///< the turn that reads_in_turn_ counts for
  Reactor& reactor_;
  Deadline read_deadline_;
  Deadline write_deadline_;
};

using StreamPtr = std::unique_ptr<Stream, Stream::Disposer>;

inline StreamPtr make_stream(Reactor& reactor, DeadlineWheel& wheel, BlockPool& blocks) {
  return StreamPtr(new Stream(reactor, wheel, blocks));
}

class Stream::ReadAwaiter {
 public:
  ReadAwaiter(Stream& stream, TimePoint deadline) : stream_(stream), deadline_(deadline) {}
  ReadAwaiter(Stream& stream, std::chrono::milliseconds allowed)
      : stream_(stream), allowed_(allowed) {}
  bool await_ready() const { return stream_.try_read(); }
  void await_suspend(std::coroutine_handle<> reader) const {
    stream_.reader_ = reader;
    if (allowed_.count() != 0) {
      stream_.read_deadline_.arm(allowed_);
    } else {
      stream_.read_deadline_.arm_at(deadline_);
    }
    if (!stream_.is_added_) stream_.add_now();
  }
  IoError await_resume() const noexcept { return stream_.read_error_; }

 private:
  Stream& stream_;
  TimePoint deadline_ = no_deadline;
  std::chrono::milliseconds allowed_{0};  ///< from the suspension on, when given
};

class Stream::WriteAwaiter {
 public:
  WriteAwaiter(Stream& stream, std::span<iovec> pieces, std::chrono::milliseconds stall,
               Sending sending = Sending::with_group)
      : stream_(stream), pieces_(pieces), stall_(stall), gathers_(sending == Sending::with_group) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> writer);
  IoError await_resume() const noexcept { return error_; }

 protected:
  friend class Stream;
  Stream& stream_;
  std::span<iovec> pieces_;
  std::chrono::milliseconds stall_;
  std::coroutine_handle<> waiting_;
  IoError error_ = IoError::none;
  bool gathers_;
};

/// A write of nothing that waits all the same.
class Stream::WritableAwaiter : public Stream::WriteAwaiter {
 public:
  using WriteAwaiter::WriteAwaiter;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> writer);
};

inline Stream::WritableAwaiter Stream::writable(std::chrono::milliseconds stall) {
  return {*this, {}, stall};
}

}  // namespace sluice::proxy
