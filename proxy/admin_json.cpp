#include "proxy/admin_json.hpp"

#include <chrono>
#include <cstdio>

#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

void write(JsonWriter& json, const RouteStatus& route) {
  json.open_object();
  json.key("name").text(route.name);
  json.key("host").text(route.host);
  json.key("path").text(route.path);
  json.key("revision").number(route.revision);
  json.key("overridden").boolean(route.overridden);
  json.key("split").open_array();
  for (const ShareStatus& share : route.shares) {
    json.open_object();
    json.key("pool").text(share.pool);
    json.key("configured").weight(share.configured);
    json.key("in_force").weight(share.in_force);
    json.close_object();
  }
  json.close_array();
  json.key("since").open_object();
  json.key("at").text(utc_text(route.since.at_ms));
  json.key("by").text(route.since.by);
  json.close_object();
  json.close_object();
}

void write(JsonWriter& json, const BackendStatus& backend) {
  json.open_object();
  json.key("address").text(backend.address);
  json.key("weight").weight(backend.weight);
  json.key("health").text(to_string(backend.health));
  json.key("last_check").text(backend.last_check);
  json.key("drain").text(to_string(backend.drain));
  json.key("in_flight").number(backend.in_flight);
  json.key("upgraded").number(backend.upgraded);
  json.key("open").number(backend.open);
  json.key("idle").number(backend.idle);
  json.key("requests").number(backend.requests);
  json.key("failures").number(backend.failures);
  json.close_object();
}

void write(JsonWriter& json, const PoolStatus& pool) {
  json.open_object();
  json.key("name").text(pool.name);
  json.key("balance").text(pool.balance);
  json.key("overridden").boolean(pool.overridden);
  json.key("backends").open_array();
  for (const BackendStatus& backend : pool.backends) write(json, backend);
  json.close_array();
  json.close_object();
}

void write(JsonWriter& json, const SettingsStatus& settings) {
  json.open_object();
  json.key("record").number(settings.record);
  json.key("hash").text(settings.hash);
  json.key("since").text(utc_text(settings.since.at_ms));
  json.key("by").text(settings.since.by);
  json.key("file_differs").boolean(settings.file_differs);
  json.key("confirm_by");
  if (settings.confirm_by_ms == 0)
    json.null();
  else
    json.text(utc_text(settings.confirm_by_ms));
  json.close_object();
}

void write(JsonWriter& json, const ListenerCounts& listener) {
  json.open_object();
  json.key("listener").text(listener.listener);
  json.key("active").number(listener.active);
  json.key("idle").number(listener.idle);
  json.key("upgraded").number(listener.upgraded);
  json.key("accepted").number(listener.accepted);
  json.close_object();
}

template <class T>
void write_list(JsonWriter& json, std::string_view name, const std::vector<T>& items) {
  json.key(name).open_array();
  for (const T& item : items) write(json, item);
  json.close_array();
}

}  // namespace

std::string utc_text(std::int64_t ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> moment{milliseconds{ms}};
  const auto day = floor<days>(moment);
  const year_month_day date{day};
  const hh_mm_ss clock{moment - day};
  char text[64];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

std::string to_json(const Status& status) {
  JsonWriter json;
  json.open_object();
  json.key("version").text(status.version);
  json.key("pid").number(static_cast<std::uint64_t>(status.pid));
  json.key("started").text(utc_text(status.started_ms));
  json.key("uptime_ms").number(status.uptime_ms);
  json.key("generation").number(status.generation);
  json.key("workers").number(status.workers);
  json.key("ready").boolean(status.readiness.ready);
  json.key("reason").text(status.readiness.reason);
  json.key("settings");
  write(json, status.settings);
  json.key("decider").open_object();
  json.key("is_self").boolean(status.decider.is_self);
  json.key("held_by").text(status.decider.held_by);
  json.key("problem").text(status.decider.problem);
  json.close_object();
  json.key("predecessor");
  if (status.predecessor) {
    json.open_object().key("pid").number(static_cast<std::uint64_t>(status.predecessor->pid));
    json.key("version").text(status.predecessor->version);
    json.key("connections").number(status.predecessor->connections).close_object();
  } else {
    json.null();
  }
  write_list(json, "listeners", status.listeners);
  write_list(json, "routes", status.routes);
  write_list(json, "pools", status.pools);
  json.close_object();
  return json.line();
}

std::string to_json(const RouteStatus& route) {
  JsonWriter json;
  write(json, route);
  return json.line();
}

std::string to_json(const std::vector<RouteStatus>& routes) {
  JsonWriter json;
  json.open_object();
  write_list(json, "routes", routes);
  json.close_object();
  return json.line();
}

std::string to_json(const PoolStatus& pool) {
  JsonWriter json;
  write(json, pool);
  return json.line();
}

std::string to_json(const std::vector<PoolStatus>& pools) {
  JsonWriter json;
  json.open_object();
  write_list(json, "pools", pools);
  json.close_object();
  return json.line();
}

std::string to_json(const DrainStatus& drain) {
  JsonWriter json;
  json.open_object();
  json.key("pool").text(drain.pool);
  json.key("backend");
  if (drain.backend.empty())
    json.null();
  else
    json.text(drain.backend);
  json.key("state").text(to_string(drain.state));
  json.key("deadline_passed").boolean(drain.deadline_passed);
  json.key("in_flight").number(drain.in_flight);
  json.key("upgraded").number(drain.upgraded);
  json.key("open").number(drain.open);
  json.key("cut").number(drain.cut);
  json.close_object();
  return json.line();
}

}  // namespace sluice::proxy
