#include "proxy/frame_pool.hpp"

#include <array>
#include <new>

namespace sluice::proxy {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool recycles = false;
#else
constexpr bool recycles = true;
#endif

constexpr std::size_t class_size = 128;
/// What is laid out for cache lines begins on one.
constexpr std::align_val_t line{64};
constexpr std::size_t class_count = 32;
constexpr std::size_t kept_per_class = 256;

struct Free {
  Free* next;
};

struct ClassList {
  Free* head = nullptr;
  std::size_t length = 0;
};

/// Without constructor or destructor, so that reaching it costs no check.
constinit thread_local std::array<ClassList, class_count> lists{};

/// Empties the lists at the end of the thread, once something was put into them.
struct Cleaner {
  ~Cleaner() {
    for (ClassList& list : lists) {
      while (list.head != nullptr) {
        Free* frame = list.head;
        list.head = frame->next;
        ::operator delete(frame, line);
      }
      // Whatever is released later in the thread's end goes straight back.
      list.length = kept_per_class;
    }
  }
  void be_there() const {}
};

void* new_frame(std::size_t index) {
  thread_local const Cleaner cleaner;
  cleaner.be_there();
  return ::operator new((index + 1) * class_size, line);
}

std::size_t class_of(std::size_t size) {
  return (size + class_size - 1) / class_size - 1;
}

}  // namespace

void* FramePool::allocate(std::size_t size) {
  const std::size_t index = class_of(size);
  if (!recycles || index >= class_count) return ::operator new(size, line);
  ClassList& list = lists[index];
  if (list.head == nullptr) return new_frame(index);
  Free* frame = list.head;
  list.head = frame->next;
  --list.length;
  return frame;
}

void FramePool::release(void* frame, std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  if (!recycles || index >= class_count || lists[index].length >= kept_per_class) {
    ::operator delete(frame, line);
    return;
  }
  ClassList& list = lists[index];
  list.head = ::new (frame) Free{list.head};
  ++list.length;
}

}  // namespace sluice::proxy
