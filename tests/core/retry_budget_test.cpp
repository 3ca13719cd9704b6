#include <gtest/gtest.h>

#include "core/retry.hpp"

namespace sluice::core {
namespace {

FailedAttempt broken_after_sending(unsigned replays) {
  FailedAttempt attempt;
  attempt.was_sent = true;
  attempt.is_idempotent = true;
  attempt.is_replayable = true;
  attempt.replays = replays;
  return attempt;
}

TEST(DecideRetry, ARequestThatBreaksItsBackendsDoesNotGoRound) {
  EXPECT_EQ(decide_retry(broken_after_sending(max_replays - 1)), RetryVerdict::other_backend);
  EXPECT_EQ(decide_retry(broken_after_sending(max_replays)), RetryVerdict::give_up);
}

TEST(RetryBudget, StartsFullAndEndsWhenItIsSpent) {
  RetryBudget budget;
  for (unsigned replay = 0; replay < RetryBudget::capacity; ++replay) EXPECT_TRUE(budget.spend());
  EXPECT_FALSE(budget.spend());
}

TEST(RetryBudget, EarnsOneReplayForEveryFewRequests) {
  RetryBudget budget;
  while (budget.spend()) {
  }
  for (unsigned request = 1; request < RetryBudget::requests_per_replay; ++request) budget.earn();
  EXPECT_FALSE(budget.spend());
  budget.earn();
  EXPECT_TRUE(budget.spend());
  EXPECT_FALSE(budget.spend());
}

TEST(RetryBudget, SavesNoMoreThanItsCapacity) {
  RetryBudget budget;
  for (unsigned request = 0; request < 100'000; ++request) budget.earn();
  unsigned replays = 0;
  while (budget.spend()) ++replays;
  EXPECT_EQ(replays, RetryBudget::capacity);
}

TEST(RetryBudget, AFailingPoolGetsAtMostAFifthMoreRequests) {
  RetryBudget budget;
  unsigned replays = 0;
  for (unsigned request = 0; request < 10'000; ++request) {
    budget.earn();
    if (budget.spend()) ++replays;
  }
  EXPECT_LE(replays, RetryBudget::capacity + 10'000 / RetryBudget::requests_per_replay);
}

}  // namespace
}  // namespace sluice::core
