#pragma once

#include <cstdint>
#include <utility>

namespace sluice::proxy {

/// Base of objects that one thread shares by count.
class LocalCounted {
 public:
  LocalCounted() = default;
  LocalCounted(const LocalCounted&) = delete;
  LocalCounted& operator=(const LocalCounted&) = delete;

 protected:
  ~LocalCounted() = default;

 private:
  template <class T>
  friend class LocalPtr;
  mutable std::uint32_t references_ = 0;
};

/// Shared ownership inside one thread: what shared_ptr is, without atomic operations.
template <class T>
class LocalPtr {
 public:
  LocalPtr() = default;
  explicit LocalPtr(T* object) : object_(object) { acquire(); }
  LocalPtr(const LocalPtr& other) : object_(other.object_) { acquire(); }
  LocalPtr(LocalPtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  LocalPtr& operator=(LocalPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~LocalPtr() {
    if (object_ != nullptr && --object_->references_ == 0) delete object_;
  }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool is_shared() const { return object_ != nullptr && object_->references_ > 1; }

 private:
  void acquire() {
    if (object_ != nullptr) ++object_->references_;
  }
  T* object_ = nullptr;
};

template <class T, class... Args>
LocalPtr<T> make_local(Args&&... args) {
  return LocalPtr<T>(new T(std::forward<Args>(args)...));
}

}  // namespace sluice::proxy
