#include "proxy/thread_slice.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace sluice::proxy {
namespace {

Scheduling scheduling() {
  const auto told = scheduling_of_this_thread();
  EXPECT_TRUE(told);
  return told.value_or(Scheduling{});
}

class ThreadSlice : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!scheduling_of_this_thread()) GTEST_SKIP() << "this kernel has no sched_getattr(2)";
  }
};

/// Runs `job` on a thread of its own: what it changes there ends with it.
template <class Job>
void on_a_thread(Job job) {
  std::thread(job).join();
}

TEST_F(ThreadSlice, OfTheCallingThreadBecomesShortAndNothingElseChanges) {
  on_a_thread([] {
    const Scheduling before = scheduling();
    ASSERT_TRUE(take_short_slices());
    const Scheduling after = scheduling();
    EXPECT_EQ(after.policy, before.policy);
    EXPECT_EQ(after.nice, before.nice);
    // Kernels before 6.12 have no slices per thread and tell 0.
    if (before.runtime_ns != 0) {
      EXPECT_EQ(std::chrono::nanoseconds(after.runtime_ns), short_slice);
    }
  });
}

TEST_F(ThreadSlice, IsNotInherited) {
  on_a_thread([] {
    const Scheduling before = scheduling();
    ASSERT_TRUE(take_short_slices());
    on_a_thread([&before] {
      const Scheduling inherited = scheduling();
      EXPECT_EQ(inherited.runtime_ns, before.runtime_ns);
      EXPECT_EQ(inherited.nice, before.nice);
    });
  });
}

TEST_F(ThreadSlice, KeepsANiceValueAboveZero) {
  on_a_thread([] {
    // On Linux a nice value is a thread's own.
    const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
    const int wanted = std::min(scheduling().nice + 1, 19);
    ASSERT_EQ(::setpriority(PRIO_PROCESS, thread, wanted), 0);
    ASSERT_TRUE(take_short_slices());
    EXPECT_EQ(scheduling().nice, wanted);
  });
}

TEST_F(ThreadSlice, LeavesAPolicyAloneThatWasChosen) {
  on_a_thread([] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &none), 0);
    const Scheduling before = scheduling();
    EXPECT_FALSE(take_short_slices());
    const Scheduling after = scheduling();
    EXPECT_EQ(after.policy, before.policy);
    EXPECT_EQ(after.runtime_ns, before.runtime_ns);
  });
}

}  // namespace
}  // namespace sluice::proxy
