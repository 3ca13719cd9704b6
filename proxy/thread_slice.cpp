#include "proxy/thread_slice.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::proxy {
namespace {

constexpr std::uint64_t reset_on_fork = 1;  // SCHED_FLAG_RESET_ON_FORK

}  // namespace

std::optional<Scheduling> scheduling_of_this_thread() {
  Scheduling scheduling;
  if (::syscall(SYS_sched_getattr, 0, &scheduling, sizeof(scheduling), 0) != 0) return std::nullopt;
  return scheduling;
}

bool take_short_slices() {
  std::optional<Scheduling> wanted = scheduling_of_this_thread();
  if (!wanted || wanted->policy != SCHED_OTHER || wanted->nice < 0) return false;
  wanted->flags |= reset_on_fork;
  wanted->runtime_ns = std::chrono::nanoseconds(short_slice).count();
  return ::syscall(SYS_sched_setattr, 0, &*wanted, 0) == 0;
}

}  // namespace sluice::proxy
