#include <algorithm>
#include <string>
#include <unordered_map>

#include "core/address.hpp"
#include "core/octets.hpp"
#include "core/quoted.hpp"
#include "core/router.hpp"
#include "core/split.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

bool is_route_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    const std::string_view ip = host.substr(1, host.size() - 2);
    return ip.find(':') != std::string_view::npos && parse_ip(ip).has_value();
  }
  if (host.starts_with(wildcard_prefix)) {
    return is_host_name(host.substr(wildcard_prefix.size()));
  }
  return is_host_name(host) || parse_ip(host).has_value();
}

void check_host(std::string_view host, const std::string& where, std::vector<Problem>& problems) {
  if (host.empty() || is_route_host(host)) return;
  problems.push_back({where, quoted(host) + R"( is not a host; allowed are "shop.example.com", )" +
                                 R"("*.example.com" and IP addresses, without a port, or )" +
                                 "nothing for any host."});
}

void check_path(std::string_view path, const std::string& where, std::vector<Problem>& problems) {
  const bool is_clean = std::all_of(path.begin(), path.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '?' && c != '#';
  });
  if (path.starts_with('/') && is_clean) return;
  problems.push_back({where, quoted(path) +
                                 R"( is not a path; allowed are visible ASCII characters but )" +
                                 R"("?" and "#", the first one "/".)"});
}

void check_token(std::string_view name, const char* thing, const std::string& where,
                 std::vector<Problem>& problems) {
  if (is_token(name)) return;
  problems.push_back({where, quoted(name) + " is not the name of a " + thing +
                                 "; allowed are letters, digits and !#$%&'*+-.^_`|~."});
}

void check_value(std::string_view value, const std::string& where, std::vector<Problem>& problems) {
  if (!value.empty() && is_field_text(value) && trim_blanks(value) == value) return;
  problems.push_back({where, quoted(value) +
                                 " can mark no request; allowed is text, at least one character, "
                                 "without control characters and without white space around it."});
}

void check_conditions(const RouteSettings& route, const std::string& where,
                      std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < route.methods.size(); ++i) {
    check_token(route.methods[i], "method", where + ".methods[" + std::to_string(i) + "]",
                problems);
  }
  for (std::size_t i = 0; i < route.fields.size(); ++i) {
    const std::string at = where + ".match[" + std::to_string(i) + "]";
    check_token(route.fields[i].name, "field", at + ".header", problems);
    check_value(route.fields[i].value, at + ".value", problems);
  }
}

void check_sticky(const StickySettings& sticky, const std::string& where,
                  std::vector<Problem>& problems) {
  if (sticky.kind == StickyKind::cookie) {
    check_token(sticky.name, "cookie", where + ".cookie", problems);
  }
  if (sticky.kind == StickyKind::header) {
    check_token(sticky.name, "field", where + ".header", problems);
  }
}

void check_force(const RouteSettings& route, const Names& pools, const std::string& where,
                 std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < route.force.size(); ++i) {
    const ForceSettings& force = route.force[i];
    const std::string at = where + ".force[" + std::to_string(i) + "]";
    check_token(force.name, force.cookie ? "cookie" : "field",
                at + (force.cookie ? ".cookie" : ".header"), problems);
    check_value(force.value, at + ".value", problems);
    if (pools.contains(force.pool)) continue;
    problems.push_back({at + ".pool", "There is no pool " + quoted(force.pool) +
                                          "; allowed are the names of configured pools."});
  }
}

/// Pools that only a force rule names count as shares of weight 0.
void check_share_count(const RouteSettings& route, const std::string& where,
                       std::vector<Problem>& problems) {
  Names named;
  for (const ShareSettings& share : route.split) named.insert(share.pool);
  for (const ForceSettings& force : route.force) named.insert(force.pool);
  if (named.size() <= max_shares) return;
  problems.push_back({where, "Split and force rules name " + std::to_string(named.size()) +
                                 " pools; allowed are " + std::to_string(max_shares) + "."});
}

/// What a route matches, as one text: equal for two routes when they match the same requests.
std::string key_of(const RouteSettings& route) {
  std::string host = lowered(route.host);
  if (host.ends_with('.')) host.pop_back();
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::vector<std::string> methods = route.methods;
  std::vector<std::string> fields;
  for (const FieldMatchSettings& field : route.fields) {
    fields.push_back(lowered(field.name) + ':' + field.value);
  }
  std::string key = host + '\n' + route.path;
  for (auto* parts : {&methods, &fields}) {
    std::sort(parts->begin(), parts->end());
    parts->erase(std::unique(parts->begin(), parts->end()), parts->end());
    key += '\n';
    for (const std::string& part : *parts) key += '\n' + part;
  }
  return key;
}

}  // namespace

void check_route(const RouteSettings& route, const Names& pools, const TimeoutSettings& inherited,
                 std::vector<Problem>& problems) {
  const std::string where = "route." + route.name;
  check_name(route.name, where, problems);
  check_host(route.host, where + ".host", problems);
  check_path(route.path, where + ".path", problems);
  check_conditions(route, where, problems);
  check_split(route.split, pools, where + ".split", problems);
  check_sticky(route.sticky, where + ".sticky", problems);
  check_force(route, pools, where, problems);
  check_share_count(route, where + ".split", problems);
  check_timeouts(route.timeouts, &inherited, where + ".timeouts", problems);
  check_rollout(route.rollout, where + ".rollout", problems);
}

void check_distinct_routes(const std::vector<RouteSettings>& routes,
                           std::vector<Problem>& problems) {
  std::unordered_map<std::string, const RouteSettings*> seen;
  for (const RouteSettings& route : routes) {
    const auto [earlier, is_new] = seen.emplace(key_of(route), &route);
    if (is_new || earlier->second->name == route.name) continue;
    problems.push_back({"route." + route.name,
                        "The route matches the same requests as route." + earlier->second->name +
                            "; two routes must differ in host, path, methods or match."});
  }
}

}  // namespace sluice::core
