#include "conf/settings_keys.hpp"

#include <array>

#include "conf/keys.hpp"
#include "conf/pool_keys.hpp"
#include "conf/route_keys.hpp"
#include "conf/timeout_keys.hpp"

namespace sluice::conf {
namespace {

void read_level(const Spot& spot, LogSettings& out, Reading& reading) {
  constexpr std::array<std::string_view, 6> levels{"trace", "debug", "info",
                                                   "warn",  "error", "off"};
  const std::size_t level = read_word(spot, levels, reading);
  if (level < levels.size()) out.level = levels[level];
}

void read_io_uring(const Spot& spot, ServerSettings& out, Reading& reading) {
  constexpr std::array<std::string_view, 3> names{"auto", "on", "off"};
  constexpr std::array<IoUring, 3> values{IoUring::automatic, IoUring::on, IoUring::off};
  const std::size_t chosen = read_word(spot, names, reading);
  if (chosen < values.size()) out.io_uring = values[chosen];
}

constexpr std::array<Key<ServerSettings>, 8> server_keys{{
    {"workers", read_member<&ServerSettings::workers>},
    {"io_uring", read_io_uring},
    {"lame_duck", read_member<&ServerSettings::lame_duck>},
    {"drain_timeout", read_member<&ServerSettings::drain_timeout>},
    {"state_dir", read_member<&ServerSettings::state_dir>},
    {"forwarded", read_member<&ServerSettings::forwarded>},
    {"trusted_proxies", read_member<&ServerSettings::trusted_proxies>},
    {"watch", read_member<&ServerSettings::watch>},
}};

constexpr std::array<Key<AdminSettings>, 2> admin_keys{{
    {"address", read_member<&AdminSettings::address>},
    {"token_file", read_member<&AdminSettings::token_file>},
}};

constexpr std::array<Key<LogSettings>, 2> log_keys{{
    {"level", read_level},
    {"access", read_member<&LogSettings::access>},
}};

constexpr std::array<Key<LimitSettings>, 5> limit_keys{{
    {"request_line", read_member<&LimitSettings::request_line>},
    {"head", read_member<&LimitSettings::head>},
    {"fields", read_member<&LimitSettings::fields>},
    {"body", read_member<&LimitSettings::body>},
    {"connections", read_member<&LimitSettings::connections>},
}};

constexpr std::array<Key<ListenerSettings>, 2> listener_keys{{
    {"address", read_member<&ListenerSettings::address>},
    {"shared", read_member<&ListenerSettings::shared>},
}};

void read_listeners(const Spot& spot, Settings& out, Reading& reading) {
  for (const Spot& one : read_elements(spot, "tables, each written [[listener]]", reading)) {
    ListenerSettings& listener = out.listeners.emplace_back();
    read_table<listener_keys>(one, listener, reading);
    require_key(one, "address", reading);
  }
}

void read_pools(const Spot& spot, Settings& out, Reading& reading) {
  for (const Named& one : read_named(spot, "tables, each written [pool.NAME]", reading)) {
    out.pools.push_back(read_pool(one, reading));
  }
}

void read_routes(const Spot& spot, Settings& out, Reading& reading) {
  for (const Named& one : read_named(spot, "tables, each written [route.NAME]", reading)) {
    out.routes.push_back(read_route(one, out.timeouts, reading));
  }
}

/// `timeouts` stands before `route`, which inherits from it.
constexpr std::array<Key<Settings>, 8> settings_keys{{
    {"server", read_section<&Settings::server, server_keys>, list_keys<server_keys>},
    {"admin", read_section<&Settings::admin, admin_keys>, list_keys<admin_keys>},
    {"log", read_section<&Settings::log, log_keys>, list_keys<log_keys>},
    {"timeouts", read_section<&Settings::timeouts, timeout_keys>, list_keys<timeout_keys>},
    {"limits", read_section<&Settings::limits, limit_keys>, list_keys<limit_keys>},
    {"listener", read_listeners, list_element_keys<listener_keys>},
    {"pool", read_pools, list_pool_keys},
    {"route", read_routes, list_route_keys},
}};

}  // namespace

void read_settings(const Node& root, Settings& out, Reading& reading) {
  read_table<settings_keys>({root, ""}, out, reading);
}

std::vector<std::string> known_keys() {
  std::vector<std::string> keys;
  list_keys<settings_keys>("", keys);
  return keys;
}

}  // namespace sluice::conf
