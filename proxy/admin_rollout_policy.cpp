#include "proxy/admin_rollout_policy.hpp"

#include <span>
#include <string>
#include <utility>

#include "proxy/admin_policy_values.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

/// One key of a section and how its value is taken.
template <class S>
struct Key {
  std::string_view name;
  Objection (*take)(const json::value& value, const std::string& where, S& section);
};

template <class S, auto member>
Objection plain(const json::value& value, const std::string& where, S& section) {
  return take(value, where, section.*member);
}

template <class S, auto member>
Objection percent(const json::value& value, const std::string& where, S& section) {
  return take_percent(value, where, section.*member);
}

template <class S>
Objection take_section(const json::value& value, const std::string& where,
                       std::span<const Key<S>> keys, S& section) {
  const json::object* object = value.if_object();
  if (object == nullptr) return wrong_type(where, value, "an object");
  std::vector<std::string_view> names;
  for (const Key<S>& key : keys) names.push_back(key.name);
  if (auto denial = unknown_member(*object, names, where)) return denial;
  for (const Key<S>& key : keys) {
    const json::value* given = object->if_contains({key.name.data(), key.name.size()});
    if (given == nullptr) continue;
    if (auto denial = key.take(*given, where + "." + std::string(key.name), section)) return denial;
  }
  return std::nullopt;
}

using Gate = GateSettings;
constexpr Key<Gate> gate_keys[] = {
    {"before", percent<Gate, &Gate::before>},
    {"manual", plain<Gate, &Gate::manual>},
    {"hook", plain<Gate, &Gate::hook>},
    {"timeout", plain<Gate, &Gate::timeout>},
    {"on_timeout", plain<Gate, &Gate::on_timeout>},
};

using Hook = HookSettings;
constexpr Key<Hook> hook_keys[] = {
    {"on", plain<Hook, &Hook::on>},           {"url", plain<Hook, &Hook::url>},
    {"command", plain<Hook, &Hook::command>}, {"timeout", plain<Hook, &Hook::timeout>},
    {"retries", plain<Hook, &Hook::retries>},
};

using Asked = QuerySettings;
constexpr Key<Asked> query_keys[] = {
    {"prometheus", plain<Asked, &Asked::prometheus>}, {"expr", plain<Asked, &Asked::expr>},
    {"bad_when", plain<Asked, &Asked::bad_when>},     {"samples", plain<Asked, &Asked::samples>},
    {"interval", plain<Asked, &Asked::interval>},     {"action", plain<Asked, &Asked::action>},
};

using Errors = RolloutErrorSettings;
constexpr Key<Errors> error_keys[] = {
    {"statuses", plain<Errors, &Errors::statuses>},
    {"tolerance", plain<Errors, &Errors::tolerance>},
    {"max_rate", plain<Errors, &Errors::max_rate>},
};

using Latency = RolloutLatencySettings;
constexpr Key<Latency> latency_keys[] = {
    {"tolerance", plain<Latency, &Latency::tolerance>},
    {"slack", plain<Latency, &Latency::slack>},
    {"quantiles", plain<Latency, &Latency::quantiles>},
};

using Guard = RolloutGuardSettings;
constexpr Key<Guard> guard_keys[] = {
    {"max_error_rate", plain<Guard, &Guard::max_error_rate>},
    {"max_p99", plain<Guard, &Guard::max_p99>},
};

using Mirrored = MirrorSettings;
Objection take_max_body(const json::value& value, const std::string& where, Mirrored& mirror) {
  return take_size(value, where, mirror.max_body);
}
constexpr Key<Mirrored> mirror_keys[] = {
    {"time", plain<Mirrored, &Mirrored::time>},
    {"share", plain<Mirrored, &Mirrored::share>},
    {"max_body", take_max_body},
};

template <auto member, auto& keys>
Objection section(const json::value& value, const std::string& where, RolloutSettings& policy) {
  auto& below = policy.*member;
  using Section = std::remove_reference_t<decltype(below)>;
  return take_section(value, where, std::span<const Key<Section>>(keys), below);
}

/// An array of sections, which replaces the one that is there.
template <auto member, auto& keys>
Objection sections(const json::value& value, const std::string& where, RolloutSettings& policy) {
  auto& list = policy.*member;
  using Section = typename std::remove_reference_t<decltype(list)>::value_type;
  return take_list(value, where, "an array of objects", list,
                   [](const json::value& item, const std::string& place, Section& below) {
                     return take_section(item, place, std::span<const Key<Section>>(keys), below);
                   });
}

Objection take_steps(const json::value& value, const std::string& where, RolloutSettings& policy) {
  return take_list(value, where, "an array of percents, such as [1, 5, 25, 50, 95]", policy.steps,
                   take_percent);
}

Objection take_slew_of(const json::value& value, const std::string& where,
                       RolloutSettings& policy) {
  return take_slew(value, where, policy.slew);
}

using Policy = RolloutSettings;
constexpr Key<Policy> policy_keys[] = {
    {"mode", plain<Policy, &Policy::mode>},
    {"steps", take_steps},
    {"step_time", plain<Policy, &Policy::step_time>},
    {"step_timeout", plain<Policy, &Policy::step_timeout>},
    {"min_requests", plain<Policy, &Policy::min_requests>},
    {"on_inconclusive", plain<Policy, &Policy::on_inconclusive>},
    {"bake", plain<Policy, &Policy::bake>},
    {"retain_old", plain<Policy, &Policy::retain_old>},
    {"deadline", plain<Policy, &Policy::deadline>},
    {"alpha", plain<Policy, &Policy::alpha>},
    {"supersede", plain<Policy, &Policy::supersede>},
    {"shield", plain<Policy, &Policy::shield>},
    {"shield_budget", plain<Policy, &Policy::shield_budget>},
    {"slew", take_slew_of},
    {"catastrophe", plain<Policy, &Policy::catastrophe>},
    {"freeze", plain<Policy, &Policy::freeze>},
    {"errors", section<&Policy::errors, error_keys>},
    {"latency", section<&Policy::latency, latency_keys>},
    {"guard", section<&Policy::guard, guard_keys>},
    {"mirror", section<&Policy::mirror, mirror_keys>},
    {"gate", sections<&Policy::gates, gate_keys>},
    {"hook", sections<&Policy::hooks, hook_keys>},
    {"query", sections<&Policy::queries, query_keys>},
};

}  // namespace

Outcome<RolloutSettings> read_rollout_policy(const json::value& policy, RolloutSettings base) {
  if (auto denial = take_section(policy, "policy", std::span<const Key<Policy>>(policy_keys), base))
    return *denial;
  return base;
}

}  // namespace sluice::proxy
