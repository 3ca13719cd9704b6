#pragma once

#include <array>

#include "conf/keys.hpp"
#include "sluice/rollout_settings.hpp"

/// Whom a rollout asks and tells: [[gate]], [[hook]] and [[query]] of a policy.
namespace sluice::conf {

void read_gate_before(const Spot& spot, GateSettings& out, Reading& reading);
void read_gate_on_timeout(const Spot& spot, GateSettings& out, Reading& reading);
void read_hook_on(const Spot& spot, HookSettings& out, Reading& reading);
void read_query_action(const Spot& spot, QuerySettings& out, Reading& reading);

inline constexpr std::array<Key<GateSettings>, 5> gate_keys{{
    {"before", read_gate_before},
    {"manual", read_member<&GateSettings::manual>},
    {"hook", read_member<&GateSettings::hook>},
    {"timeout", read_member<&GateSettings::timeout>},
    {"on_timeout", read_gate_on_timeout},
}};

inline constexpr std::array<Key<HookSettings>, 5> hook_keys{{
    {"on", read_hook_on},
    {"url", read_member<&HookSettings::url>},
    {"command", read_member<&HookSettings::command>},
    {"timeout", read_member<&HookSettings::timeout>},
    {"retries", read_member<&HookSettings::retries>},
}};

inline constexpr std::array<Key<QuerySettings>, 6> query_keys{{
    {"prometheus", read_member<&QuerySettings::prometheus>},
    {"expr", read_member<&QuerySettings::expr>},
    {"bad_when", read_member<&QuerySettings::bad_when>},
    {"samples", read_member<&QuerySettings::samples>},
    {"interval", read_member<&QuerySettings::interval>},
    {"action", read_query_action},
}};

/// Each reads the array of tables in place of what `out` holds.
void read_gates(const Spot& spot, RolloutSettings& out, Reading& reading);
void read_hooks(const Spot& spot, RolloutSettings& out, Reading& reading);
void read_queries(const Spot& spot, RolloutSettings& out, Reading& reading);

}  // namespace sluice::conf
