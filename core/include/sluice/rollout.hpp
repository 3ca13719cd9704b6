#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/settings.hpp"
#include "sluice/status.hpp"

/// How a rollout stands, as plain values: what calls and the admin interface answer with.
namespace sluice {

/// Where a rollout is. core/rollout.hpp has the chart.
enum class RolloutState : std::uint8_t {
  staged,        ///< waits for NEW to be healthy
  mirroring,     ///< NEW gets copies of requests only
  stepping,      ///< NEW has a weight, evidence is gathered
  holding,       ///< as stepping, but something stands against the next step: `reason`
  paused,        ///< an operator said so; detectors stay armed
  baking,        ///< the last step: NEW has nearly all, OLD is the control
  promoted,      ///< NEW has all, OLD is kept for an undo
  draining,      ///< OLD finishes what it has
  done,          ///< OLD is drained
  rolling_back,  ///< OLD gets all
  rolled_back,   ///< final for this release
};
std::string_view to_string(RolloutState state);
/// Neither done nor rolled back.
bool is_active(RolloutState state);

/// What is watched on every judged request.
enum class Stream : std::uint8_t {
  errors,  ///< answers that count as errors, and broken attempts
  p50,     ///< slower than OLD's median
  p90,
  p99,
  client_errors,  ///< 4xx
};
inline constexpr std::size_t stream_count = 5;
std::string_view to_string(Stream stream);

/// What a stream has seen of one version.
struct StreamCounts {
  std::uint64_t requests = 0;
  std::uint64_t bad = 0;
};

/// One stream, judged.
struct StreamStatus {
  Stream stream = Stream::errors;
  StreamCounts old_pool;
  StreamCounts new_pool;
  double evidence = 1;           ///< E: 1 says nothing
  double ratio_lower_bound = 0;  ///< NEW is at least this many times as bad, at 95 %; 0: unknown
};

/// The counts of one weight.
struct EpochStatus {
  double weight = 0;  ///< share of NEW, 0 to 1
  std::array<StreamCounts, stream_count> old_pool{};
  std::array<StreamCounts, stream_count> new_pool{};
};

/// Errors of one backend of NEW.
struct BackendEvidence {
  std::string backend;
  std::array<std::uint64_t, stream_count> bad{};
};

/// What a rollout decided.
struct RolloutDecision {
  std::int64_t at_ms = 0;  ///< since the Unix epoch
  std::string decision;    ///< "start", "advance", "hold", "resume", "step_back", "rollback", ...
  std::string reason;      ///< a word for metrics: "errors", "operator", "no_traffic"
  std::string words;       ///< a sentence
  bool operator==(const RolloutDecision&) const = default;
};

struct RolloutStatus {
  std::string route;
  std::string id;
  RolloutState state = RolloutState::staged;
  RolloutMode mode = RolloutMode::act;
  std::string reason;    ///< a word; "" when all goes well
  std::string words;     ///< what goes on, in a sentence
  std::size_t step = 0;  ///< from 1; 0 before the first
  std::size_t steps = 0;
  std::string from;
  std::string to;
  std::uint32_t weight = 0;  ///< of NEW, in hundredths of a percent
  double evidence = 1;       ///< E of all streams
  double threshold = 1000;   ///< rolls back from here on
  std::vector<StreamStatus> streams;
  std::vector<EpochStatus> epochs;
  std::vector<BackendEvidence> backends;  ///< of NEW, those with any
  std::uint64_t requests_old = 0;         ///< judged
  std::uint64_t requests_new = 0;
  std::uint64_t requests_step = 0;  ///< judged on NEW in this step
  std::uint64_t shielded = 0;       ///< users who were spared an error
  std::uint64_t bad_delivered = 0;  ///< errors of NEW that reached users
  std::uint64_t mirrored = 0;
  std::uint64_t mirror_differences = 0;
  std::int64_t started_ms = 0;
  std::int64_t since_ms = 0;  ///< of the present state
  std::string next;           ///< what happens next, and when at the earliest, in a sentence
  std::int64_t next_ms = 0;   ///< since the Unix epoch; 0: unknown
  std::string started_by;
  std::string queued;          ///< id of the release that waits behind this one
  unsigned attempt = 1;        ///< grows with `retry`
  std::uint64_t revision = 1;  ///< grows with every change of state, step or weight; the ETag
  bool is_new = false;         ///< made by the call that this answers
  std::vector<RolloutDecision> decisions;  ///< newest last, bounded
};

/// A rollout that an operator asks for.
struct RolloutOrder {
  std::string to;
  std::string from = {};  ///< "": the pool with the largest weight
  std::string id = {};    ///< names the release; the same one again changes nothing; "": made
  /// In place of the configured policy, for this rollout.
  std::optional<RolloutSettings> policy = {};
  bool operator==(const RolloutOrder&) const = default;
};

/// What an operator may tell a rollout.
enum class RolloutVerb : std::uint8_t {
  pause,  ///< weights stay
  resume,
  promote,       ///< on to the next step, now
  promote_full,  ///< all traffic to NEW, now
  abort,         ///< roll back
  undo,          ///< after the promotion: back to OLD
  approve,       ///< opens the gate that waits
  retry,         ///< a release that was rolled back: once more from the start
};
std::string_view to_string(RolloutVerb verb);

}  // namespace sluice
