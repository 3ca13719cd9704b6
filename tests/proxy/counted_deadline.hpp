#pragma once

#include "proxy/deadline.hpp"

namespace sluice::proxy {

/// A deadline that counts how often it passed.
struct Counted {
  explicit Counted(DeadlineWheel& wheel)
      : deadline(
            wheel, [](void* self) { ++static_cast<Counted*>(self)->passed; }, this) {}
  int passed = 0;
  Deadline deadline;
};

}  // namespace sluice::proxy
