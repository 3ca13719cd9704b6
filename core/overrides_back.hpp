#pragma once

#include <string>

#include "core/overrides.hpp"

/// The way back from a reload, when other settings have dropped what was changed at run time.
namespace sluice::core {

/// What was changed at run time around a reload.
struct OverridesAround {
  Overrides before;  ///< in force when it came
  Overrides kept;    ///< of those, what held over its settings
  Overrides now;     ///< in force when it is taken back
};

/// The overrides to lay over `settings`, which were configured before the reload: `before`, but
/// where something was changed or taken back since, that holds, as if it had been changed over
/// `settings`. Weights set since for pools that the route does not have in `settings` do not fit
/// there: then those before count. Rollouts are those of `now`. Pure.
Overrides overrides_back(const Settings& settings, const OverridesAround& around);

/// The id of a rollout under way in `now` that would end with `settings`, which must be valid; ""
/// when each goes on. Pure.
std::string ended_rollout(const Settings& settings, const Overrides& now);

}  // namespace sluice::core
