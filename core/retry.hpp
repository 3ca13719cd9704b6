#pragma once

#include <cstdint>

#include "core/backend.hpp"

namespace sluice::core {

/// What is known of an attempt that failed, as far as sending the request again goes.
struct FailedAttempt {
  FailureReason reason = FailureReason::reset;
  bool was_sent = false;       ///< any octet of the request may have reached the backend
  bool answer_begun = false;   ///< any octet of the answer came
  bool on_reused = false;      ///< the connection had served a request before
  bool is_idempotent = false;  ///< the request's method
  bool is_replayable = false;  ///< no body octet is lost: none was sent, or all sent ones are kept
  unsigned attempts = 1;       ///< made so far for this request
  unsigned replays = 0;        ///< of those, sendings after an earlier one had been sent
};

enum class RetryVerdict : std::uint8_t {
  give_up,
  fresh_connection,  ///< again in the pool, over a new connection
  other_backend,     ///< again on a backend that was not tried
};

/// Attempts one request may make, most of them against backends that refuse connections.
inline constexpr unsigned max_attempts = 8;

/// Times a request that was sent may be sent again: once for a stale connection, once for a broken
/// backend. A request that breaks whoever serves it must not go round.
inline constexpr unsigned max_replays = 2;

/// Whether a request may be sent again. One that may have been processed is never repeated unless
/// it is idempotent (RFC 9110 section 9.2.2) and nothing of its answer came; a timeout is never
/// repeated, for the backend is still at work on it. A broken reused connection may mean no more
/// than that it was stale (pitfall P4), so its backend may be asked again. Pure.
RetryVerdict decide_retry(const FailedAttempt& attempt);

/// Bounds how much of a pool's traffic may be replays, so that a failing pool does not drown in
/// them (pitfall P11): a token bucket, charged when a replay is made. Each request earns a fifth
/// of a token. Connection failures are not charged: nobody has worked on those requests. One per
/// pool and worker.
class RetryBudget {
 public:
  static constexpr unsigned capacity = 100;  ///< replays at once
  static constexpr unsigned requests_per_replay = 5;

  /// A request chose the pool.
  void earn() {
    if (parts_ < capacity * requests_per_replay) ++parts_;
  }
  bool has_replay() const { return parts_ >= requests_per_replay; }
  /// Takes the price of one replay; false when it is not there.
  bool spend() {
    if (!has_replay()) return false;
    parts_ -= requests_per_replay;
    return true;
  }

 private:
  unsigned parts_ = capacity * requests_per_replay;
};

}  // namespace sluice::core
