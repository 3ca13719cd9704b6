#include "proxy/program/views.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <vector>

#include "proxy/program/json_members.hpp"
#include "proxy/program/table.hpp"

namespace sluice::proxy::program {
namespace {

namespace json = boost::json;
using Cell = Table::Cell;

Cell count_cell(const json::object& object, json::string_view name) {
  return {std::to_string(count_of(object, name))};
}

double sum_of(const std::vector<json::object>& shares) {
  double sum = 0;
  for (const json::object& share : shares) sum += decimal_of(share, "in_force");
  return sum;
}

std::string share_text(const json::object& share, double sum) {
  return decimal_text(sum > 0 ? 100 * decimal_of(share, "in_force") / sum : 0) + "%";
}

std::string split_text(const json::object& route) {
  const auto shares = list_of(route, "split");
  const double sum = sum_of(shares);
  std::string text;
  for (const json::object& share : shares) {
    if (!text.empty()) text += ", ";
    text += text_of(share, "pool") + " " + share_text(share, sum);
  }
  return text;
}

std::string since_text(const json::object& route) {
  const json::object since = object_of(route, "since");
  const std::string by = text_of(since, "by");
  return text_of(since, "at") + (by.empty() ? "" : " by " + by);
}

std::string host_and_path(const json::object& route) {
  const std::string host = text_of(route, "host");
  return (host.empty() ? "*" : host) + text_of(route, "path");
}

std::string routes_table(const json::object& object, bool colour) {
  Table table({{"ROUTE"}, {"MATCHES"}, {"SPLIT"}, {"REVISION", align_right}, {"SINCE"}});
  for (const json::object& route : list_of(object, "routes"))
    table.add({{text_of(route, "name")},
               {host_and_path(route)},
               {split_text(route), flag_of(route, "overridden") ? Tone::warning : Tone::plain},
               count_cell(route, "revision"),
               {since_text(route)}});
  return table.is_empty() ? "no routes\n" : table.text(colour);
}

Tone health_tone(const std::string& health) {
  if (health == "up") return Tone::good;
  if (health == "down") return Tone::bad;
  return health == "unknown" ? Tone::warning : Tone::plain;
}

Tone drain_tone(const std::string& drain) {
  return drain == "draining" || drain == "drained" ? Tone::warning : Tone::plain;
}

std::string pools_table(const std::vector<json::object>& pools, bool colour) {
  Table table({{"POOL"},
               {"BACKEND"},
               {"WEIGHT", align_right},
               {"HEALTH"},
               {"DRAIN"},
               {"IN FLIGHT", align_right},
               {"UPGRADED", align_right},
               {"OPEN", align_right},
               {"IDLE", align_right},
               {"REQUESTS", align_right},
               {"FAILURES", align_right},
               {"LAST CHECK"}});
  for (const json::object& pool : pools) {
    const auto backends = list_of(pool, "backends");
    if (backends.empty())
      table.add({{text_of(pool, "name")}, {"none"}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}});
    for (const json::object& backend : backends) {
      const std::string health = text_of(backend, "health");
      const std::string drain = text_of(backend, "drain");
      table.add({{text_of(pool, "name")},
                 {text_of(backend, "address")},
                 {decimal_text(decimal_of(backend, "weight"))},
                 {health, health_tone(health)},
                 {drain == "none" ? "-" : drain, drain_tone(drain)},
                 count_cell(backend, "in_flight"),
                 count_cell(backend, "upgraded"),
                 count_cell(backend, "open"),
                 count_cell(backend, "idle"),
                 count_cell(backend, "requests"),
                 count_cell(backend, "failures"),
                 {text_of(backend, "last_check")}});
    }
  }
  return table.is_empty() ? "no pools\n" : table.text(colour);
}

std::string listeners_table(const json::object& status, bool colour) {
  Table table({{"LISTENER"},
               {"ACTIVE", align_right},
               {"IDLE", align_right},
               {"UPGRADED", align_right},
               {"ACCEPTED", align_right}});
  for (const json::object& listener : list_of(status, "listeners"))
    table.add({{text_of(listener, "listener")},
               count_cell(listener, "active"),
               count_cell(listener, "idle"),
               count_cell(listener, "upgraded"),
               count_cell(listener, "accepted")});
  return table.is_empty() ? "no listeners\n" : table.text(colour);
}

/// The two largest units: "3h 12m", "5s".
std::string span_text(std::uint64_t ms) {
  const std::uint64_t seconds = ms / 1000;
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  if (seconds < 60) return number(seconds) + "s";
  if (seconds < 3600) return number(seconds / 60) + "m " + number(seconds % 60) + "s";
  if (seconds < 86400) return number(seconds / 3600) + "h " + number(seconds / 60 % 60) + "m";
  return number(seconds / 86400) + "d " + number(seconds / 3600 % 24) + "h";
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

std::string status_view(std::string_view text, bool colour) {
  const auto status = parse_object(text);
  if (!status) return std::string(text);
  const bool ready = flag_of(*status, "ready");
  const std::string state = ready ? "ready" : "not ready: " + text_of(*status, "reason");
  const std::string holder = text_of(object_of(*status, "decider"), "held_by");
  const auto before = object_of(*status, "predecessor");
  return "sluice " + text_of(*status, "version") + ", " +
         toned(state, ready ? Tone::good : Tone::bad, colour) + ", up " +
         span_text(count_of(*status, "uptime_ms")) + ", generation " +
         std::to_string(count_of(*status, "generation")) + ", " +
         counted(count_of(*status, "workers"), "worker", "workers") +
         (holder.empty() ? "" : ", follows " + holder) +
         (before.empty()
              ? ""
              : "\nprocess " + std::to_string(count_of(before, "pid")) + ", version " +
                    text_of(before, "version") + ", still finishes " +
                    counted(count_of(before, "connections"), "connection", "connections")) +
         "\n\n" + listeners_table(*status, colour) + "\n" + routes_table(*status, colour) + "\n" +
         pools_table(list_of(*status, "pools"), colour);
}

std::string routes_view(std::string_view text, bool colour) {
  const auto routes = parse_object(text);
  return routes ? routes_table(*routes, colour) : std::string(text);
}

std::string route_view(std::string_view text, bool colour) {
  const auto route = parse_object(text);
  if (!route) return std::string(text);
  Table table(
      {{"POOL"}, {"CONFIGURED", align_right}, {"IN FORCE", align_right}, {"SHARE", align_right}});
  const auto shares = list_of(*route, "split");
  const double sum = sum_of(shares);
  for (const json::object& share : shares)
    table.add({{text_of(share, "pool")},
               {decimal_text(decimal_of(share, "configured"))},
               {decimal_text(decimal_of(share, "in_force"))},
               {share_text(share, sum)}});
  return "route " + text_of(*route, "name") + ", " + host_and_path(*route) + ", revision " +
         std::to_string(count_of(*route, "revision")) + ", since " + since_text(*route) + "\n" +
         table.text(colour);
}

std::string pools_view(std::string_view text, bool colour) {
  const auto pools = parse_object(text);
  return pools ? pools_table(list_of(*pools, "pools"), colour) : std::string(text);
}

std::string pool_view(std::string_view text, bool colour) {
  const auto pool = parse_object(text);
  return pool ? pools_table({*pool}, colour) : std::string(text);
}

std::string drain_view(std::string_view text) {
  const auto drain = parse_object(text);
  if (!drain) return std::string(text);
  const std::string backend = text_of(*drain, "backend");
  std::string sentence = text_of(*drain, "pool") + (backend.empty() ? "" : " " + backend);
  const std::string state = text_of(*drain, "state");
  if (flag_of(*drain, "deadline_passed"))
    return sentence + ": the deadline passed; " +
           counted(count_of(*drain, "cut"), "request or tunnel was cut",
                   "requests and tunnels were cut") +
           "\n";
  if (state == "drained") return sentence + " is drained\n";
  if (state == "none") return sentence + " takes requests; the drain was taken back\n";
  return sentence + " drains; still held by " +
         counted(count_of(*drain, "in_flight"), "request", "requests") + " in flight, " +
         counted(count_of(*drain, "upgraded"), "tunnel", "tunnels") + ", " +
         counted(count_of(*drain, "open"), "connection", "connections") + "\n";
}

DrainVerdict drain_verdict(std::string_view text) {
  const auto drain = parse_object(text);
  if (!drain) return {};
  return {text_of(*drain, "state") == "drained", flag_of(*drain, "deadline_passed")};
}

std::string members_view(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return std::string(text);
  std::string line;
  for (const auto& member : *object) {
    if (!line.empty()) line += ' ';
    line.append(member.key().data(), member.key().size());
    line += '=';
    const std::string value = member.value().is_string() ? text_of(*object, member.key()) : "";
    const bool plain = !value.empty() && value.find_first_of(" \"=\n\t\033") == std::string::npos;
    line += plain ? value : json::serialize(member.value());
  }
  return line;
}

std::string problem_view(unsigned status, std::string_view body) {
  const std::string number = std::to_string(status);
  const auto problem = parse_object(body);
  if (!problem) return number + " " + std::string(body.substr(0, body.find('\n')));
  return number + " " + text_of(*problem, "title") + ": " + text_of(*problem, "detail");
}

}  // namespace sluice::proxy::program
