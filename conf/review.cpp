#include "conf/review.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "conf/nearest.hpp"
#include "sluice/problem.hpp"

namespace sluice::conf {
namespace {

std::string route_path(const RouteSettings& route) {
  return below("route", route.name);
}

/// The settings without what depends on a value that could not be read: a half read route may look
/// like a second one for the same requests, a default may clash with what the file says.
Settings certain_part(const Settings& settings, const Reading& reading) {
  Settings part = settings;
  std::erase_if(part.routes, [&](const RouteSettings& route) {
    return reading.unread_within(route_path(route));
  });
  if (reading.unread_around("admin.address")) part.admin.address.clear();
  if (reading.unread_around("limits.head")) part.limits.head = UINT64_MAX;
  return part;
}

/// The route to which a path belongs, or null.
const RouteSettings* route_of(std::string_view where, const Settings& settings) {
  for (const RouteSettings& route : settings.routes) {
    const std::string path = route_path(route);
    if (where == path || where.starts_with(path + ".")) return &route;
  }
  return nullptr;
}

/// Keys of a rollout whose problems may come from the default of another key.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> rests_on{{
    {"step_timeout", "step_time"},
    {"deadline", "steps"},
    {"deadline", "step_time"},
    {"deadline", "bake"},
    {"deadline", "slew"},
    {"deadline", "mirror.time"},
    {"before", "steps"},
}};

/// Whether a problem at `where` may come from a value that could not be read.
bool rests_on_unread(const std::string& where, const Reading& reading) {
  constexpr std::string_view rollout = ".rollout.";
  if (reading.unread_around(where)) return true;
  const std::size_t found = where.rfind(rollout);
  if (found == std::string::npos) return false;
  const std::string policy = where.substr(0, found + rollout.size() - 1);
  const std::string_view key = std::string_view(where).substr(where.rfind('.') + 1);
  return std::any_of(rests_on.begin(), rests_on.end(), [&](const auto& pair) {
    return pair.first == key && reading.unread_around(below(policy, pair.second));
  });
}

/// The problems that are there whatever the missing values are: those inside of a half read route
/// that do not touch what is missing there, and elsewhere those of the certain part.
std::vector<Problem> certain_problems(const Settings& settings, const Reading& reading) {
  std::vector<Problem> problems = validate(settings);
  if (reading.all_read()) return problems;

  std::erase_if(problems, [&](const Problem& problem) {
    const RouteSettings* route = route_of(problem.where, settings);
    return route == nullptr || !reading.unread_within(route_path(*route));
  });
  for (Problem& problem : validate(certain_part(settings, reading))) {
    problems.push_back(std::move(problem));
  }
  std::erase_if(problems,
                [&](const Problem& problem) { return rests_on_unread(problem.where, reading); });
  return problems;
}

/// The paths at which a route names a pool that does not exist, and that name.
std::map<std::string, std::string_view> unknown_pools(const Settings& settings,
                                                      std::span<const std::string_view> known) {
  std::map<std::string, std::string_view> unknown;
  const auto add = [&](std::string path, std::string_view pool) {
    if (std::find(known.begin(), known.end(), pool) == known.end()) unknown.emplace(path, pool);
  };
  for (const RouteSettings& route : settings.routes) {
    const std::string path = route_path(route);
    for (const ShareSettings& share : route.split) add(path + ".split." + share.pool, share.pool);
    for (std::size_t i = 0; i < route.force.size(); ++i) {
      add(element(path + ".force", i) + ".pool", route.force[i].pool);
    }
  }
  return unknown;
}

/// One style for all messages: the path first, no full stop at the end.
std::string message_of(const Problem& problem) {
  std::string message = problem.where + ": " + problem.what;
  if (message.ends_with('.')) message.pop_back();
  return message;
}

}  // namespace

void review(const Settings& settings, Reading& reading) {
  const std::vector<Problem> problems = certain_problems(settings, reading);
  if (problems.empty()) return;
  std::vector<std::string_view> pools;
  for (const PoolSettings& pool : settings.pools) pools.emplace_back(pool.name);
  const auto unknown = unknown_pools(settings, pools);
  const bool pools_unread = reading.unread("pool");

  for (const Problem& problem : problems) {
    std::string message = message_of(problem);
    if (const auto found = unknown.find(problem.where); found != unknown.end()) {
      if (pools_unread) continue;
      message += suggestion(found->second, pools, "pools");
    }
    reading.report(reading.place_of(problem.where), message);
  }
}

}  // namespace sluice::conf
