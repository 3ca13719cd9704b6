#include "core/retry.hpp"

namespace sluice::core {

RetryVerdict decide_retry(const FailedAttempt& attempt) {
  if (attempt.attempts >= max_attempts || attempt.answer_begun) return RetryVerdict::give_up;
  if (!attempt.was_sent) return RetryVerdict::other_backend;
  const bool may_repeat = attempt.reason == FailureReason::reset && attempt.is_idempotent &&
                          attempt.is_replayable && attempt.replays < max_replays;
  if (!may_repeat) return RetryVerdict::give_up;
  return attempt.on_reused ? RetryVerdict::fresh_connection : RetryVerdict::other_backend;
}

}  // namespace sluice::core
