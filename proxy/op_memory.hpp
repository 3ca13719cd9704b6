#pragma once

#include <cstddef>
#include <new>

namespace sluice::proxy {

/// Room for the one operation of its kind that a stream has under way, so that starting one does
/// not allocate.
class OpMemory {
 public:
  OpMemory() = default;
  OpMemory(const OpMemory&) = delete;
  OpMemory& operator=(const OpMemory&) = delete;

  void* allocate(std::size_t size) {
    if (taken_ || size > sizeof(room_)) return ::operator new(size);
    taken_ = true;
    return &room_[0];
  }
  void release(void* memory) noexcept {
    if (memory == &room_[0]) {
      taken_ = false;
    } else {
      ::operator delete(memory);
    }
  }

 private:
  alignas(std::max_align_t) std::byte room_[192];
  bool taken_ = false;
};

/// Allocator that Asio finds through the handler.
template <class T>
class OpAllocator {
 public:
  using value_type = T;
  explicit OpAllocator(OpMemory& memory) : memory_(&memory) {}
  template <class U>
  OpAllocator(const OpAllocator<U>& other) : memory_(other.memory_) {}  // NOLINT: as allocators do

  T* allocate(std::size_t count) { return static_cast<T*>(memory_->allocate(sizeof(T) * count)); }
  void deallocate(T* memory, std::size_t) noexcept { memory_->release(memory); }
  bool operator==(const OpAllocator&) const = default;

 private:
  template <class U>
  friend class OpAllocator;
  OpMemory* memory_;
};

}  // namespace sluice::proxy
