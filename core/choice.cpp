#include "core/choice.hpp"

#include <algorithm>

#include "core/hop.hpp"

namespace sluice::core {
namespace {

bool is_excluded(ShareSet excluded, ShareIndex share) {
  return (excluded >> share & 1U) != 0;
}

std::string_view field_value(const Fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return iequals(field.name, name); });
  return found == fields.end() ? std::string_view{} : found->value;
}

std::string_view read_unit(const StickySettings& sticky, const RequestHead& head,
                           std::string_view client_ip) {
  switch (sticky.kind) {
    case StickyKind::none:
      return {};
    case StickyKind::cookie:
      return cookie_value(head.fields, sticky.name);
    case StickyKind::header:
      return field_value(head.fields, sticky.name);
    case StickyKind::client_ip:
      return client_ip;
  }
  return {};
}

}  // namespace

std::string_view to_string(Why why) {
  switch (why) {
    case Why::none:
      return "none";
    case Why::force:
      return "force";
    case Why::sticky:
      return "sticky";
    case Why::draw:
      return "draw";
    case Why::spill:
      return "spill";
    case Why::shield:
      return "shield";
  }
  return "none";
}

Steering steer(const RoutePlan& route, const RequestHead& head, std::string_view client_ip) {
  return steer(route, route.salt, head, client_ip);
}

Steering steer(const RoutePlan& route, std::uint64_t salt, const RequestHead& head,
               std::string_view client_ip) {
  Steering steering;
  if (!route.steers) return steering;
  for (const ForceRule& rule : route.force) {
    const std::string_view value =
        rule.cookie ? cookie_value(head.fields, rule.name) : field_value(head.fields, rule.name);
    if (!value.empty() && value == rule.value) {
      steering.forced = rule.share;
      break;
    }
  }
  const StickySettings& sticky = route.settings.sticky;
  const std::string_view unit = read_unit(sticky, head, client_ip);
  if (!unit.empty()) steering.unit = sticky_hash(salt, unit);
  steering.needs_cookie = sticky.kind == StickyKind::cookie && unit.empty();
  return steering;
}

void assign_unit(Steering& steering, std::uint64_t salt, std::string_view value) {
  steering.unit = sticky_hash(salt, value);
}

std::optional<Choice> choose_share(const Split& split, const Steering& steering,
                                   std::uint64_t random, ShareSet excluded) {
  if (steering.forced && !is_excluded(excluded, *steering.forced)) {
    return Choice{*steering.forced, Why::force};
  }
  const auto share =
      steering.unit ? split.at(*steering.unit, excluded) : split.draw(random, excluded);
  if (!share) return std::nullopt;
  const Why why = excluded != 0 ? Why::spill : steering.unit ? Why::sticky : Why::draw;
  return Choice{*share, why};
}

}  // namespace sluice::core
