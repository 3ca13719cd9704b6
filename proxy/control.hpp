#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/health.hpp"
#include "core/overrides.hpp"
#include "core/result.hpp"
#include "sluice/settings.hpp"
#include "sluice/snapshot.hpp"

/// What the admin interface can see and do. One object per proxy; every function is called on, and
/// every callback runs on, the control thread. Callbacks run exactly once, never inside the call
/// itself.
namespace sluice::proxy {

/// Who asks for a change.
struct Actor {
  std::string who;   ///< "admin" or the X-Sluice-Actor field of the call
  std::string from;  ///< address of the caller, or "unix"
};

/// Why something was not done. Becomes problem+json (RFC 9457).
struct Denial {
  unsigned status = 400;  ///< 404 no such thing, 409 conflict, 412 revision, 422 not acceptable
  std::string title;
  std::string detail;  ///< a sentence that says what to do
};

template <class T>
using Outcome = core::Result<T, Denial>;
template <class T>
using Done = std::function<void(Outcome<T>)>;

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
  core::Origin since;          ///< when and by whom the split in force was set
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
  core::HealthState health = core::HealthState::unknown;
  std::string last_check;  ///< what the last health check saw, in words; "" when up or unchecked
  DrainState drain = DrainState::none;
  std::uint64_t in_flight = 0;
  std::uint64_t upgraded = 0;
  std::uint64_t open = 0;
  std::uint64_t idle = 0;
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
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

struct Status {
  std::string version;
  std::int64_t started_ms = 0;  ///< since the Unix epoch
  std::uint64_t uptime_ms = 0;
  std::uint64_t generation = 0;
  unsigned workers = 0;
  Readiness readiness;
  std::vector<ListenerCounts> listeners;
  std::vector<RouteStatus> routes;
  std::vector<PoolStatus> pools;
};

/// One thing that happened. `body` is a JSON object with who and why.
struct Event {
  std::uint64_t id = 0;  ///< grows by one
  std::string type;  ///< "split", "drain", "undrain", "drained", "health", "membership", "state"
  std::string body;
};

class Control {
 public:
  virtual ~Control() = default;

  virtual void status(Done<Status> done) = 0;
  virtual Outcome<std::vector<RouteStatus>> routes() = 0;
  virtual Outcome<RouteStatus> route(const std::string& name) = 0;
  virtual void pool(const std::string& name, Done<PoolStatus> done) = 0;
  virtual void snapshot(Done<Snapshot> done) = 0;
  virtual Readiness readiness() const = 0;

  /// New weights; pools left out get 0. Answers when every worker has taken them and they are on
  /// disk. `if_match`: the revision the caller saw. 404 route, 412 revision, 422 weights.
  virtual void set_split(const std::string& route, std::vector<ShareSettings> weights,
                         std::optional<std::uint64_t> if_match, Actor actor,
                         Done<RouteStatus> done) = 0;

  struct DrainOrder {
    std::string pool;
    std::string backend;                   ///< "": the whole pool
    std::optional<milliseconds> deadline;  ///< then what is left is cut; none: never
    bool wait = false;                     ///< answer only when drained or at the deadline
  };
  virtual void drain(DrainOrder order, Actor actor, Done<DrainStatus> done) = 0;
  /// Cancels a drain, also an unfinished one (pitfall P20).
  virtual void undrain(const std::string& pool, const std::string& backend, Actor actor,
                       Done<PoolStatus> done) = 0;

  /// Replaces the membership: added backends start unknown, removed ones drain and leave.
  virtual void set_backends(const std::string& pool, std::vector<BackendSettings> backends,
                            Actor actor, Done<PoolStatus> done) = 0;
  virtual void add_backend(const std::string& pool, BackendSettings backend, Actor actor,
                           Done<PoolStatus> done) = 0;
  /// Drains first; answers as a drain does.
  virtual void remove_backend(DrainOrder order, Actor actor, Done<DrainStatus> done) = 0;

  /// The events after `last_id` that are still kept (the newest 1024), oldest first.
  virtual std::vector<Event> events_since(std::uint64_t last_id) const = 0;
  /// Calls `listener` for every new event until the returned token is destroyed.
  virtual std::shared_ptr<void> subscribe(std::function<void(const Event&)> listener) = 0;
};

}  // namespace sluice::proxy
