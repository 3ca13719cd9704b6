#include "proxy/program/verbs_show.hpp"

#include <functional>
#include <ostream>

#include "proxy/admin_target.hpp"
#include "proxy/json_writer.hpp"
#include "proxy/program/event_reader.hpp"
#include "proxy/program/views.hpp"

namespace sluice::proxy::program {
namespace {

/// Longer than three heartbeats of the event stream.
constexpr std::chrono::seconds event_patience{50};

using View = std::function<std::string(std::string_view json, bool colour)>;

int show(const Connection& connection, const std::string& target, const View& view,
         const Terminal& terminal) {
  AdminOrder order;
  order.target = target;
  const auto answer = ask(connection.client(), order, terminal);
  if (!answer) return answer.error();
  terminal.out << (connection.json ? answer->body : view(answer->body, terminal.colour));
  return exit_done;
}

std::string event_line(const ReceivedEvent& event, bool json) {
  if (!json) {
    const std::string id = event.id.empty() ? "-" : event.id;
    return id + "  " + event.type + "  " + members_view(event.body) + "\n";
  }
  JsonWriter writer;
  writer.open_object().key("id").text(event.id).key("type").text(event.type).key("body");
  // The body is JSON already.
  return writer.str() + event.body + "}\n";
}

}  // namespace

int show_status(const Connection& connection, const Terminal& terminal) {
  return show(connection, "/v1/status", status_view, terminal);
}

int show_routes(const Connection& connection, const std::string& route, const Terminal& terminal) {
  if (route.empty()) return show(connection, "/v1/routes", routes_view, terminal);
  return show(connection, "/v1/routes/" + encode_segment(route), route_view, terminal);
}

int show_pools(const Connection& connection, const std::string& pool, const Terminal& terminal) {
  if (pool.empty()) return show(connection, "/v1/pools", pools_view, terminal);
  return show(connection, "/v1/pools/" + encode_segment(pool), pool_view, terminal);
}

int show_metrics(const Connection& connection, const Terminal& terminal) {
  const View as_it_is = [](std::string_view text, bool) { return std::string(text); };
  return show(connection, "/metrics", as_it_is, terminal);
}

int show_readiness(const Connection& connection, const Terminal& terminal) {
  AdminOrder order;
  order.target = "/readyz";
  const auto answer = connection.client().call(order);
  if (!answer) return unreachable(answer.error(), terminal);
  if (answer->status != 200 && answer->status != 503) return refused(*answer, terminal);
  const bool ready = answer->status == 200;
  std::string said = answer->body.substr(0, answer->body.find('\n'));
  if (connection.json) {
    constexpr std::string_view prefix = "not ready: ";
    JsonWriter writer;
    writer.open_object().key("ready").boolean(ready).key("reason");
    writer.text(ready ? "" : said.starts_with(prefix) ? said.substr(prefix.size()) : said);
    said = writer.close_object().str();
  }
  terminal.out << said << "\n";
  return ready ? exit_done : exit_refused;
}

int show_events(const Connection& connection, const EventsOrder& events, const Terminal& terminal) {
  AdminOrder order;
  order.target = "/v1/events";
  order.patience = event_patience;
  if (!events.types.empty()) order.target += "?types=" + encode_segment(events.types);
  if (!events.since.empty()) order.fields.emplace_back("Last-Event-ID", events.since);
  EventReader reader;
  const auto answer = connection.client().stream(order, [&](std::string_view piece) {
    for (const ReceivedEvent& event : reader.feed(piece))
      terminal.out << event_line(event, connection.json);
    terminal.out.flush();
    return terminal.out.good();
  });
  if (!answer) return unreachable(answer.error(), terminal);
  if (answer->status != 200) return refused(*answer, terminal);
  if (!terminal.out.good()) return exit_done;
  terminal.err << "sluice: the proxy ended the event stream; --since the last id resumes it\n";
  return exit_unreachable;
}

}  // namespace sluice::proxy::program
