#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/evidence.hpp"
#include "core/freeze.hpp"
#include "core/result.hpp"
#include "core/rollout_record.hpp"
#include "sluice/outcome.hpp"

/// One rollout as a state machine. Events and counts go in, orders come out, time is an argument.
///
///     staged -> mirroring -> stepping <-> holding      baking -> promoted -> draining -> done
///        |          |           |  ^        |  ^         |          |            |
///        |          |           v  |        v  |         v          |  undo      |  undo
///        |          |         paused <------+--+---------+          |            |
///        +----------+-----------+-----------+------------+----------+------------+
///                               v
///                         rolling_back -> rolled_back
///
/// Every state with traffic on NEW has its detectors armed, also while it holds, waits at a gate or
/// is paused (pitfall P27). A rollback needs a sound old pool (pitfall P26). The weight changes in
/// two moves: an order, then weight_in_force() when every worker has it.
namespace sluice::core {

/// What the surroundings look like at a tick.
struct RolloutSurroundings {
  std::int64_t now_ms = 0;      ///< since the Unix epoch; never goes back
  unsigned minute_of_week = 0;  ///< local time, from Monday 00:00
  std::size_t new_up = 0;       ///< backends of NEW that take requests
  std::size_t new_size = 0;
  std::size_t old_up = 0;
  bool old_is_quiet = false;  ///< nothing is left on OLD
  /// OLD's requests that have waited longer than its p99 and may still fail: as long as NEW's
  /// failures come faster than OLD's, these stand for failures not seen yet.
  std::uint64_t old_overdue = 0;
  std::optional<std::int64_t> old_p99_ms;
  std::size_t new_unknown = 0;  ///< of NEW that no check has a verdict on yet
};

/// Counts besides the streams since the last tick.
struct RolloutExtras {
  std::uint64_t shielded = 0;
  std::uint64_t bad_delivered = 0;
  std::uint64_t guard_slow_old = 0;
  std::uint64_t guard_slow_new = 0;
  std::uint64_t mirrored = 0;
  std::uint64_t mirror_differences = 0;
};

enum class RolloutOrderKind : std::uint8_t {
  weight,    ///< NEW gets `weight`; answered with weight_in_force()
  tell,      ///< hooks and readers of events hear `event`
  ask_gate,  ///< the hook of gate `gate`; answered with gate_answer()
  drain,     ///< OLD drains
  undrain,   ///< OLD takes requests again
  eject,     ///< `backend` of NEW is broken in a version that is not
};

/// Something the shell has to do.
struct RolloutStep {
  RolloutOrderKind kind = RolloutOrderKind::tell;
  std::uint32_t weight = 0;  ///< hundredths of a percent
  bool is_urgent = false;    ///< a rollback: does not wait for the disk
  std::string event = {};    ///< "started", "step", "held", "rolled_back", "promoted", "drained"
  std::size_t gate = 0;
  std::string backend = {};
};
using RolloutSteps = std::vector<RolloutStep>;

class Rollout {
 public:
  /// A new one, or one from disk. `weight`: of NEW, in force. The policy is valid.
  explicit Rollout(RolloutRecord record);

  /// The first orders of a new one.
  RolloutSteps begin(std::int64_t now_ms);
  /// Counts of a tick, one observation for each weight. NEW's are held back for about as long as
  /// OLD takes to answer, so that failures that only come faster do not look like more.
  void observe(std::vector<Observation> observations, const RolloutExtras& extras,
               const RolloutSurroundings& around);
  /// Judges and moves on. About every 100 ms.
  RolloutSteps tick(const RolloutSurroundings& around);
  /// The weight that was ordered last is in force. What came of an earlier order is ignored.
  RolloutSteps weight_in_force(std::uint32_t weight, std::int64_t now_ms);
  /// Somebody else set the weight: an operator while it observes, or a reload.
  void weight_changed(std::uint32_t weight, std::int64_t now_ms);
  /// `agrees`: none when the hook could not be asked or wants to be asked again.
  void gate_answer(std::size_t gate, std::optional<bool> agrees, const std::string& words,
                   std::int64_t now_ms);
  /// One sample of a query; a query that failed gives none.
  void query_sample(std::size_t query, bool is_bad);
  /// "" when a hook that failed before has been told after all.
  void hook_failed(const std::string& words);
  /// The settings have no place for it any more: it ends as it stands. Nothing is moved.
  void end(const std::string& words, std::int64_t now_ms);
  /// A backend of NEW that was taken out may serve again: it was repaired, or is another one under
  /// its address. What it did before is forgotten, what it does from now on counts.
  void readmitted(const std::string& backend);

  /// An operator's word. A sentence when the state does not allow it.
  Result<RolloutSteps, std::string> steer(RolloutVerb verb, const std::string& who,
                                          const RolloutSurroundings& around);

  /// The release that begins when this one has ended; the one that waited before is forgotten.
  void queue(QueuedRollout next);
  /// It is about to begin.
  std::optional<QueuedRollout> take_queued();

  const RolloutRecord& record() const { return record_; }
  RolloutStatus status() const;
  bool wants_mirror() const { return record_.state == RolloutState::mirroring; }
  /// True when more than counts of what is kept on disk has changed since the last call.
  bool take_changed() { return std::exchange(changed_, false); }
  /// What was decided since the last call.
  std::vector<RolloutDecision> take_decisions() { return std::exchange(news_, {}); }
  double evidence() const { return evidence_.total(); }

 private:
  struct Verdict {
    std::string reason;
    std::string words;
  };

  struct Delayed {
    std::int64_t due_ms;
    std::int64_t seen_ms;
    Observation seen;        ///< of NEW
    std::uint64_t old_good;  ///< of OLD in the same tick
    std::uint64_t old_bad;
  };

  // rollout.cpp
  EvidenceRules rules() const;
  void begin_period(std::int64_t now_ms);
  void compact_ledger();
  bool has_traffic() const { return record_.weight > 0; }
  std::uint32_t target() const;
  bool is_last_step() const { return record_.step == record_.policy.steps.size(); }
  bool is_promotion(std::uint32_t weight) const;
  void become(RolloutState state, const Verdict& why, std::int64_t now_ms);
  void decide(const std::string& decision, const Verdict& why, std::int64_t now_ms);
  void hold(const Verdict& why, std::int64_t now_ms, RolloutSteps& out);
  void go_on(std::int64_t now_ms);
  void order_weight(std::uint32_t weight, bool is_urgent, RolloutSteps& out);
  void begin_roll_back(const Verdict& why, std::int64_t now_ms, RolloutSteps& out);
  void tick_staged(const RolloutSurroundings& around, RolloutSteps& out);
  void tick_mirroring(const RolloutSurroundings& around, RolloutSteps& out);
  void tick_moving(const RolloutSurroundings& around, RolloutSteps& out);
  void tick_ended(const RolloutSurroundings& around, RolloutSteps& out);

  // rollout_advance.cpp
  std::optional<Verdict> obstacle(const RolloutSurroundings& around) const;
  std::optional<Verdict> bad_query(std::optional<RolloutReaction> action) const;
  std::optional<Verdict> missing_evidence(std::int64_t now_ms) const;
  std::uint32_t next_weight() const;
  void advance(const RolloutSurroundings& around, RolloutSteps& out);
  void try_advance(const RolloutSurroundings& around, RolloutSteps& out);
  void slew(const RolloutSurroundings& around, RolloutSteps& out);
  bool passes_gate(const RolloutSurroundings& around, RolloutSteps& out);
  void begin_look(std::int64_t now_ms);
  bool is_look_calm(std::int64_t now_ms) const;
  void warn_of_thin_steps(const RolloutSurroundings& around);
  bool inconclusive(const Verdict& why, const RolloutSurroundings& around, RolloutSteps& out);
  bool is_frozen_now(const RolloutSurroundings& around) const;

  // rollout_judge.cpp
  void release(std::int64_t now_ms);
  void count(const Observation& observation, std::int64_t seen_ms);
  void count_run(const Delayed& delayed);
  bool detect(const RolloutSurroundings& around, RolloutSteps& out);
  void take_back(const Verdict& why, const RolloutSurroundings& around, RolloutSteps& out);
  std::optional<Verdict> catastrophe(const RolloutSurroundings& around) const;
  std::optional<Verdict> breach(const RolloutSurroundings& around, double sound) const;
  std::optional<Verdict> guard_breach(bool of_new) const;
  std::optional<Verdict> guard_breach(const VersionCounts& counts, std::uint64_t slow,
                                      bool of_new) const;
  double sound_evidence(const RolloutSurroundings& around) const;
  const BackendBad* worst_backend(Stream stream, std::uint64_t& of_all) const;
  bool may_eject(const RolloutSurroundings& around) const;
  bool eject_worst(const RolloutSurroundings& around, RolloutSteps& out);
  bool step_back(const RolloutSurroundings& around, double sound, RolloutSteps& out);
  Verdict evidence_verdict() const;

  // rollout_verbs.cpp
  Result<RolloutSteps, std::string> pause(const std::string& who, std::int64_t now_ms);
  Result<RolloutSteps, std::string> resume(const std::string& who, std::int64_t now_ms);
  Result<RolloutSteps, std::string> promote(const std::string& who, std::int64_t now_ms);
  Result<RolloutSteps, std::string> promote_full(const std::string& who, std::int64_t now_ms);
  Result<RolloutSteps, std::string> undo(const std::string& who, std::int64_t now_ms);
  Result<RolloutSteps, std::string> approve(const std::string& who, std::int64_t now_ms);
  Result<RolloutSteps, std::string> retry(const std::string& who, std::int64_t now_ms);
  std::optional<std::string> nowhere_to_go(const RolloutSurroundings& around) const;
  std::string refusal(const std::string& verb, const std::string& when) const;

  // rollout_status.cpp
  void say_next(RolloutStatus& status) const;
  double threshold() const { return 1 / record_.policy.alpha; }
  double hold_threshold() const;

  RolloutRecord record_;
  Evidence evidence_;
  /// A fresh look at the present step: what was suspicious once must not hold for ever when nothing
  /// more of it comes.
  Evidence look_;
  VersionCounts look_new_;
  VersionCounts look_old_;
  std::uint64_t look_slow_old_ = 0;  ///< slower than guard.max_p99
  std::int64_t look_since_ms_ = 0;
  Observation total_;  ///< of the ledger
  std::deque<Delayed> delayed_;
  std::deque<std::pair<std::int64_t, std::uint64_t>> slow_delayed_;  ///< due, guard_slow_new
  std::vector<RolloutDecision> news_;
  std::vector<FreezeWindow> freeze_;
  std::optional<std::uint32_t> ordered_;  ///< weight on its way
  std::int64_t last_slew_ms_ = 0;
  std::int64_t gate_asked_ms_ = 0;
  std::size_t compact_at_ = 800;  ///< entries of the ledger
  bool is_warned_ = false;
  std::string would_roll_back_;  ///< the reason that was told last
  bool changed_ = true;
};

}  // namespace sluice::core
