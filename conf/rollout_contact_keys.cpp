#include "conf/rollout_contact_keys.hpp"

#include "core/rollout_events.hpp"

namespace sluice::conf {
namespace {

void read_reaction(const Spot& spot, RolloutReaction& out, Reading& reading) {
  constexpr std::array<std::string_view, 2> names{"hold", "rollback"};
  constexpr std::array<RolloutReaction, 2> values{RolloutReaction::hold, RolloutReaction::rollback};
  const std::size_t chosen = read_word(spot, names, reading);
  if (chosen < values.size()) out = values[chosen];
}

}  // namespace

void read_gate_before(const Spot& spot, GateSettings& out, Reading& reading) {
  read_hundredths(spot, percentage, out.before, reading);
}

void read_gate_on_timeout(const Spot& spot, GateSettings& out, Reading& reading) {
  read_reaction(spot, out.on_timeout, reading);
}

void read_hook_on(const Spot& spot, HookSettings& out, Reading& reading) {
  read_words(spot, core::rollout_events, out.on, reading);
}

void read_query_action(const Spot& spot, QuerySettings& out, Reading& reading) {
  read_reaction(spot, out.action, reading);
}

void read_gates(const Spot& spot, RolloutSettings& out, Reading& reading) {
  out.gates.clear();
  for (const Spot& one : read_elements(spot, "tables, each written [[...gate]]", reading)) {
    read_table<gate_keys>(one, out.gates.emplace_back(), reading);
    require_key(one, "before", reading);
  }
}

void read_hooks(const Spot& spot, RolloutSettings& out, Reading& reading) {
  out.hooks.clear();
  for (const Spot& one : read_elements(spot, "tables, each written [[...hook]]", reading)) {
    read_table<hook_keys>(one, out.hooks.emplace_back(), reading);
    require_key(one, "on", reading);
  }
}

void read_queries(const Spot& spot, RolloutSettings& out, Reading& reading) {
  out.queries.clear();
  for (const Spot& one : read_elements(spot, "tables, each written [[...query]]", reading)) {
    read_table<query_keys>(one, out.queries.emplace_back(), reading);
    require_key(one, "prometheus", reading);
    require_key(one, "expr", reading);
    require_key(one, "bad_when", reading);
  }
}

}  // namespace sluice::conf
