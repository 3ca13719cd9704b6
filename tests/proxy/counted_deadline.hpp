#pragma once

#include "proxy/deadline.hpp"

namespace sluice::proxy {

inline constexpr std::chrono::milliseconds grain = DeadlineWheel::grain;

/// A deadline that counts how often it passed.
struct Counted {
  explicit Counted(DeadlineWheel& wheel)
      : deadline(
            wheel, [](void* self) { ++static_cast<Counted*>(self)->passed; }, this) {}
  int passed = 0;
  Deadline deadline;
};

}  // namespace sluice::proxy
