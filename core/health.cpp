#include "core/health.hpp"

namespace sluice::core {

bool Health::observe(bool success) {
  const HealthState verdict = success ? HealthState::up : HealthState::down;
  if (state_ == verdict) {
    run_ = 0;
    return false;
  }
  const unsigned needed = state_ == HealthState::unknown ? 1 : success ? rise_ : fall_;
  if (++run_ < needed) return false;
  state_ = verdict;
  run_ = 0;
  return true;
}

}  // namespace sluice::core
