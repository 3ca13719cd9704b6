#pragma once

#include <array>
#include <string_view>

namespace sluice::core {

/// What hooks hear of: HookSettings::on, RolloutStep::event.
inline constexpr std::array<std::string_view, 6> rollout_events = {
    "started", "step", "held", "rolled_back", "promoted", "drained"};

}  // namespace sluice::core
