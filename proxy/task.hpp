#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "proxy/frame_pool.hpp"

/// The coroutine of the data path: lazy, resumed by symmetric transfer, its frame recycled per
/// thread. A task belongs to one thread from its first to its last step.
namespace sluice::proxy {

template <class T>
class Task;

namespace detail {

/// Resumes whoever awaited the finished task.
struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
    return self.promise().continuation;
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr failure;

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure = std::current_exception(); }

  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    FramePool::release(frame, size);
  }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (failure) std::rethrow_exception(failure);
  }
};

}  // namespace detail

/// A step of work that gives a T. Starts when awaited; awaited at most once. Destroying a task that
/// is suspended ends it there.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  Handle await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
  return Task<void>(Task<void>::Handle::from_promise(*this));
}

namespace detail {

/// A coroutine that nobody awaits: starts at once, frees itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    static void* operator new(std::size_t size) { return FramePool::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
      FramePool::release(frame, size);
    }
  };
};

}  // namespace detail

/// Runs `task` on its own. `when_done` is called with the exception that ended it, or nullptr.
template <class WhenDone>
void spawn(Task<void> task, WhenDone when_done) {
  [](Task<void> running, WhenDone done) -> detail::Detached {
    std::exception_ptr failure;
    try {
      co_await running;
    } catch (...) {
      failure = std::current_exception();
    }
    done(failure);
  }(std::move(task), std::move(when_done));
}

/// A task that runs beside its parent. The parent must join it before either is destroyed.
class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Starts `task`. Requires that none runs.
  void start(Task<void> task) {
    running_ = true;
    spawn(std::move(task), [this](std::exception_ptr failure) {
      failure_ = failure;
      running_ = false;
      if (waiter_) std::exchange(waiter_, nullptr).resume();
    });
  }
  bool is_running() const { return running_; }

  /// Waits until the task has ended, and passes its exception on.
  auto join() {
    struct Awaiter {
      Child& child;
      bool await_ready() const noexcept { return !child.running_; }
      void await_suspend(std::coroutine_handle<> waiter) noexcept { child.waiter_ = waiter; }
      void await_resume() const {
        if (child.failure_) std::rethrow_exception(std::exchange(child.failure_, nullptr));
      }
    };
    return Awaiter{*this};
  }

 private:
  std::coroutine_handle<> waiter_;
  std::exception_ptr failure_;
  bool running_ = false;
};

}  // namespace sluice::proxy
