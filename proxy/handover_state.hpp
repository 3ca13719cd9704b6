#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/overrides.hpp"
#include "core/result.hpp"
#include "proxy/control.hpp"
#include "proxy/worker.hpp"

/// What a process hands to its successor besides its sockets.
namespace sluice::proxy {

/// What both sides have to speak alike; one that speaks another is refused.
inline constexpr unsigned handover_protocol = 1;

/// What a process has counted so far, all its workers and its own predecessor included.
struct HandoverCounts {
  WorkerReport report;
  std::vector<RolloutTotals> rollouts;
  std::uint64_t access_log_dropped = 0;
};

/// What the health checks say of a backend.
struct HandedHealth {
  std::string pool;
  std::string backend;
  HealthState state = HealthState::unknown;
  bool operator==(const HandedHealth&) const = default;
};

/// Where a route's split stands.
struct HandedRevision {
  std::string route;
  std::uint64_t revision = 1;
  Origin since;
  bool operator==(const HandedRevision&) const = default;
};

/// A drain that is followed to its end.
struct HandedDrain {
  std::string pool;
  std::string backend;                   ///< "": the whole pool
  std::optional<milliseconds> deadline;  ///< from now on
  bool operator==(const HandedDrain&) const = default;
};

struct HandoverState {
  core::Overrides overrides;
  bool decided = true;           ///< the process, for its state folder
  std::uint64_t generation = 0;  ///< of the plan in force
  std::vector<HandedHealth> health;
  std::vector<HandedRevision> revisions;
  std::vector<HandedDrain> drains;
  std::vector<Event> events;  ///< that are still kept, oldest first
  HandoverCounts counts;
};

boost::json::value to_json(const HandoverCounts& counts);
boost::json::value to_json(const HandoverState& state);
/// The error is a sentence that says where and what is wrong.
core::Result<HandoverCounts, std::string> read_counts(const boost::json::value& value);
core::Result<HandoverState, std::string> read_handover(const boost::json::value& value);

}  // namespace sluice::proxy
