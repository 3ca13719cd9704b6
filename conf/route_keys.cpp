#include "conf/route_keys.hpp"

#include <algorithm>
#include <array>

#include "conf/keys.hpp"
#include "conf/rollout_keys.hpp"
#include "conf/timeout_keys.hpp"

namespace sluice::conf {
namespace {

constexpr std::array<Key<FieldMatchSettings>, 2> match_keys{{
    {"header", read_member<&FieldMatchSettings::name>},
    {"value", read_member<&FieldMatchSettings::value>},
}};

void read_match(const Spot& spot, RouteSettings& out, Reading& reading) {
  const auto elements = read_elements(spot, R"({ header = "...", value = "..." })", reading);
  for (const Spot& one : elements) {
    read_table<match_keys>(one, out.fields.emplace_back(), reading);
    require_key(one, "header", reading);
    require_key(one, "value", reading);
  }
}

void read_split(const Spot& spot, RouteSettings& out, Reading& reading) {
  for (const Named& one : read_named(spot, "a table of pool = weight", reading)) {
    ShareSettings& share = out.split.emplace_back();
    share.pool = one.name;
    read_weight(one.spot, share.weight, reading);
  }
}

/// Reports the keys of `spot` that exclude each other, `wanted`, when there is not exactly one.
void require_one(const Spot& spot, std::span<const std::string_view> keys, std::string_view wanted,
                 Reading& reading) {
  const auto* table = spot.node.as<Table>();
  if (table == nullptr) return;
  std::vector<const Member*> present;
  bool misspelt = false;
  for (const std::string_view key : keys) {
    misspelt = misspelt || reading.unread_within(below(spot.path, key));
  }
  for (const Member& member : *table) {
    if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) present.push_back(&member);
  }
  if (present.size() == 1 || (present.empty() && misspelt)) return;
  if (present.empty()) {
    reading.report(reading.place_of(spot.path),
                   spot.path + ": expected exactly one of " + std::string(wanted));
  } else {
    reading.report(present[1]->place, spot.path + ": found " + in_quotes(present[0]->key) +
                                          " and " + in_quotes(present[1]->key) +
                                          ", expected exactly one of " + std::string(wanted));
  }
  reading.mark_unread(spot.path);
}

void read_sticky_cookie(const Spot& spot, StickySettings& out, Reading& reading) {
  out.kind = StickyKind::cookie;
  read_value(spot, out.name, reading);
}

void read_sticky_header(const Spot& spot, StickySettings& out, Reading& reading) {
  out.kind = StickyKind::header;
  read_value(spot, out.name, reading);
}

void read_sticky_client_ip(const Spot& spot, StickySettings& out, Reading& reading) {
  out.kind = StickyKind::client_ip;
  const bool* on = expect<bool>(spot, "true", reading);
  if (on != nullptr && !*on) {
    reading.reject(spot, "found false, expected true; leave out 'sticky' to draw every request");
  }
}

constexpr std::array<Key<StickySettings>, 3> sticky_keys{{
    {"cookie", read_sticky_cookie},
    {"header", read_sticky_header},
    {"client_ip", read_sticky_client_ip},
}};

void read_sticky(const Spot& spot, RouteSettings& out, Reading& reading) {
  constexpr std::array<std::string_view, 3> kinds{"cookie", "header", "client_ip"};
  read_table<sticky_keys>(spot, out.sticky, reading);
  require_one(spot, kinds, "'cookie', 'header' and 'client_ip'", reading);
}

void read_force_header(const Spot& spot, ForceSettings& out, Reading& reading) {
  out.cookie = false;
  read_value(spot, out.name, reading);
}

void read_force_cookie(const Spot& spot, ForceSettings& out, Reading& reading) {
  out.cookie = true;
  read_value(spot, out.name, reading);
}

constexpr std::array<Key<ForceSettings>, 4> force_keys{{
    {"header", read_force_header},
    {"cookie", read_force_cookie},
    {"value", read_member<&ForceSettings::value>},
    {"pool", read_member<&ForceSettings::pool>},
}};

void read_force(const Spot& spot, RouteSettings& out, Reading& reading) {
  constexpr std::array<std::string_view, 2> kinds{"header", "cookie"};
  const auto elements =
      read_elements(spot, R"({ header = "...", value = "...", pool = "..." })", reading);
  for (const Spot& one : elements) {
    read_table<force_keys>(one, out.force.emplace_back(), reading);
    require_one(one, kinds, "'header' and 'cookie'", reading);
    require_key(one, "value", reading);
    require_key(one, "pool", reading);
  }
}

void read_route_rollout(const Spot& spot, RouteSettings& out, Reading& reading) {
  read_rollout(spot, out.rollout, reading);
}

void list_split_keys(const std::string& path, std::vector<std::string>& out) {
  out.push_back(path + ".*");
}

constexpr std::array<Key<RouteSettings>, 9> route_keys{{
    {"host", read_member<&RouteSettings::host>},
    {"path", read_member<&RouteSettings::path>},
    {"methods", read_member<&RouteSettings::methods>},
    {"match", read_match, list_element_keys<match_keys>},
    {"split", read_split, list_split_keys},
    {"sticky", read_sticky, list_keys<sticky_keys>},
    {"force", read_force, list_element_keys<force_keys>},
    {"timeouts", read_section<&RouteSettings::timeouts, timeout_keys>, list_keys<timeout_keys>},
    {"rollout", read_route_rollout, list_rollout_keys},
}};

}  // namespace

RouteSettings read_route(const Named& named, const TimeoutSettings& inherited, Reading& reading) {
  RouteSettings route;
  route.name = named.name;
  route.timeouts = inherited;
  read_table<route_keys>(named.spot, route, reading);
  return route;
}

void list_route_keys(const std::string& path, std::vector<std::string>& out) {
  list_named_keys<route_keys>(path, out);
}

}  // namespace sluice::conf
