#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ledger.hpp"
#include "sluice/rollout.hpp"

namespace sluice::core {

/// Where a gate stands.
enum class GateState : std::uint8_t { closed, asking, open };

/// A release that waits for the end of the one before it.
struct QueuedRollout {
  RolloutOrder order;
  std::string who;  ///< asked for it
  bool operator==(const QueuedRollout&) const = default;
};

/// In its steps, not paused.
constexpr bool is_moving(RolloutState state) {
  return state == RolloutState::stepping || state == RolloutState::holding ||
         state == RolloutState::baking;
}

/// Its requests are compared; it can still be aborted.
constexpr bool is_before_promotion(RolloutState state) {
  return is_moving(state) || state == RolloutState::staged || state == RolloutState::mirroring ||
         state == RolloutState::paused;
}

/// Everything a rollout must not forget: what is kept on disk. Times in milliseconds since the Unix
/// epoch.
struct RolloutRecord {
  std::string route;
  std::string id;
  std::string from;
  std::string to;
  std::string started_by;
  RolloutSettings policy;
  unsigned attempt = 1;
  std::uint64_t salt = 0;  ///< of the sticky hash while it goes on
  std::uint64_t revision = 1;
  bool by_units = false;  ///< the route is sticky: users are judged, not requests

  RolloutState state = RolloutState::staged;
  RolloutState before_pause = RolloutState::staged;
  std::string reason;
  std::string words;
  std::size_t step = 0;      ///< from 1; 0 before the first
  std::uint32_t weight = 0;  ///< of NEW, in force, in hundredths of a percent
  unsigned steps_back = 0;   ///< taken so far
  std::int64_t started_ms = 0;
  std::int64_t since_ms = 0;       ///< of the state
  std::int64_t step_since_ms = 0;  ///< the weight of the step is in force
  std::int64_t restart_ms = 0;     ///< of the last period of the ledger
  bool passes_step = false;        ///< an operator said `promote`
  std::vector<GateState> gates;
  std::vector<std::int64_t> gates_since_ms;  ///< asked since
  std::vector<unsigned> query_bad;           ///< bad samples in a row
  std::vector<std::string> ejected;          ///< backends of NEW that were taken out
  std::string hook_failure;                  ///< a hook that could not be told; "" when none

  Ledger ledger;
  VersionCounts step_new;          ///< in this step
  std::uint64_t run_failed = 0;    ///< failures of NEW in a row
  std::uint64_t run_old_good = 0;  ///< of OLD, since that run began
  std::uint64_t run_old_bad = 0;
  std::uint64_t guard_slow_old = 0;  ///< slower than guard.max_p99
  std::uint64_t guard_slow_new = 0;
  std::uint64_t shielded = 0;
  std::uint64_t bad_delivered = 0;
  std::uint64_t mirrored = 0;
  std::uint64_t mirror_differences = 0;
  std::vector<RolloutDecision> decisions;
  std::optional<QueuedRollout> queued;  ///< begins when this one has ended
  bool operator==(const RolloutRecord&) const = default;
};

}  // namespace sluice::core
