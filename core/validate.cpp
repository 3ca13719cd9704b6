#include "core/validate.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/octets.hpp"
#include "core/quoted.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t name_max = 64;
constexpr unsigned workers_max = 1024;
constexpr std::uint64_t head_min = 1024;
constexpr std::array<std::string_view, 6> levels = {"trace", "debug", "info",
                                                    "warn",  "error", "off"};

void check_server(const ServerSettings& server, std::vector<Problem>& problems) {
  if (server.workers > workers_max) {
    problems.push_back({"server.workers", std::to_string(server.workers) +
                                              " workers are asked for; allowed are 0 (one per "
                                              "core) to " +
                                              std::to_string(workers_max) + "."});
  }
  using Named = std::pair<const char*, milliseconds>;
  for (const auto& [key, value] :
       {Named{"lame_duck", server.lame_duck}, Named{"drain_timeout", server.drain_timeout}}) {
    if (value.count() >= 0) continue;
    problems.push_back(
        {std::string("server.") + key,
         "The duration is " + std::to_string(value.count()) + " ms; allowed is 0 or more."});
  }
}

void check_log(const LogSettings& log, std::vector<Problem>& problems) {
  if (std::find(levels.begin(), levels.end(), log.level) == levels.end()) {
    problems.push_back({"log.level", quoted(log.level) +
                                         " is not a level; allowed are trace, debug, info, warn, "
                                         "error and off."});
  }
  if (log.access.empty()) {
    problems.push_back(
        {"log.access", R"(The place is empty; allowed are "stdout", "off" and a file.)"});
  }
}

void check_limits(const LimitSettings& limits, std::vector<Problem>& problems) {
  if (limits.head < head_min) {
    problems.push_back({"limits.head", "The limit is " + std::to_string(limits.head) +
                                           " octets; allowed are at least " +
                                           std::to_string(head_min) + "."});
  }
  if (limits.request_line == 0 || limits.request_line > limits.head) {
    problems.push_back({"limits.request_line", "The limit is " +
                                                   std::to_string(limits.request_line) +
                                                   " octets; allowed are 1 up to the limit of the "
                                                   "whole head, which is " +
                                                   std::to_string(limits.head) + "."});
  }
  if (limits.fields == 0) {
    problems.push_back({"limits.fields",
                        "The limit is 0, so every request with a Host field "
                        "would be refused; allowed are 1 and more."});
  }
}

void check_pools(const std::vector<PoolSettings>& pools, Names& names,
                 std::vector<Problem>& problems) {
  for (const PoolSettings& pool : pools) {
    const std::string where = "pool." + pool.name;
    if (!names.insert(pool.name).second) {
      problems.push_back({where, "There are two pools with this name; a name may be given once."});
    }
    check_pool(pool, where, problems);
  }
}

void check_routes(const Settings& settings, const Names& pools, std::vector<Problem>& problems) {
  Names names;
  for (const RouteSettings& route : settings.routes) {
    if (!names.insert(route.name).second) {
      problems.push_back({"route." + route.name,
                          "There are two routes with this name; a name may be given once."});
    }
    check_route(route, pools, settings.timeouts, problems);
  }
  check_distinct_routes(settings.routes, problems);
}

}  // namespace

bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= name_max &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

void check_name(std::string_view name, const std::string& where, std::vector<Problem>& problems) {
  if (is_plain_name(name)) return;
  problems.push_back({where, quoted(name) + " is not a name; allowed are 1 to " +
                                 std::to_string(name_max) + " of A-Z, a-z, 0-9, \"-\" and \"_\"."});
}

void check_timeouts(const TimeoutSettings& timeouts, const TimeoutSettings* inherited,
                    const std::string& where, std::vector<Problem>& problems) {
  using Named = std::pair<const char*, milliseconds TimeoutSettings::*>;
  for (const auto& [key, member] :
       {Named{"head", &TimeoutSettings::head}, Named{"keep_alive", &TimeoutSettings::keep_alive},
        Named{"body_idle", &TimeoutSettings::body_idle},
        Named{"connect", &TimeoutSettings::connect},
        Named{"first_byte", &TimeoutSettings::first_byte},
        Named{"backend_idle", &TimeoutSettings::backend_idle},
        Named{"total", &TimeoutSettings::total},
        Named{"tunnel_idle", &TimeoutSettings::tunnel_idle}}) {
    const milliseconds value = timeouts.*member;
    if (value.count() >= 0) continue;
    if (inherited != nullptr && inherited->*member == value) continue;
    problems.push_back({where + "." + key, "The deadline is " + std::to_string(value.count()) +
                                               " ms; allowed are 0, which switches it off, and "
                                               "more."});
  }
}

}  // namespace sluice::core

namespace sluice {

std::vector<Problem> validate(const Settings& settings) {
  std::vector<Problem> problems;
  core::check_server(settings.server, problems);
  core::check_log(settings.log, problems);
  core::check_limits(settings.limits, problems);
  core::check_timeouts(settings.timeouts, nullptr, "timeouts", problems);
  core::check_addresses(settings, problems);
  core::Names pools;
  core::check_pools(settings.pools, pools, problems);
  core::check_routes(settings, pools, problems);
  return problems;
}

}  // namespace sluice
