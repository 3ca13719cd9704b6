#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/latency.hpp"
#include "core/ledger.hpp"
#include "core/rollout.hpp"
#include "core/trial.hpp"
#include "proxy/deadline.hpp"
#include "proxy/local_ptr.hpp"

/// What one worker counts for the rollouts under way. On the worker's thread only; what is reported
/// leaves it as a value.
namespace sluice::proxy {

/// The versions of a rollout.
enum class Arm : std::uint8_t { old_pool, new_pool };

/// When a request is slow, in nanoseconds to the response head; frozen from tick to tick. 0: not
/// known yet, or not asked for: nothing is judged.
struct TrialLimits {
  static constexpr std::size_t quantiles = 3;
  std::array<std::uint64_t, quantiles> old_ns{};  ///< p50, p90, p99 of OLD
  std::array<std::uint64_t, quantiles> new_ns{};  ///< the same with the tolerance
  std::uint64_t overdue_ns = 0;                   ///< p99 of OLD, whatever is judged
  std::uint64_t guard_ns = 0;                     ///< rollout.guard.max_p99
  std::uint32_t period = 0;                       ///< of the rollout's ledger
};

/// Which of how many workers this is. A unit is judged by one of them only, so that no two count
/// it.
struct WorkerPlace {
  std::size_t index = 0;
  std::size_t count = 1;
};

/// Units that were seen, by hash. Two may share a place: then the second one is not judged,
/// whatever becomes of it.
class UnitSet {
 public:
  /// False when it was there, or another one in its place.
  bool insert(std::uint64_t hash);
  void clear() { words_.clear(); }

 private:
  static constexpr std::size_t bits = 1U << 18U;
  std::vector<std::uint64_t> words_;  ///< empty until the first one
};

/// What a worker has counted since it was asked last.
struct TrialReport {
  std::vector<core::Observation> seen;
  core::RolloutExtras extras;
  core::LatencyHistogram old_latency;  ///< ever, successes only
  std::uint64_t old_overdue = 0;       ///< waiting now, longer than OLD's p99
};

class TrialProbe;

/// The counts of one rollout.
class TrialTally : public LocalCounted {
 public:
  TrialTally(std::uint64_t key, WorkerPlace place) : key_(key), place_(place) {}

  std::uint64_t key() const { return key_; }
  /// Takes what was counted; looks after requests that still wait. `limits` hold from now on.
  TrialReport report(const TrialLimits& limits, TimePoint now);

  /// The drawn pool could not serve at all.
  void count_unserved(const core::Trial& trial, Arm arm, std::optional<std::uint64_t> unit);
  bool has_shield() const { return shield_credit_ >= 1; }
  /// Takes the price of one shielded request; false when OLD must not get more of them.
  bool spend_shield();
  void count_shielded() { ++extras_.shielded; }
  void count_delivered() { ++extras_.bad_delivered; }
  /// A copy was answered; `differs`: not as the original was.
  void count_mirrored(bool differs);
  /// Slower than the p99 of OLD allows.
  bool is_slow_for_new(std::uint64_t ns) const {
    return limits_.new_ns.back() != 0 && ns > limits_.new_ns.back();
  }

 private:
  friend class TrialProbe;
  struct Event {
    sluice::Stream stream;
    bool is_bad;
  };

  core::Observation& observation(double weight);
  void count(const TrialProbe& probe, Event event);
  void count_guard(const TrialProbe& probe);
  void earn_shield(double budget);

  static constexpr double shield_capacity = 100;

  std::uint64_t key_;
  WorkerPlace place_;
  std::vector<core::Observation> seen_;
  UnitSet units_ever_;
  UnitSet units_in_period_;
  core::RolloutExtras extras_;
  core::LatencyHistogram old_latency_;
  TrialLimits limits_;
  double shield_credit_ = shield_capacity;
  TrialProbe* waiting_head_ = nullptr;  ///< in the order in which they were sent
  TrialProbe* waiting_tail_ = nullptr;
};

/// All rollouts that a worker counts for. A tally lives until it is ended, and as long as a request
/// is judged by it.
class Trials {
 public:
  explicit Trials(WorkerPlace place) : place_(place) {}

  /// Makes the tally of `key`, unless it is there.
  void begin(std::uint64_t key);
  /// The tally of `key`, or null.
  TrialTally* find(std::uint64_t key) const;
  void end(std::uint64_t key);

 private:
  WorkerPlace place_;
  std::vector<LocalPtr<TrialTally>> tallies_;
};

/// One first attempt under judgement. Lives inside its exchange; an attempt that is given up
/// without an outcome (the client left) counts nowhere, but for the quantiles it has passed.
class TrialProbe {
 public:
  TrialProbe() = default;
  TrialProbe(const TrialProbe&) = delete;
  TrialProbe& operator=(const TrialProbe&) = delete;
  ~TrialProbe() { leave(); }

  struct Subject {
    Arm arm = Arm::old_pool;
    std::string_view backend;  ///< outlives the probe's attempt; "": the pool as a whole
    std::optional<std::uint64_t> unit;
  };

  /// The attempt begins.
  void begin(TrialTally& tally, const core::Trial& trial, Subject subject);
  bool is_judging() const { return static_cast<bool>(tally_); }
  /// The request is on its way; `now` begins the time to the response head.
  void wait_from(TimePoint now);
  /// The response head is there.
  void answered(unsigned status, std::uint64_t head_ns);
  /// The attempt broke; after the head only its body did.
  void failed();
  /// No verdict.
  void leave();

 private:
  friend class TrialTally;
  void unlink();
  void look_up_unit();
  void judge_latency(std::uint64_t head_ns);

  LocalPtr<TrialTally> tally_;
  const core::Trial* trial_ = nullptr;  ///< pinned by the request's plan
  Subject subject_;
  TimePoint sent_;
  TrialProbe* previous_ = nullptr;
  TrialProbe* next_ = nullptr;
  std::array<bool, TrialLimits::quantiles> passed_{};  ///< counted as slow while it waited
  bool is_first_ever_ = true;                          ///< of its unit
  bool is_first_in_period_ = true;
  bool is_waiting_ = false;
  bool is_answered_ = false;
  bool is_bad_ = false;
  bool passed_guard_ = false;
};

}  // namespace sluice::proxy
