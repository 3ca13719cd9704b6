#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct io_uring_sqe;

namespace sluice::proxy {

/// Receives or sends on several sockets, which the kernel makes in one entry (io_uring, Linux 5.18
/// or newer). None of them waits: what the kernel has nothing for, or no room, ends with -EAGAIN.
/// In place of this, recv() and send() enter the kernel once each.
///
/// Belongs to one thread at a time.
class SocketBatch {
 public:
  static constexpr std::size_t capacity = 32;

  /// nullptr where the kernel has none, or forbids it, as containers often do; errno says which.
  static std::unique_ptr<SocketBatch> make();
  /// Whether a call in a small batch costs less than one by itself on this machine. Measured at the
  /// first call, in about a millisecond. Not under sanitizers, which see the library's calls only.
  /// Any thread.
  static bool pays();

  SocketBatch(const SocketBatch&) = delete;
  SocketBatch& operator=(const SocketBatch&) = delete;
  ~SocketBatch();

  std::size_t size() const { return size_; }
  bool is_full() const { return size_ == capacity; }
  /// Puts a recv() of `size` octets at most into the batch. `data` stays valid until run() is
  /// over. Requires that it is not full.
  void receive(int descriptor, void* data, std::size_t size);
  /// The same for a send() of `pieces`; what the kernel takes of them. Without a signal when the
  /// peer is gone.
  void send(int descriptor, std::span<iovec> pieces);
  /// Makes all calls, in the order in which they came. Returns for each how many octets went, or a
  /// negated errno, which may be EINTR or ENOMEM for a call that might go by itself; valid until
  /// the next run(). The batch is empty afterwards.
  std::span<const std::int32_t> run();

 private:
  struct Rings;

  explicit SocketBatch(std::unique_ptr<Rings> rings);
  io_uring_sqe& add(int descriptor);
  std::size_t submit();
  void collect(std::size_t taken);

  std::unique_ptr<Rings> rings_;
  std::size_t size_ = 0;
  bool is_refused_ = false;  ///< the kernel takes nothing any more
  std::array<msghdr, capacity> messages_{};
  std::array<std::int32_t, capacity> results_{};
};

}  // namespace sluice::proxy
