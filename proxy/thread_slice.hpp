#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::proxy {

/// What the control thread asks for: less than any thread that competes with it gets at a time.
inline constexpr std::chrono::microseconds short_slice{100};

/// How the kernel schedules a thread: sched_setattr(2), the attributes of its first version. The C
/// library of Debian 12 does not have them.
struct Scheduling {
  std::uint32_t size = sizeof(Scheduling);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;  ///< the slice, under the usual policy from Linux 6.12 on
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

/// Of the calling thread; nothing when the kernel does not tell.
std::optional<Scheduling> scheduling_of_this_thread();

/// Asks the kernel to run the calling thread in slices of `short_slice`: it gets no more of a core
/// than before, but gets it at once when it wakes beside threads that are always busy, instead of
/// behind their slices (some milliseconds each). Linux 6.12 and later (EEVDF); no effect before.
/// Needs no privilege. Threads and processes that this one starts have the usual slices.
///
/// False when nothing was changed: the kernel refuses, or the thread has a policy or a priority
/// that somebody gave it on purpose (real time, batch, idle, or a nice value below 0, which what it
/// starts could not inherit then).
bool take_short_slices();

}  // namespace sluice::proxy
