#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/outcome.hpp"
#include "sluice/reload.hpp"
#include "sluice/rollout.hpp"
#include "sluice/settings.hpp"
#include "sluice/snapshot.hpp"
#include "sluice/status.hpp"
#include "sluice/upgrade.hpp"

/// What the admin interface can see and do. One object per proxy; every function is called on, and
/// every callback runs on, the control thread. Callbacks run exactly once, never inside the call
/// itself.
namespace sluice::proxy {

/// Who asks for a change.
struct Actor {
  std::string who;   ///< "admin" or the X-Sluice-Actor field of the call
  std::string from;  ///< address of the caller, "unix" or "library"
  std::string why = "admin call";
};

/// One thing that happened. `body` is a JSON object with who and why.
struct Event {
  std::uint64_t id = 0;  ///< grows by one
  /// "split", "drain", "undrain", "drained", "health", "membership", "state", "reload",
  /// "rollout", "decider"
  std::string type;
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

  /// The newest rollout of the route, ended or not. 404 route, or none was ever started.
  virtual Outcome<RolloutStatus> rollout(const std::string& route) = 0;
  /// Rollouts of the route that have ended, newest first, the present one not among them.
  virtual Outcome<std::vector<RolloutStatus>> rollout_history(const std::string& route) = 0;
  /// How a rollout of the route goes that says nothing of its own. 404 route.
  virtual Outcome<RolloutSettings> rollout_policy(const std::string& route) = 0;
  /// Begins a rollout, or answers how the one with the same id stands. `if_match`: the revision of
  /// the route's split that the caller saw. 404 route, 409 another one is under way, 412, 422.
  virtual void start_rollout(const std::string& route, RolloutOrder order,
                             std::optional<std::uint64_t> if_match, Actor actor,
                             Done<RolloutStatus> done) = 0;
  /// `if_match`: the revision of the rollout that the caller saw. 404, 409 not in this state, 412.
  virtual void steer_rollout(const std::string& route, RolloutVerb verb,
                             std::optional<std::uint64_t> if_match, Actor actor,
                             Done<RolloutStatus> done) = 0;

  /// Reads the settings anew from where they are kept and puts them in force as one new plan, all
  /// or nothing; nothing happens when they are those in force. 409 while another reload waits for
  /// confirmation, or the proxy stops or takes over, 422 with every problem, 501 when there is
  /// nothing to read.
  virtual void reload_source(ReloadOrder order, Actor actor, Done<ReloadStatus> done) = 0;
  /// Keeps what a reload brought that waits for confirmation. 409 when none does, or, with a
  /// number, when it is another record that does.
  virtual void confirm_reload(std::optional<std::uint64_t> record, Actor actor,
                              Done<ReloadStatus> done) = 0;
  /// The settings of an entry of the history once more, whatever is kept now where settings are
  /// read from. `record` as for reload_record(). As reload_source(), and 404.
  virtual void roll_back_settings(const std::string& record, ReloadOrder order, Actor actor,
                                  Done<ReloadStatus> done) = 0;
  /// Which settings were in force, newest first; the first one is.
  virtual std::vector<ReloadRecord> reload_history() = 0;
  /// One entry by its number; "present", or "previous": the newest with another text than that.
  /// 404.
  virtual Outcome<ReloadRecord> reload_record(const std::string& record) = 0;

  /// Lets a new process take the place of this one, which then finishes what it has and stops. 409
  /// another one is on its way or something else is in the way, 501 nobody knows how to start it,
  /// 502 it did not come to serve; then this process goes on as before.
  virtual void upgrade(UpgradeOrder order, Actor actor, Done<UpgradeStatus> done) = 0;

  /// The events after `last_id` that are still kept (the newest 1024), oldest first.
  virtual std::vector<Event> events_since(std::uint64_t last_id) const = 0;
  /// Calls `listener` for every new event until the returned token is destroyed.
  virtual std::shared_ptr<void> subscribe(std::function<void(const Event&)> listener) = 0;
};

}  // namespace sluice::proxy
