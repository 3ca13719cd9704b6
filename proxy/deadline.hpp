#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

/// Coarse deadlines: arming, moving and disarming are a few pointer writes, because nearly every
/// deadline is disarmed before it passes.
namespace sluice::proxy {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

/// The monotonic clock as of the kernel's last tick (a few milliseconds old), without a system
/// call.
TimePoint coarse_now();

/// The nanoseconds from one moment to another; 0 when they lie the other way round.
inline std::uint64_t ns_between(TimePoint from, TimePoint to) {
  return to > from ? static_cast<std::uint64_t>((to - from).count()) : 0;
}

/// A moment that never comes.
inline constexpr TimePoint no_deadline = TimePoint::max();

/// The moment at which `allowed` has passed since `since`; 0 is no deadline.
inline TimePoint deadline_of(std::chrono::milliseconds allowed, TimePoint since) {
  return allowed.count() == 0 ? no_deadline : since + allowed;
}

class DeadlineWheel;

/// Something that happens unless it is disarmed in time. Lives inside its owner; disarms itself
/// when destroyed.
class Deadline {
 public:
  using Action = void (*)(void* owner);

  /// `action(owner)` is called, on the wheel's thread, when an armed deadline passes.
  Deadline(DeadlineWheel& wheel, Action action, void* owner)
      : wheel_(&wheel), action_(action), owner_(owner) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { disarm(); }

  /// Passes `after` from now, never earlier, at most two grains later. Zero or less disarms.
  void arm(std::chrono::milliseconds after);
  /// Passes at `at`, or soon when that is over; no_deadline disarms. Reads no clock.
  void arm_at(TimePoint at);
  void disarm();
  bool is_armed() const { return linked_; }

 private:
  friend class DeadlineWheel;
  DeadlineWheel* wheel_;
  Action action_;
  void* owner_;
  Deadline* previous_ = nullptr;
  Deadline* next_ = nullptr;
  std::uint64_t due_tick_ = 0;
  std::uint32_t slot_ = 0;
  bool linked_ = false;
};

/// A hashed timing wheel (Varghese and Lauck, 1987, scheme 6). One per thread; its owner calls
/// advance().
class DeadlineWheel {
 public:
  static constexpr std::chrono::milliseconds grain{20};

  DeadlineWheel() : start_(Clock::now()) {}
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  /// Runs the actions of all deadlines that have passed by `now`. Actions may arm and disarm any
  /// deadline.
  void advance(TimePoint now);
  bool is_empty() const { return armed_ == 0; }

 private:
  friend class Deadline;
  static constexpr std::size_t slot_count = 512;

  std::uint64_t tick_of(TimePoint at) const;
  std::uint64_t next_visit(std::size_t slot) const;
  void link(Deadline& deadline);
  void unlink(Deadline& deadline);
  void run_slot(std::size_t slot);

  TimePoint start_;
  std::uint64_t tick_ = 0;  ///< the last tick that was run
  std::size_t armed_ = 0;
  std::array<Deadline*, slot_count> slots_{};
  Deadline* visiting_ = nullptr;  ///< next to be visited by run_slot
};

}  // namespace sluice::proxy
