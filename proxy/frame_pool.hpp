#pragma once

#include <cstddef>

namespace sluice::proxy {

/// Memory for coroutine frames, recycled per thread in size classes, on cache lines of its own.
/// Frames beyond the largest
/// class, and every frame under AddressSanitizer, come from the heap.
class FramePool {
 public:
  static void* allocate(std::size_t size);
  static void release(void* frame, std::size_t size) noexcept;
};

}  // namespace sluice::proxy
