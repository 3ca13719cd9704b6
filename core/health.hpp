#pragma once

#include "sluice/status.hpp"

namespace sluice::core {

using sluice::HealthState;
using sluice::to_string;

/// The verdict on one backend from its checks.
///
///     unknown --success--> up        one check decides at first
///     unknown --failure--> down
///     up   --`fall` failures in a row--> down
///     down --`rise` successes in a row--> up
///
/// Checks never stop (pitfall P18).
class Health {
 public:
  /// Starts unknown, also for a backend restored from a state file (pitfall P17), unless `known` is
  /// a verdict to go on from.
  Health(unsigned rise, unsigned fall, HealthState known = HealthState::unknown)
      : rise_(rise),
        fall_(fall),
        state_(known == HealthState::unchecked ? HealthState::unknown : known) {}

  HealthState state() const { return state_; }

  /// Takes the result of one check. True when the state changed.
  bool observe(bool success);

 private:
  unsigned rise_;
  unsigned fall_;
  unsigned run_ = 0;  ///< results in a row against the present state
  HealthState state_;
};

}  // namespace sluice::core
