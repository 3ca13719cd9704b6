#include "conf/rollout_keys.hpp"

#include <array>

#include "conf/keys.hpp"
#include "conf/rollout_contact_keys.hpp"

namespace sluice::conf {
namespace {

void read_mode(const Spot& spot, RolloutSettings& out, Reading& reading) {
  constexpr std::array<std::string_view, 2> names{"act", "observe"};
  constexpr std::array<RolloutMode, 2> values{RolloutMode::act, RolloutMode::observe};
  const std::size_t chosen = read_word(spot, names, reading);
  if (chosen < values.size()) out.mode = values[chosen];
}

void read_steps(const Spot& spot, RolloutSettings& out, Reading& reading) {
  read_percentages(spot, out.steps, reading);
}

void read_min_requests(const Spot& spot, RolloutSettings& out, Reading& reading) {
  read_count(spot, out.min_requests, reading);
}

void read_on_inconclusive(const Spot& spot, RolloutSettings& out, Reading& reading) {
  constexpr std::array<std::string_view, 3> names{"hold", "advance", "rollback"};
  constexpr std::array<Inconclusive, 3> values{Inconclusive::hold, Inconclusive::advance,
                                               Inconclusive::rollback};
  const std::size_t chosen = read_word(spot, names, reading);
  if (chosen < values.size()) out.on_inconclusive = values[chosen];
}

void read_supersede(const Spot& spot, RolloutSettings& out, Reading& reading) {
  constexpr std::array<std::string_view, 3> names{"reject", "restart", "queue"};
  constexpr std::array<Supersede, 3> values{Supersede::reject, Supersede::restart,
                                            Supersede::queue};
  const std::size_t chosen = read_word(spot, names, reading);
  if (chosen < values.size()) out.supersede = values[chosen];
}

void read_slew(const Spot& spot, RolloutSettings& out, Reading& reading) {
  read_hundredths(spot, points_a_minute, out.slew, reading);
}

constexpr std::array<Key<RolloutErrorSettings>, 3> error_keys{{
    {"statuses", read_member<&RolloutErrorSettings::statuses>},
    {"tolerance", read_member<&RolloutErrorSettings::tolerance>},
    {"max_rate", read_member<&RolloutErrorSettings::max_rate>},
}};

constexpr std::array<Key<RolloutLatencySettings>, 3> latency_keys{{
    {"tolerance", read_member<&RolloutLatencySettings::tolerance>},
    {"slack", read_member<&RolloutLatencySettings::slack>},
    {"quantiles", read_member<&RolloutLatencySettings::quantiles>},
}};

constexpr std::array<Key<RolloutGuardSettings>, 2> guard_keys{{
    {"max_error_rate", read_member<&RolloutGuardSettings::max_error_rate>},
    {"max_p99", read_member<&RolloutGuardSettings::max_p99>},
}};

constexpr std::array<Key<MirrorSettings>, 3> mirror_keys{{
    {"time", read_member<&MirrorSettings::time>},
    {"share", read_member<&MirrorSettings::share>},
    {"max_body", read_member<&MirrorSettings::max_body>},
}};

constexpr std::array<Key<RolloutSettings>, 23> rollout_keys{{
    {"mode", read_mode},
    {"steps", read_steps},
    {"step_time", read_member<&RolloutSettings::step_time>},
    {"step_timeout", read_member<&RolloutSettings::step_timeout>},
    {"min_requests", read_min_requests},
    {"on_inconclusive", read_on_inconclusive},
    {"bake", read_member<&RolloutSettings::bake>},
    {"retain_old", read_member<&RolloutSettings::retain_old>},
    {"deadline", read_member<&RolloutSettings::deadline>},
    {"alpha", read_member<&RolloutSettings::alpha>},
    {"supersede", read_supersede},
    {"shield", read_member<&RolloutSettings::shield>},
    {"shield_budget", read_member<&RolloutSettings::shield_budget>},
    {"slew", read_slew},
    {"catastrophe", read_member<&RolloutSettings::catastrophe>},
    {"freeze", read_member<&RolloutSettings::freeze>},
    {"errors", read_section<&RolloutSettings::errors, error_keys>, list_keys<error_keys>},
    {"latency", read_section<&RolloutSettings::latency, latency_keys>, list_keys<latency_keys>},
    {"guard", read_section<&RolloutSettings::guard, guard_keys>, list_keys<guard_keys>},
    {"mirror", read_section<&RolloutSettings::mirror, mirror_keys>, list_keys<mirror_keys>},
    {"gate", read_gates, list_element_keys<gate_keys>},
    {"hook", read_hooks, list_element_keys<hook_keys>},
    {"query", read_queries, list_element_keys<query_keys>},
}};

}  // namespace

void read_rollout(const Spot& spot, RolloutSettings& out, Reading& reading) {
  read_table<rollout_keys>(spot, out, reading);
}

void list_rollout_keys(const std::string& path, std::vector<std::string>& out) {
  list_keys<rollout_keys>(path, out);
}

}  // namespace sluice::conf
