#include "proxy/thread_slice.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>

#include "tests/proxy/running_proxy.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

constexpr std::uint64_t reset_on_fork = 1;

Scheduling scheduling() {
  const auto told = scheduling_of_this_thread();
  EXPECT_TRUE(told);
  return told.value_or(Scheduling{});
}

/// Runs `job` on a thread of its own: what it changes there ends with it.
template <class Job>
void on_a_thread(Job job) {
  std::thread(job).join();
}

/// Kernels before 6.12 have no slices per thread and tell 0.
std::uint64_t short_or_none(const Scheduling& before) {
  return before.runtime_ns == 0
             ? 0
             : static_cast<std::uint64_t>(std::chrono::nanoseconds(short_slice).count());
}

class ThreadSlice : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto mine = scheduling_of_this_thread();
    bool may_set = false;
    on_a_thread([&] { may_set = mine && ::syscall(SYS_sched_setattr, 0, &*mine, 0) == 0; });
    if (!may_set) GTEST_SKIP() << "sched_setattr(2) is not to be had here";
    if (mine->policy != SCHED_OTHER || mine->nice < 0 || mine->nice > 18) {
      GTEST_SKIP() << "policy " << mine->policy << " and nice value " << mine->nice
                   << " of this process do not suit";
    }
  }
};

TEST_F(ThreadSlice, OfTheCallingThreadBecomesShortAndNothingElseChanges) {
  on_a_thread([] {
    const Scheduling before = scheduling();
    ASSERT_TRUE(take_short_slices());
    const Scheduling after = scheduling();
    EXPECT_EQ(after.policy, before.policy);
    EXPECT_EQ(after.nice, before.nice);
    EXPECT_EQ(after.flags, before.flags | reset_on_fork);
    EXPECT_EQ(after.runtime_ns, short_or_none(before));
  });
}

TEST_F(ThreadSlice, IsNotInherited) {
  on_a_thread([] {
    ASSERT_TRUE(take_short_slices());
    const Scheduling own = scheduling();
    on_a_thread([&own] {
      const Scheduling inherited = scheduling();
      EXPECT_EQ(inherited.flags & reset_on_fork, 0U);
      EXPECT_EQ(inherited.nice, own.nice);
      EXPECT_TRUE(own.runtime_ns == 0 || inherited.runtime_ns > own.runtime_ns);
    });
  });
}

TEST_F(ThreadSlice, KeepsANiceValueAboveZero) {
  on_a_thread([] {
    // On Linux a nice value is a thread's own.
    const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
    const int wanted = scheduling().nice + 1;
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
    EXPECT_EQ(after.flags, before.flags);
    EXPECT_EQ(after.runtime_ns, before.runtime_ns);
  });
}

TEST_F(ThreadSlice, OfTheControlThreadIsShort) {
  const Scheduling mine = scheduling();
  RunningProxy running;
  running.start();
  std::promise<Scheduling> on_control;
  running.proxy->set_split("all", {{"v2", 1}},
                           [&](const auto&) { on_control.set_value(scheduling()); });
  std::future<Scheduling> told = on_control.get_future();
  ASSERT_EQ(told.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  const Scheduling its = told.get();
  EXPECT_NE(its.flags & reset_on_fork, 0U);
  EXPECT_EQ(its.runtime_ns, short_or_none(mine));
}

/// The unit forbids the rest of systemd's @resources.
TEST(ThreadSliceUnitFile, AllowsTheCall) {
  const std::string unit = support::read_file(SLUICE_SOURCE_DIR "/packaging/sluice.service");
  const auto forbidden = unit.find("\nSystemCallFilter=~@privileged @resources\n");
  ASSERT_NE(forbidden, std::string::npos);
  EXPECT_NE(unit.find("\nSystemCallFilter=sched_setattr\n", forbidden), std::string::npos);
}

}  // namespace
}  // namespace sluice::proxy
