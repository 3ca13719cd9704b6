#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/latency.hpp"
#include "proxy/rollouts.hpp"

namespace sluice::proxy {

/// One rollout as the control thread has it: the machine and what goes on around it.
struct Rollouts::Live {
  explicit Live(core::RolloutRecord record) : machine(std::move(record)) {}

  const core::RolloutRecord& record() const { return machine.record(); }
  /// Its requests are still compared.
  bool is_judging() const { return core::is_before_promotion(record().state); }

  core::Rollout machine;
  std::uint64_t key = 0;
  core::LatencyGauge gauge;
  TrialLimits limits;
  std::optional<std::int64_t> old_p99_ms;
  std::uint64_t old_overdue = 0;
  TimePoint followed{};      ///< the gauge, until then
  bool asks = false;         ///< workers are being asked
  bool mirrors = false;      ///< workers know that copies are wanted
  bool is_trial_on = false;  ///< workers count for it
  TimePoint asked_until{};   ///< after its end
  bool old_is_quiet = false;
  std::unique_ptr<RolloutHooks> hooks;
  std::unique_ptr<RolloutQueries> queries;
};

/// What the rollouts of a route have done since the start of the process.
struct Rollouts::Totals {
  std::map<std::pair<std::string, std::string>, std::uint64_t> decisions;  ///< decision, reason
  std::map<std::string, double> hold_seconds;                              ///< by reason
  std::map<std::pair<std::string, std::string>, std::uint64_t> bad;        ///< pool, stream
  std::uint64_t shielded = 0;
};

/// The share of NEW in what the two pools of a rollout have, in hundredths of a percent.
std::uint32_t new_weight(const std::vector<ShareSettings>& shares,
                         const core::RolloutRecord& rollout);

}  // namespace sluice::proxy
