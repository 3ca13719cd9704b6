#include "core/difference.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/difference_rollout.hpp"
#include "core/difference_values.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t shown_backends = 20;

struct TimeoutKey {
  std::string_view name;
  milliseconds TimeoutSettings::*member;
};
constexpr TimeoutKey timeout_keys[] = {
    {"head", &TimeoutSettings::head},
    {"keep_alive", &TimeoutSettings::keep_alive},
    {"body_idle", &TimeoutSettings::body_idle},
    {"connect", &TimeoutSettings::connect},
    {"first_byte", &TimeoutSettings::first_byte},
    {"backend_idle", &TimeoutSettings::backend_idle},
    {"total", &TimeoutSettings::total},
    {"tunnel_idle", &TimeoutSettings::tunnel_idle},
};

/// A list by a key of its elements; of equal keys the first counts.
template <class Element>
std::unordered_map<std::string_view, const Element*> by_key(const std::vector<Element>& list,
                                                            std::string Element::*key) {
  std::unordered_map<std::string_view, const Element*> found;
  found.reserve(list.size());
  for (const Element& element : list) found.emplace(element.*key, &element);
  return found;
}

/// Whether the same keys come in another order. Requires that both hold the same keys.
template <class Element>
bool is_reordered(const std::vector<Element>& before, const std::vector<Element>& after,
                  std::string Element::*key) {
  return !std::equal(before.begin(), before.end(), after.begin(), after.end(),
                     [&](const Element& a, const Element& b) { return a.*key == b.*key; });
}

/// Adds what was added, removed and changed in a list of things with names.
template <class Element, class Compare>
void compare_lists(const std::string& thing, const std::vector<Element>& before,
                   const std::vector<Element>& after, std::string Element::*key, Compare compare,
                   std::vector<SettingsChange>& out) {
  const auto old = by_key(before, key);
  const auto fresh = by_key(after, key);
  const std::size_t first = out.size();
  bool has_same_keys = before.size() == after.size();
  for (const Element& element : after) {
    const auto known = old.find(element.*key);
    if (known == old.end()) {
      has_same_keys = false;
      out.push_back({thing + " " + element.*key, ChangeKind::added});
    } else if (*known->second != element) {
      out.push_back(
          {thing + " " + element.*key, ChangeKind::changed, compare(*known->second, element)});
    }
  }
  for (const Element& element : before) {
    if (fresh.contains(element.*key)) continue;
    has_same_keys = false;
    out.push_back({thing + " " + element.*key, ChangeKind::removed});
  }
  // Only the order, or how often something was named, which no valid settings do.
  const bool is_same = has_same_keys && !is_reordered(before, after, key);
  if (!is_same && (has_same_keys || out.size() == first)) {
    out.push_back({thing + "s", ChangeKind::changed, {"order: changed"}});
  }
}

std::string address_text(const BackendSettings& backend) {
  return backend.weight == weight_one ? backend.address
                                      : backend.address + "@" + hundredths_text(backend.weight);
}

/// The backends of a pool by address. There are many pools, most of them small.
class Backends {
 public:
  explicit Backends(const std::vector<BackendSettings>& all) {
    sorted_.reserve(all.size());
    for (const BackendSettings& backend : all) sorted_.push_back(&backend);
    std::sort(sorted_.begin(), sorted_.end(), [](const auto* a, const auto* b) {
      const int order = a->address.compare(b->address);
      return order != 0 ? order < 0 : a < b;
    });
  }

  /// The first one with that address, or nullptr.
  const BackendSettings* find(const std::string& address) const {
    const auto found = std::lower_bound(
        sorted_.begin(), sorted_.end(), address,
        [](const BackendSettings* one, const std::string& text) { return one->address < text; });
    return found == sorted_.end() || (*found)->address != address ? nullptr : *found;
  }

 private:
  std::vector<const BackendSettings*> sorted_;
};

/// The first words that are said, and how many were.
struct ShownBackends {
  std::string text;
  std::size_t count = 0;

  template <class Words>
  void say(Words words) {
    if (++count > shown_backends) return;
    if (count > 1) text += ' ';
    words(text);
  }
};

/// "+127.0.0.1:9003 -127.0.0.1:9002 127.0.0.1:9001@1->2"
std::string backends_text(const std::vector<BackendSettings>& before,
                          const std::vector<BackendSettings>& after) {
  const Backends old(before);
  const Backends fresh(after);
  ShownBackends shown;
  for (const BackendSettings& backend : after) {
    if (old.find(backend.address) != nullptr) continue;
    shown.say([&](std::string& out) { (out += '+') += address_text(backend); });
  }
  for (const BackendSettings& backend : before) {
    if (fresh.find(backend.address) != nullptr) continue;
    shown.say([&](std::string& out) { (out += '-') += address_text(backend); });
  }
  for (const BackendSettings& backend : after) {
    const BackendSettings* known = old.find(backend.address);
    if (known == nullptr || known->weight == backend.weight) continue;
    shown.say([&](std::string& out) {
      out += backend.address + "@" + hundredths_text(known->weight) + "->" +
             hundredths_text(backend.weight);
    });
  }
  if (shown.count == 0) return "order changed";
  if (shown.count > shown_backends) {
    shown.text += " and " + std::to_string(shown.count - shown_backends) + " more";
  }
  return std::move(shown.text);
}

void add_health(const std::optional<HealthSettings>& before,
                const std::optional<HealthSettings>& after, Details& details) {
  if (before.has_value() != after.has_value()) {
    return details.say("health", after ? "added" : "removed");
  }
  if (!before) return;
  details.add("health.path", before->path, after->path);
  details.add("health.host", before->host, after->host);
  details.add("health.interval", before->interval, after->interval);
  details.add("health.timeout", before->timeout, after->timeout);
  details.add("health.rise", before->rise, after->rise);
  details.add("health.fall", before->fall, after->fall);
}

std::vector<std::string> compare_pools(const PoolSettings& before, const PoolSettings& after) {
  Details details;
  if (before.backends != after.backends) {
    details.say("backends", backends_text(before.backends, after.backends));
  }
  details.add("balance", before.balance, after.balance);
  add_health(before.health, after.health, details);
  details.add("idle_timeout", before.idle_timeout, after.idle_timeout);
  details.add("resolve_interval", before.resolve_interval, after.resolve_interval);
  return details.take();
}

/// Of equal addresses.
std::vector<std::string> compare_listeners(const ListenerSettings& before,
                                           const ListenerSettings& after) {
  Details details;
  if (before.shared != after.shared) {
    details.say("shared", value_text(before.shared) + " -> " + value_text(after.shared) +
                              " (when the address is opened next; what listens there stays)");
  }
  return details.take();
}

std::string conditions_text(const std::vector<FieldMatchSettings>& fields) {
  std::vector<std::string> words;
  words.reserve(fields.size());
  for (const FieldMatchSettings& field : fields) words.push_back(field.name + "=" + field.value);
  return value_text(words);
}

std::string force_text(const std::vector<ForceSettings>& rules) {
  std::vector<std::string> words;
  words.reserve(rules.size());
  for (const ForceSettings& rule : rules) {
    words.push_back((rule.cookie ? "cookie " : "header ") + rule.name + "=" + rule.value + " to " +
                    rule.pool);
  }
  return value_text(words);
}

/// The [timeouts] of both settings, from which routes inherit.
struct Inherited {
  const TimeoutSettings& before;
  const TimeoutSettings& after;
};

void add_timeouts(const TimeoutSettings& before, const TimeoutSettings& after,
                  const Inherited& inherited, Details& details) {
  for (const auto& [name, member] : timeout_keys) {
    const bool follows =
        before.*member == inherited.before.*member && after.*member == inherited.after.*member;
    if (!follows) details.add("timeouts." + std::string(name), before.*member, after.*member);
  }
}

std::vector<std::string> compare_routes(const RouteSettings& before, const RouteSettings& after,
                                        const Inherited& inherited) {
  Details details;
  details.add("host", before.host, after.host);
  details.add("path", before.path, after.path);
  details.add("methods", before.methods, after.methods);
  if (before.fields != after.fields) {
    details.say("match", conditions_text(before.fields) + " -> " + conditions_text(after.fields));
  }
  details.add("split", before.split, after.split);
  details.add("sticky", before.sticky, after.sticky);
  if (before.force != after.force) {
    details.say("force", force_text(before.force) + " -> " + force_text(after.force));
  }
  add_timeouts(before.timeouts, after.timeouts, inherited, details);
  add_rollout(before.rollout, after.rollout, details);
  return details.take();
}

void add_section(const char* subject, Details& details, std::vector<SettingsChange>& out) {
  std::vector<std::string> all = details.take();
  if (!all.empty()) out.push_back({subject, ChangeKind::changed, std::move(all)});
}

void compare_server(const Settings& before, const Settings& after,
                    std::vector<SettingsChange>& out) {
  Details server;
  server.add("workers", before.server.workers, after.server.workers);
  server.add("io_uring", before.server.io_uring, after.server.io_uring);
  server.add("lame_duck", before.server.lame_duck, after.server.lame_duck);
  server.add("drain_timeout", before.server.drain_timeout, after.server.drain_timeout);
  server.add("state_dir", before.server.state_dir, after.server.state_dir);
  server.add("forwarded", before.server.forwarded, after.server.forwarded);
  server.add("trusted_proxies", before.server.trusted_proxies, after.server.trusted_proxies);
  server.add("watch", before.server.watch, after.server.watch);
  add_section("server", server, out);
}

void compare_sections(const Settings& before, const Settings& after,
                      std::vector<SettingsChange>& out) {
  compare_server(before, after, out);
  Details admin;
  admin.add("address", before.admin.address, after.admin.address);
  admin.add("token_file", before.admin.token_file, after.admin.token_file);
  add_section("admin", admin, out);
  Details log;
  log.add("level", before.log.level, after.log.level);
  log.add("access", before.log.access, after.log.access);
  add_section("log", log, out);
  Details timeouts;
  for (const auto& [name, member] : timeout_keys) {
    timeouts.add(name, before.timeouts.*member, after.timeouts.*member);
  }
  add_section("timeouts", timeouts, out);
  Details limits;
  limits.add("request_line", before.limits.request_line, after.limits.request_line);
  limits.add("head", before.limits.head, after.limits.head);
  limits.add("fields", before.limits.fields, after.limits.fields);
  limits.add("body", before.limits.body, after.limits.body);
  limits.add("connections", before.limits.connections, after.limits.connections);
  add_section("limits", limits, out);
}

}  // namespace

std::vector<SettingsChange> difference(const Settings& before, const Settings& after) {
  std::vector<SettingsChange> out;
  compare_sections(before, after, out);
  compare_lists("listener", before.listeners, after.listeners, &ListenerSettings::address,
                compare_listeners, out);
  compare_lists("pool", before.pools, after.pools, &PoolSettings::name, compare_pools, out);
  const Inherited inherited{before.timeouts, after.timeouts};
  const auto routes = [&](const RouteSettings& old, const RouteSettings& fresh) {
    return compare_routes(old, fresh, inherited);
  };
  compare_lists("route", before.routes, after.routes, &RouteSettings::name, routes, out);
  // Routes that only follow [timeouts].
  std::erase_if(out, [](const SettingsChange& change) {
    return change.kind == ChangeKind::changed && change.details.empty();
  });
  return out;
}

std::string in_words(const SettingsChange& change) {
  std::string words = change.subject + " " + std::string(to_string(change.kind));
  for (std::size_t i = 0; i < change.details.size(); ++i) {
    words += (i == 0 ? ": " : "; ") + change.details[i];
  }
  return words;
}

std::vector<std::string> in_words(const std::vector<SettingsChange>& changes) {
  std::vector<std::string> words;
  words.reserve(changes.size());
  for (const SettingsChange& change : changes) words.push_back(in_words(change));
  return words;
}

}  // namespace sluice::core

namespace sluice {

std::string_view to_string(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::added:
      return "added";
    case ChangeKind::removed:
      return "removed";
    case ChangeKind::changed:
      return "changed";
  }
  return "changed";
}

}  // namespace sluice
