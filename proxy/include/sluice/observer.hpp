#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/problem.hpp"
#include "sluice/settings.hpp"
#include "sluice/status.hpp"

namespace sluice {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, critical };

/// Somebody asked for a change, and it was made. Worth keeping: who did what when.
struct Audit {
  std::string change;   ///< "split", "drain", "undrain", "membership", "reload"
  std::string subject;  ///< the route, the pool, or pool and backend
  std::string who;      ///< as the admin interface or the caller of the library named it
  std::string from;     ///< address of the caller, "unix", or "library"
  std::string before;   ///< in words
  std::string after;
};

/// The weights of a route are others.
struct SplitChange {
  std::string route;
  std::vector<ShareSettings> before;
  std::vector<ShareSettings> after;
  std::uint64_t revision = 0;
  std::string who;
  std::string why;  ///< "admin call", "library call", "reload"
};

/// The health checks came to another verdict on a backend.
struct HealthChange {
  std::string pool;
  std::string backend;
  HealthState state = HealthState::unknown;
  std::string seen;  ///< what the last check saw, in words; "" when up
};

/// A drain begins, has ended, or was taken back: `status.state` says which.
struct DrainChange {
  DrainStatus status;
  std::string who;  ///< "drain" when it has come to its end by itself
};

/// A pool has other backends.
struct MembershipChange {
  std::string pool;
  std::vector<BackendSettings> before;
  std::vector<BackendSettings> after;
  std::string who;
  std::string why;  ///< "admin call", "library call", "reload"
};

/// Somebody gave the proxy other settings.
struct ReloadNotice {
  std::uint64_t generation = 0;      ///< of the plan in force afterwards
  std::vector<Problem> problems;     ///< empty: taken; else refused, and nothing has changed
  std::vector<std::string> notices;  ///< a sentence for each change made at run time that it undid
  std::string who;
  std::vector<SettingsChange> changes = {};  ///< of settings that were taken, against those before
  std::string why = "reload";  ///< "admin call", "library call", "confirmation did not come"
  ServerSettings server = {};  ///< in force afterwards, for what a program heeds itself: watch,
  LogSettings log = {};        ///< level
};

/// A rollout has decided something, or somebody decided for it.
struct RolloutNotice {
  std::string route;
  std::string id;
  std::string state;         ///< afterwards
  std::uint32_t weight = 0;  ///< of NEW, in force, in hundredths of a percent
  std::string
      decision;  ///< "start", "advance", "hold", "resume", "step_back", "rollback", "promote"...
  std::string reason;  ///< a word; "" when all goes well
  std::string words;   ///< a sentence
};

/// Hears what a proxy does. Derive from it, override what is of interest, and hand it over in
/// Proxy::Options; everything that is not overridden is ignored.
///
/// Threads: calls come one at a time. Those made while Proxy::start() runs come on the thread that
/// called it, all later ones on the proxy's control thread, never under a lock. So an observer
/// needs no lock for what it alone uses.
///
/// Must not block: health checks, drains and the admin interface wait meanwhile (traffic does not).
/// Must not throw: an exception that leaves an observer ends the program. May call every function
/// of Proxy but start(), wait() and the destructor; completions and further notices come later,
/// never inside that call.
///
/// Changes are told when they are decided; they are in force in every worker a moment later, when
/// the completion of the call that asked for them is called.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  /// A line for the operational log, without a newline. What the typed notices below say comes here
  /// as well where an operator wants to read it; audits do not.
  virtual void on_log(LogLevel level, std::string_view line);
  virtual void on_audit(const Audit& audit);

  virtual void on_split_changed(const SplitChange& change);
  virtual void on_health_changed(const HealthChange& change);
  /// From the moment the workers hear of it the backends get nothing new.
  virtual void on_drain_begun(const DrainChange& change);
  /// Nothing is left on the backends, or on one that was removed; `status.cut` were cut.
  virtual void on_drained(const DrainChange& change);
  virtual void on_undrained(const DrainChange& change);
  virtual void on_membership_changed(const MembershipChange& change);
  virtual void on_rollout(const RolloutNotice& notice);
  virtual void on_reload(const ReloadNotice& notice);
  /// Takes traffic, or no longer: what GET /readyz answers.
  virtual void on_readiness_changed(const Readiness& readiness);
  /// The last notice: everything has ended, `cut` requests and tunnels not by themselves.
  virtual void on_stopped(std::size_t cut);
};

}  // namespace sluice
