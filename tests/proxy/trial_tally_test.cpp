#include "proxy/trial_tally.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluice::proxy {
namespace {

constexpr std::size_t errors = core::index_of(sluice::Stream::errors);

core::Trial five_percent() {
  core::Trial trial;
  trial.weight = 0.05;
  return trial;
}

struct Counting {
  core::Trial trial = five_percent();
  LocalPtr<TrialTally> tally = make_local<TrialTally>(1U, WorkerPlace{});

  /// The one weight that was seen.
  core::Observation seen() {
    const TrialReport report = tally->report({}, TimePoint{});
    EXPECT_EQ(report.seen.size(), 1U);
    return report.seen.empty() ? core::Observation{} : report.seen.front();
  }
};

TEST(TrialTallyTest, AFailureIsCountedForTheBackendThatFailed) {
  Counting counting;
  TrialProbe probe;
  probe.begin(*counting.tally, counting.trial, {Arm::new_pool, "127.0.0.1:9002", std::nullopt});
  probe.failed();
  const core::Observation seen = counting.seen();
  EXPECT_EQ(seen.new_pool.bad[errors], 1U);
  ASSERT_EQ(seen.by_backend.size(), 1U);
  EXPECT_EQ(seen.by_backend[0].backend, "127.0.0.1:9002");
  EXPECT_EQ(seen.by_backend[0].bad[errors], 1U);
}

TEST(TrialTallyTest, APoolThatCannotServeFailsAndNoBackendOfItDoes) {
  Counting counting;
  counting.tally->count_unserved(counting.trial, Arm::new_pool, std::nullopt);
  counting.tally->count_unserved(counting.trial, Arm::new_pool, 7);
  const core::Observation seen = counting.seen();
  EXPECT_EQ(seen.new_pool.requests[errors], 2U);
  EXPECT_EQ(seen.new_pool.bad[errors], 2U);
  EXPECT_TRUE(seen.by_backend.empty());
}

}  // namespace
}  // namespace sluice::proxy
