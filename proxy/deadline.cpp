#include "proxy/deadline.hpp"

#include <ctime>

#include <algorithm>

namespace sluice::proxy {

TimePoint coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

void Deadline::arm(std::chrono::milliseconds after) {
  if (after.count() <= 0) return disarm();
  arm_at(Clock::now() + after);
}

void Deadline::arm_at(TimePoint at) {
  if (at == no_deadline) return disarm();
  // One tick more than the division gives: the present tick is already partly over.
  const std::uint64_t due = wheel_->tick_of(at) + 1;
  if (linked_ && due >= wheel_->next_visit(slot_)) {
    // Stays in its slot; the visit puts it where it belongs.
    due_tick_ = due;
    return;
  }
  disarm();
  due_tick_ = due;
  wheel_->link(*this);
}

void Deadline::disarm() {
  if (linked_) wheel_->unlink(*this);
}

std::uint64_t DeadlineWheel::tick_of(TimePoint at) const {
  return static_cast<std::uint64_t>((at - start_) / grain);
}

/// The tick at which the slot is looked at next.
std::uint64_t DeadlineWheel::next_visit(std::size_t slot) const {
  const std::uint64_t next = tick_ + 1;
  return next + (slot + slot_count - next % slot_count) % slot_count;
}

void DeadlineWheel::link(Deadline& deadline) {
  Deadline*& head = slots_[std::max(deadline.due_tick_, tick_ + 1) % slot_count];
  deadline.previous_ = nullptr;
  deadline.next_ = head;
  if (head != nullptr) head->previous_ = &deadline;
  head = &deadline;
  deadline.linked_ = true;
  deadline.slot_ = static_cast<std::uint32_t>(&head - slots_.data());
  ++armed_;
}

void DeadlineWheel::unlink(Deadline& deadline) {
  if (visiting_ == &deadline) visiting_ = deadline.next_;
  if (deadline.previous_ != nullptr) {
    deadline.previous_->next_ = deadline.next_;
  } else {
    slots_[deadline.slot_] = deadline.next_;
  }
  if (deadline.next_ != nullptr) deadline.next_->previous_ = deadline.previous_;
  deadline.linked_ = false;
  --armed_;
}

void DeadlineWheel::advance(TimePoint now) {
  const std::uint64_t target = tick_of(now);
  // After a long pause one round visits every slot; more rounds would find nothing new.
  if (target > tick_ + slot_count) tick_ = target - slot_count;
  while (tick_ < target) {
    ++tick_;
    run_slot(tick_ % slot_count);
  }
}

void DeadlineWheel::run_slot(std::size_t slot) {
  visiting_ = slots_[slot];
  while (visiting_ != nullptr) {
    Deadline& deadline = *visiting_;
    visiting_ = deadline.next_;
    if (deadline.due_tick_ % slot_count == slot && deadline.due_tick_ > tick_) continue;
    unlink(deadline);
    if (deadline.due_tick_ > tick_) {
      link(deadline);
    } else {
      deadline.action_(deadline.owner_);
    }
  }
}

}  // namespace sluice::proxy
