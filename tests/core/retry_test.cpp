#include "core/retry.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace sluice::core {
namespace {

/// An attempt that reached the backend and may be repeated if anything may.
FailedAttempt sent_and_repeatable() {
  FailedAttempt attempt;
  attempt.reason = FailureReason::reset;
  attempt.was_sent = true;
  attempt.is_idempotent = true;
  attempt.is_replayable = true;
  return attempt;
}

std::vector<FailureReason> all_reasons() {
  std::vector<FailureReason> reasons;
  for (std::size_t i = 0; i < static_cast<std::size_t>(FailureReason::count_); ++i) {
    reasons.push_back(static_cast<FailureReason>(i));
  }
  return reasons;
}

/// Calls `visit` with every combination of what is known of an attempt.
template <class Visit>
void each_attempt(Visit visit) {
  for (const FailureReason reason : all_reasons()) {
    for (unsigned bits = 0; bits < 64; ++bits) {
      for (const unsigned attempts : {1U, 2U, max_attempts - 1, max_attempts, max_attempts + 5}) {
        FailedAttempt attempt;
        attempt.reason = reason;
        attempt.was_sent = (bits & 1U) != 0;
        attempt.answer_begun = (bits & 2U) != 0;
        attempt.on_reused = (bits & 4U) != 0;
        attempt.is_idempotent = (bits & 8U) != 0;
        attempt.is_replayable = (bits & 16U) != 0;
        attempt.replays = (bits & 32U) != 0 ? max_replays : 0;
        attempt.attempts = attempts;
        visit(attempt);
      }
    }
  }
}

TEST(DecideRetryTest, ARequestThatWasNeverSentGoesElsewhereWhateverItsMethod) {
  for (const FailureReason reason : all_reasons()) {
    FailedAttempt attempt;
    attempt.reason = reason;
    EXPECT_EQ(decide_retry(attempt), RetryVerdict::other_backend) << to_string(reason);
  }
}

TEST(DecideRetryTest, AStaleReusedConnectionIsReplacedByAFreshOneToTheSameBackend) {
  FailedAttempt attempt = sent_and_repeatable();
  attempt.on_reused = true;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::fresh_connection);
}

TEST(DecideRetryTest, ABrokenFreshConnectionSendsAnIdempotentRequestElsewhere) {
  EXPECT_EQ(decide_retry(sent_and_repeatable()), RetryVerdict::other_backend);
}

TEST(DecideRetryTest, ARequestThatMayHaveBeenProcessedIsRepeatedOnlyWhenIdempotent) {
  FailedAttempt attempt = sent_and_repeatable();
  attempt.is_idempotent = false;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::give_up);
  attempt.on_reused = true;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::give_up);
}

TEST(DecideRetryTest, ABodyThatIsPartlyLostCannotBeRepeated) {
  FailedAttempt attempt = sent_and_repeatable();
  attempt.is_replayable = false;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::give_up);
  attempt.on_reused = true;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::give_up);
}

TEST(DecideRetryTest, AfterItWasSentOnlyABrokenConnectionAllowsAnotherAttempt) {
  for (const FailureReason reason : all_reasons()) {
    FailedAttempt attempt = sent_and_repeatable();
    attempt.reason = reason;
    const auto expected =
        reason == FailureReason::reset ? RetryVerdict::other_backend : RetryVerdict::give_up;
    EXPECT_EQ(decide_retry(attempt), expected) << to_string(reason);
  }
}

TEST(DecideRetryTest, TheLastAllowedAttemptIsTheEnd) {
  FailedAttempt attempt;
  attempt.attempts = max_attempts - 1;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::other_backend);
  attempt.attempts = max_attempts;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::give_up);
}

TEST(DecideRetryTest, NothingIsRepeatedOnceItsAnswerHasBegun) {
  each_attempt([](const FailedAttempt& attempt) {
    if (!attempt.answer_begun) return;
    EXPECT_EQ(decide_retry(attempt), RetryVerdict::give_up);
  });
}

TEST(DecideRetryTest, EveryCombinationFollowsTheRules) {
  each_attempt([](const FailedAttempt& attempt) {
    const RetryVerdict verdict = decide_retry(attempt);
    const bool repeatable = attempt.is_idempotent && attempt.is_replayable &&
                            attempt.reason == FailureReason::reset && attempt.replays < max_replays;
    const bool safe = !attempt.was_sent || repeatable;
    const bool allowed = safe && !attempt.answer_begun && attempt.attempts < max_attempts;
    EXPECT_EQ(verdict != RetryVerdict::give_up, allowed);
    // The same backend is asked again only when a stale connection explains the failure.
    const bool explained = attempt.was_sent && attempt.on_reused;
    EXPECT_EQ(verdict == RetryVerdict::fresh_connection, allowed && explained);
  });
}

}  // namespace
}  // namespace sluice::core
