#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/reload.hpp"
#include "sluice/settings.hpp"
#include "sluice/snapshot.hpp"
#include "sluice/upgrade.hpp"

/// How a running proxy stands, as plain values: what calls and the admin interface answer with.
namespace sluice {

/// Who changed something, and when.
struct Origin {
  std::string by;          ///< who, as the admin interface or the caller of the library named it
  std::int64_t at_ms = 0;  ///< milliseconds since the Unix epoch
  bool operator==(const Origin&) const = default;
};

/// What the health checks say of a backend.
enum class HealthState : std::uint8_t {
  unchecked,  ///< its pool has no health check: it counts as up
  unknown,    ///< not checked yet: gets nothing
  up,
  down,
};
std::string_view to_string(HealthState state);

struct ShareStatus {
  std::string pool;
  Weight configured = 0;
  Weight in_force = 0;
};

struct RouteStatus {
  std::string name;
  std::string host;
  std::string path;
  std::vector<ShareStatus> shares;
  std::uint64_t revision = 0;  ///< grows with every change of the split; the ETag
  Origin since;                ///< when and by whom the split in force was set
  bool overridden = false;     ///< differs from the configured one
};

enum class DrainState : std::uint8_t {
  none,      ///< takes requests
  draining,  ///< gets nothing new, something is left
  drained,   ///< gets nothing new, every count is zero
};
std::string_view to_string(DrainState state);

struct BackendStatus {
  std::string address;
  Weight weight = weight_one;
  HealthState health = HealthState::unknown;
  std::string last_check;  ///< what the last health check saw, in words; "" when up or unchecked
  DrainState drain = DrainState::none;
  std::uint64_t in_flight = 0;
  std::uint64_t upgraded = 0;  ///< tunnels
  std::uint64_t open = 0;      ///< connections, idle ones included
  std::uint64_t idle = 0;
  std::uint64_t requests = 0;  ///< attempts ever given to it
  std::uint64_t failures = 0;  ///< of these
};

struct PoolStatus {
  std::string name;
  std::string balance;
  bool overridden = false;  ///< membership differs from the configured one
  std::vector<BackendStatus> backends;
};

struct DrainStatus {
  std::string pool;
  std::string backend;  ///< "": the whole pool
  DrainState state = DrainState::draining;
  bool deadline_passed = false;
  std::uint64_t in_flight = 0;  ///< what still holds it
  std::uint64_t upgraded = 0;
  std::uint64_t open = 0;
  std::uint64_t cut = 0;  ///< requests and tunnels ended by the deadline
};

struct Readiness {
  bool ready = false;
  std::string reason;  ///< "starting", "lame duck", "draining"; "" when ready
};

/// Which settings are in force.
struct SettingsStatus {
  std::uint64_t record = 0;  ///< number in the history
  std::string hash;          ///< of their text; "" without one
  Origin since;
  /// The place that settings are read from said something else when they were put in force; the
  /// next reload or start reads what it says then.
  bool file_differs = false;
  /// Then the settings before come back; 0: nothing is awaited. When it is over, they could not
  /// yet, which is tried again until they do or a confirmation comes.
  std::int64_t confirm_by_ms = 0;
};

/// Which of the processes on one state folder decides: it alone is asked for changes, judges
/// rollouts and writes; the others follow it.
struct DeciderStatus {
  bool is_self = true;       ///< this one; always without a state folder
  std::string held_by = {};  ///< else who does: "process 123, admin 127.0.0.1:9901"
  /// Why what is decided here is not kept and not followed by others, a sentence; "" when it is.
  std::string problem = {};
};

struct Status {
  std::string version;
  std::int64_t pid = 0;
  std::int64_t started_ms = 0;  ///< since the Unix epoch
  std::uint64_t uptime_ms = 0;
  std::uint64_t generation = 0;  ///< of the plan in force
  unsigned workers = 0;
  Readiness readiness;
  DeciderStatus decider;
  std::vector<ListenerCounts> listeners;
  std::vector<RouteStatus> routes;
  std::vector<PoolStatus> pools;
  SettingsStatus settings = {};
  std::optional<PredecessorStatus> predecessor = {};
};

/// What a reload did, or, as a dry run, would do.
struct ReloadStatus {
  std::uint64_t generation = 0;  ///< of the plan in force; grows only when something changed
  /// A sentence for each change made at run time that it undid, and for what is not on disk.
  std::vector<std::string> notices;
  std::vector<SettingsChange> changes = {};  ///< against what was configured before
  std::uint64_t record = 0;                  ///< number of the settings in the history
  bool is_dry_run = false;
  bool file_differs = false;       ///< as SettingsStatus says it
  std::int64_t confirm_by_ms = 0;  ///< unless confirmed until then, it is undone; 0: it stays
};

}  // namespace sluice
