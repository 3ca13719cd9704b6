#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "proxy/deadline.hpp"
#include "proxy/owned_descriptor.hpp"
#include "proxy/socket_batch.hpp"
#include "proxy/socket_calls.hpp"

/// Whether batches pay. That depends on what an entry into the kernel costs, and so on the
/// processor, its mitigations and the hypervisor: nothing tells but the clock.
namespace sluice::proxy {
namespace {

/// As few as a group has at moderate load; with more a batch pays sooner.
constexpr std::size_t calls_per_batch = 4;
constexpr int rounds = 16;
/// Below this share of what single calls cost. A batch that is just as dear has more ways to fail.
constexpr double share_that_pays = 0.9;

using Octets = std::array<char, calls_per_batch>;

/// Two sockets that are connected to each other, and octets that go from one to the other.
class Trial {
 public:
  Trial() {
    std::array<int, 2> ends{-1, -1};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data());
    from_ = OwnedDescriptor(ends[0]);
    to_ = OwnedDescriptor(ends[1]);
  }

  bool is_ready() const { return from_.is_open() && to_.is_open(); }

  bool make_calls() {
    std::size_t done = 0;
    for (char& octet : sent_) done += send_to(from_.get(), &octet, 1, MSG_NOSIGNAL) == 1 ? 1 : 0;
    for (char& octet : received_) done += receive_from(to_.get(), &octet, 1, 0) == 1 ? 1 : 0;
    return done == 2 * calls_per_batch;
  }

  bool make_batches(SocketBatch& batch) {
    for (std::size_t index = 0; index < calls_per_batch; ++index) {
      pieces_[index] = {&sent_[index], 1};
      batch.send(from_.get(), std::span(pieces_).subspan(index, 1));
    }
    if (!has_moved_all(batch.run())) return false;
    for (char& octet : received_) batch.receive(to_.get(), &octet, 1);
    return has_moved_all(batch.run());
  }

 private:
  static bool has_moved_all(std::span<const std::int32_t> results) {
    return std::ranges::all_of(results, [](std::int32_t result) { return result == 1; });
  }

  OwnedDescriptor from_;
  OwnedDescriptor to_;
  Octets sent_{};
  Octets received_{};
  std::array<iovec, calls_per_batch> pieces_{};
};

template <class Work>
bool time(Work work, Clock::duration& least) {
  const TimePoint start = Clock::now();
  const bool is_done = work();
  least = std::min(least, Clock::now() - start);
  return is_done;
}

bool try_out() {
  const std::unique_ptr<SocketBatch> batch = SocketBatch::make();
  Trial trial;
  if (!batch || !trial.is_ready()) return false;
  auto in_batches = Clock::duration::max();
  auto one_by_one = Clock::duration::max();
  for (int round = 0; round < rounds; ++round) {
    if (!time([&] { return trial.make_calls(); }, one_by_one)) return false;
    if (!time([&] { return trial.make_batches(*batch); }, in_batches)) return false;
  }
  return static_cast<double>(in_batches.count()) <
         share_that_pays * static_cast<double>(one_by_one.count());
}

}  // namespace

bool SocketBatch::pays() {
  static const bool pays = !needs_library_calls && try_out();
  return pays;
}

}  // namespace sluice::proxy
