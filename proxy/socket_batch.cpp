#include "proxy/socket_batch.hpp"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <utility>

#include "proxy/owned_descriptor.hpp"
#include "proxy/socket_calls.hpp"

namespace sluice::proxy {
namespace {

/// A piece of memory that the kernel shares.
class Mapping {
 public:
  Mapping() = default;
  Mapping(int descriptor, off_t offset, std::size_t size)
      : data_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor,
                     offset)),
        size_(size) {}
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, MAP_FAILED)), size_(other.size_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (is_there()) ::munmap(data_, size_);
  }

  bool is_there() const { return data_ != MAP_FAILED; }
  template <class T>
  T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(static_cast<char*>(data_) + offset);
  }

 private:
  void* data_ = MAP_FAILED;
  std::size_t size_ = 0;
};

using Counter = std::atomic_ref<std::uint32_t>;

/// More than the kernel moves in one call (MAX_RW_COUNT).
std::uint32_t length_of(std::size_t size) {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(size, std::numeric_limits<std::int32_t>::max()));
}

int enter(int ring, std::size_t submitted, std::size_t awaited) {
  return static_cast<int>(::syscall(SYS_io_uring_enter, ring, submitted, awaited,
                                    awaited != 0 ? IORING_ENTER_GETEVENTS : 0U, nullptr, 0));
}

std::int32_t result_of(ssize_t size) {
  return size < 0 ? -errno : static_cast<std::int32_t>(size);
}

template <class T>
T* pointer_of(std::uint64_t address) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));
}

/// What the kernel would make of it, made here.
std::int32_t call(const io_uring_sqe& entry) {
  const auto flags = static_cast<int>(entry.msg_flags);
  switch (entry.opcode) {
    case IORING_OP_RECV:
      return result_of(receive_from(entry.fd, pointer_of<void>(entry.addr), entry.len, flags));
    case IORING_OP_SEND:
      return result_of(send_to(entry.fd, pointer_of<const void>(entry.addr), entry.len, flags));
    default:
      return result_of(::sendmsg(entry.fd, pointer_of<const msghdr>(entry.addr), flags));
  }
}

}  // namespace

/// The two queues: calls go into the one, and how they ended comes back on the other.
struct SocketBatch::Rings {
  OwnedDescriptor ring;
  Mapping queues;
  Mapping entries;
  std::uint32_t* call_head = nullptr;  ///< moved by the kernel, as far as it has taken calls
  std::uint32_t* call_tail = nullptr;
  std::uint32_t call_mask = 0;
  io_uring_sqe* calls = nullptr;
  std::uint32_t* end_head = nullptr;
  std::uint32_t* end_tail = nullptr;  ///< moved by the kernel, as far as calls have ended
  std::uint32_t end_mask = 0;
  const io_uring_cqe* ends = nullptr;

  bool map(const io_uring_params& given);
  /// The entry of a place in the batch. Requires that the kernel has taken all of the batch before.
  io_uring_sqe& entry(std::size_t place) const {
    return calls[(*call_tail + static_cast<std::uint32_t>(place)) & call_mask];
  }
};

bool SocketBatch::Rings::map(const io_uring_params& given) {
  const std::size_t size = std::max(given.sq_off.array + given.sq_entries * sizeof(std::uint32_t),
                                    given.cq_off.cqes + given.cq_entries * sizeof(io_uring_cqe));
  queues = Mapping(ring.get(), IORING_OFF_SQ_RING, size);
  entries = Mapping(ring.get(), IORING_OFF_SQES, given.sq_entries * sizeof(io_uring_sqe));
  if (!queues.is_there() || !entries.is_there()) return false;
  call_head = queues.at<std::uint32_t>(given.sq_off.head);
  call_tail = queues.at<std::uint32_t>(given.sq_off.tail);
  call_mask = *queues.at<std::uint32_t>(given.sq_off.ring_mask);
  calls = entries.at<io_uring_sqe>(0);
  // The kernel finds the entries by their numbers, which are always in order here.
  auto* numbers = queues.at<std::uint32_t>(given.sq_off.array);
  for (std::uint32_t place = 0; place < given.sq_entries; ++place) numbers[place] = place;
  end_head = queues.at<std::uint32_t>(given.cq_off.head);
  end_tail = queues.at<std::uint32_t>(given.cq_off.tail);
  end_mask = *queues.at<std::uint32_t>(given.cq_off.ring_mask);
  ends = queues.at<io_uring_cqe>(given.cq_off.cqes);
  return true;
}

std::unique_ptr<SocketBatch> SocketBatch::make() {
  io_uring_params wanted{};
  wanted.flags = IORING_SETUP_SUBMIT_ALL;
  auto rings = std::make_unique<Rings>();
  rings->ring = OwnedDescriptor(static_cast<int>(::syscall(SYS_io_uring_setup, capacity, &wanted)));
  // A filter may let one call pass and not the other.
  if (rings->ring.is_open() && rings->map(wanted) && enter(rings->ring.get(), 0, 0) == 0) {
    return std::unique_ptr<SocketBatch>(new SocketBatch(std::move(rings)));
  }
  const int problem = errno;
  rings.reset();
  errno = problem;
  return nullptr;
}

SocketBatch::SocketBatch(std::unique_ptr<Rings> rings) : rings_(std::move(rings)) {}

SocketBatch::~SocketBatch() = default;

io_uring_sqe& SocketBatch::add(int descriptor) {
  io_uring_sqe& entry = rings_->entry(size_);
  entry = io_uring_sqe{};
  entry.fd = descriptor;
  entry.user_data = size_++;
  return entry;
}

void SocketBatch::receive(int descriptor, void* data, std::size_t size) {
  io_uring_sqe& entry = add(descriptor);
  entry.opcode = IORING_OP_RECV;
  entry.addr = reinterpret_cast<std::uintptr_t>(data);
  entry.len = length_of(size);
  entry.msg_flags = MSG_DONTWAIT;
}

void SocketBatch::send(int descriptor, std::span<iovec> pieces) {
  msghdr& message = messages_[size_];
  io_uring_sqe& entry = add(descriptor);
  entry.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (pieces.size() == 1) {
    entry.opcode = IORING_OP_SEND;
    entry.addr = reinterpret_cast<std::uintptr_t>(pieces.front().iov_base);
    entry.len = length_of(pieces.front().iov_len);
    return;
  }
  message = msghdr{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  entry.opcode = IORING_OP_SENDMSG;
  entry.addr = reinterpret_cast<std::uintptr_t>(&message);
  entry.len = 1;
}

std::span<const std::int32_t> SocketBatch::run() {
  // One by itself costs more in a batch than without.
  const std::size_t taken = size_ > 1 && !is_refused_ ? submit() : 0;
  // What the kernel has not taken is made one by one.
  for (std::size_t place = taken; place < size_; ++place) {
    results_[place] = call(rings_->entry(place - taken));
  }
  collect(taken);
  return std::span(results_).first(std::exchange(size_, 0));
}

/// Returns how many calls the kernel has taken. The others are the first entries now.
std::size_t SocketBatch::submit() {
  const std::uint32_t first = *rings_->call_tail;
  Counter(*rings_->call_tail)
      .store(first + static_cast<std::uint32_t>(size_), std::memory_order_release);
  const int taken = enter(rings_->ring.get(), size_, 0);
  // Short of memory it may take more the next time; forbidden meanwhile, it will not.
  is_refused_ = taken < 0 && errno != EAGAIN && errno != EBUSY && errno != EINTR;
  const std::uint32_t head = Counter(*rings_->call_head).load(std::memory_order_acquire);
  Counter(*rings_->call_tail).store(head, std::memory_order_release);
  return head - first;
}

/// Calls that do not wait have ended when enter() returns. Were one to take longer, its memory is
/// the kernel's until it ends, so nothing goes on without it.
void SocketBatch::collect(std::size_t taken) {
  std::size_t ended = 0;
  while (true) {
    std::uint32_t head = *rings_->end_head;
    const std::uint32_t tail = Counter(*rings_->end_tail).load(std::memory_order_acquire);
    for (; head != tail; ++head, ++ended) {
      const io_uring_cqe& end = rings_->ends[head & rings_->end_mask];
      results_[end.user_data] = end.res;
    }
    Counter(*rings_->end_head).store(head, std::memory_order_release);
    if (ended == taken) return;
    enter(rings_->ring.get(), 0, taken - ended);
  }
}

}  // namespace sluice::proxy
