#include "sluice/status.hpp"

namespace sluice {

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

std::string_view to_string(DrainState state) {
  switch (state) {
    case DrainState::none:
      return "none";
    case DrainState::draining:
      return "draining";
    case DrainState::drained:
      return "drained";
  }
  return "none";
}

}  // namespace sluice
