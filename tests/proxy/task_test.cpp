#include "proxy/task.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <coroutine>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace sluice::proxy {
namespace {

/// Lets a coroutine wait until the test resumes it.
class Gate {
 public:
  auto pass() {
    struct Awaiter {
      Gate& gate;
      bool await_ready() const noexcept { return gate.is_open_; }
      void await_suspend(std::coroutine_handle<> waiter) noexcept { gate.waiter_ = waiter; }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }
  void open() {
    is_open_ = true;
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

 private:
  std::coroutine_handle<> waiter_;
  bool is_open_ = false;
};

Task<std::string> say(std::string text) {
  co_return text;
}
Task<std::unique_ptr<int>> own(int value) {
  co_return std::make_unique<int>(value);
}
Task<int> fail() {
  throw std::runtime_error("broken");
  co_return 1;
}
Task<int> wait_then(Gate& gate, int value) {
  co_await gate.pass();
  co_return value;
}
Task<void> wait_for(Gate& gate, bool& done) {
  co_await gate.pass();
  done = true;
}
Task<void> fail_behind(Gate& gate) {
  co_await gate.pass();
  throw std::runtime_error("broken later");
}
Task<int> depth(int levels) {
  if (levels == 0) co_return 0;
  co_return 1 + co_await depth(levels - 1);
}

/// Runs a coroutine that gets `step` and says when it ended and how.
struct TaskEnd {
  bool ended = false;
  std::string failure;
  void operator()(std::exception_ptr problem) {
    ended = true;
    try {
      if (problem) std::rethrow_exception(problem);
    } catch (const std::exception& error) {
      failure = error.what();
    }
  }
};

TaskEnd run(Task<void> task) {
  TaskEnd outcome;
  spawn(std::move(task), [&](std::exception_ptr problem) { outcome(problem); });
  return outcome;
}

TEST(TaskTest, GivesItsValue) {
  std::string said;
  int owned = 0;
  const TaskEnd outcome = run([](std::string& text, int& number) -> Task<void> {
    text = co_await say("hello");
    number = *co_await own(7);
  }(said, owned));
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(said, "hello");
  EXPECT_EQ(owned, 7);
}

TEST(TaskTest, DoesNothingUntilItIsAwaited) {
  bool ran = false;
  {
    const Task<void> task = [](bool& flag) -> Task<void> {
      flag = true;
      co_return;
    }(ran);
  }
  EXPECT_FALSE(ran);
}

TEST(TaskTest, PassesAnExceptionToWhoeverAwaits) {
  std::string caught;
  const TaskEnd outcome = run([](std::string& text) -> Task<void> {
    try {
      co_await fail();
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
  }(caught));
  EXPECT_EQ(caught, "broken");
  EXPECT_EQ(outcome.failure, "");
}

TEST(TaskTest, AnExceptionThatNobodyCatchesIsHandedToSpawn) {
  const TaskEnd outcome = run([]() -> Task<void> { co_await fail(); }());
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.failure, "broken");
}

TEST(TaskTest, GoesOnWhereItWasSuspended) {
  Gate gate;
  int value = 0;
  TaskEnd outcome;
  spawn(
      [](Gate& at, int& result) -> Task<void> { result = co_await wait_then(at, 5); }(gate, value),
      [&](std::exception_ptr problem) { outcome(problem); });
  EXPECT_FALSE(outcome.ended);
  gate.open();
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(value, 5);
}

TEST(TaskTest, AwaitsThroughManyLevels) {
  int levels = 0;
  run([](int& result) -> Task<void> { result = co_await depth(200); }(levels));
  EXPECT_EQ(levels, 200);
}

TEST(TaskTest, ParametersAreDestroyedOnce) {
  const auto counted = std::make_shared<int>(0);
  run([](std::shared_ptr<int> kept) -> Task<void> {
    ++*kept;
    co_return;
  }(counted));
  EXPECT_EQ(*counted, 1);
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(ChildTest, RunsBesideItsParent) {
  Gate gate;
  bool done = false;
  Child child;
  child.start(wait_for(gate, done));
  EXPECT_TRUE(child.is_running());
  TaskEnd outcome;
  spawn([](Child& joined) -> Task<void> { co_await joined.join(); }(child),
        [&](std::exception_ptr problem) { outcome(problem); });
  EXPECT_FALSE(outcome.ended) << "join waits";
  gate.open();
  EXPECT_TRUE(done);
  EXPECT_TRUE(outcome.ended);
  EXPECT_FALSE(child.is_running());
}

TEST(ChildTest, JoinAfterTheEndGoesOnAtOnce) {
  Gate gate;
  bool done = false;
  Child child;
  child.start(wait_for(gate, done));
  gate.open();
  EXPECT_FALSE(child.is_running());
  EXPECT_TRUE(run([](Child& joined) -> Task<void> { co_await joined.join(); }(child)).ended);
}

TEST(ChildTest, JoinWithoutAStartGoesOnAtOnce) {
  Child child;
  EXPECT_TRUE(run([](Child& joined) -> Task<void> { co_await joined.join(); }(child)).ended);
}

TEST(ChildTest, JoinPassesTheExceptionOnOnce) {
  for (const bool joins_first : {true, false}) {
    Gate gate;
    Child child;
    child.start(fail_behind(gate));
    TaskEnd outcome;
    const auto join = [&] {
      spawn([](Child& joined) -> Task<void> { co_await joined.join(); }(child),
            [&](std::exception_ptr problem) { outcome(problem); });
    };
    if (joins_first) join();
    gate.open();
    if (!joins_first) join();
    EXPECT_TRUE(outcome.ended);
    EXPECT_EQ(outcome.failure, "broken later");
    EXPECT_EQ(run([](Child& joined) -> Task<void> { co_await joined.join(); }(child)).failure, "");
  }
}

TEST(ChildTest, CanBeStartedAgain) {
  Child child;
  for (int round = 0; round < 3; ++round) {
    Gate gate;
    bool done = false;
    child.start(wait_for(gate, done));
    EXPECT_TRUE(child.is_running());
    gate.open();
    EXPECT_TRUE(done);
  }
}

TEST(FramePoolTest, FramesDoNotOverlapAndAreUsedAgain) {
  std::set<void*> first;
  for (int i = 0; i < 100; ++i) {
    void* frame = FramePool::allocate(300);
    std::fill_n(static_cast<char*>(frame), 300, 'x');
    EXPECT_TRUE(first.insert(frame).second);
  }
  for (void* frame : first) FramePool::release(frame, 300);
#if !defined(__SANITIZE_ADDRESS__)
  for (int i = 0; i < 100; ++i) {
    void* frame = FramePool::allocate(290);
    EXPECT_TRUE(first.contains(frame)) << "the same size class";
    FramePool::release(frame, 290);
  }
#endif
}

TEST(FramePoolTest, TakesAnySize) {
  for (std::size_t size = 1; size < 20'000; size = size * 5 / 4 + 1) {
    void* frame = FramePool::allocate(size);
    std::fill_n(static_cast<char*>(frame), size, 'y');
    FramePool::release(frame, size);
  }
}

}  // namespace
}  // namespace sluice::proxy
