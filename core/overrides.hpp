#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/rollout_record.hpp"
#include "sluice/settings.hpp"
#include "sluice/status.hpp"

/// What was changed at run time and survives a restart, kept apart from what is configured (pitfall
/// P15): each override remembers the configured value that it replaced. When the configuration says
/// something else than that by now, the configuration wins, visibly.
namespace sluice::core {

using sluice::Origin;

struct SplitOverride {
  std::string route;
  std::vector<ShareSettings> configured;  ///< at the time of the change
  std::vector<ShareSettings> weights;     ///< in force
  std::uint64_t revision = 0;             ///< of the route's split
  Origin origin;
  bool operator==(const SplitOverride&) const = default;
};

struct DrainOverride {
  std::string pool;
  std::string backend;  ///< address; "": the whole pool
  Origin origin;
  /// When what is left is cut, in milliseconds since the Unix epoch; none: never.
  std::optional<std::int64_t> deadline_ms = {};
  bool operator==(const DrainOverride&) const = default;
};

/// No deadline is further away than that: a hundred years.
inline constexpr milliseconds longest_deadline = std::chrono::hours(24 * 365 * 100);

/// The moment `deadline` after `now_ms`, both in milliseconds since the Unix epoch; from 0 to
/// longest_deadline after it.
std::int64_t moment_after(milliseconds deadline, std::int64_t now_ms);
/// How long it is from `now_ms` to the deadline of `drain`; 0 when that has passed, never above
/// longest_deadline, whatever a state file says. None without a deadline.
std::optional<milliseconds> time_left(const DrainOverride& drain, std::int64_t now_ms);

struct MembershipOverride {
  std::string pool;
  std::vector<BackendSettings> configured;  ///< at the time of the change
  std::vector<BackendSettings> backends;    ///< in force
  Origin origin;
  bool operator==(const MembershipOverride&) const = default;
};

struct Overrides {
  std::vector<SplitOverride> splits;
  std::vector<DrainOverride> drains;
  std::vector<MembershipOverride> memberships;
  std::vector<RolloutRecord> rollouts = {};  ///< under way or ended, the newest of a route last
  bool operator==(const Overrides&) const = default;
};

/// A configuration with the overrides laid over it.
struct Effective {
  Settings settings;                 ///< in force
  Overrides kept;                    ///< the overrides that still hold
  std::vector<std::string> notices;  ///< a sentence for each that was dropped, and why
};

/// Lays `saved` over `configured`, which must be valid; then what comes out is valid, too. Dropped,
/// with a notice: an override whose route, pool or backend is gone, one whose configured value has
/// changed since, and one that cannot be used (a damaged state file). Shares are compared by pool
/// and weight, backends by address and weight, without regard to order. A split in force has the
/// pools of the configured one in their order; those that the override leaves out get 0. Drains are
/// looked up among the backends in force. Of several overrides of one thing the last counts.
///
/// A rollout under way is dropped, too, when its old or new pool is no longer in the configured
/// split or when the weights of its route were dropped: it has ended, and the configured split is
/// in force. One that has ended is history and goes silently with its route. Pure.
Effective lay_over(const Settings& configured, const Overrides& saved);

}  // namespace sluice::core
