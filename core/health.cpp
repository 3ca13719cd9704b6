#include "core/health.hpp"

namespace sluice::core {

std::string_view to_string(HealthState state) {
  switch (state) {
    case HealthState::unchecked:
      return "unchecked";
    case HealthState::unknown:
      return "unknown";
    case HealthState::up:
      return "up";
    case HealthState::down:
      return "down";
  }
  return "unknown";
}

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
