#include "proxy/admin_calls.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/admin_access.hpp"
#include "proxy/admin_body.hpp"
#include "proxy/admin_json.hpp"
#include "proxy/admin_revision.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

AdminReply text_reply(unsigned status, std::string body) {
  AdminReply reply;
  reply.status = status;
  reply.content_type = "text/plain; charset=utf-8";
  reply.body = std::move(body);
  return reply;
}

AdminReply route_reply(const RouteStatus& route) {
  AdminReply reply = json_reply(to_json(route));
  reply.fields.emplace_back("ETag", entity_tag(route.revision));
  return reply;
}

/// A callback that turns an outcome into JSON and answers with it.
template <class T>
Done<T> json_answer(AdminAnswer answer) {
  return [answer = std::move(answer)](Outcome<T> outcome) {
    answer(outcome ? json_reply(to_json(*outcome)) : denial_reply(outcome.error()));
  };
}

std::string backend_name(const AdminCall& call) {
  return call.names.size() > 1 ? call.names[1] : std::string();
}

Outcome<std::optional<std::uint64_t>> event_id(std::string_view text) {
  std::uint64_t id = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, id);
  if (text.empty() || error != std::errc{} || stopped != end)
    return Denial{400, "",
                  "The event id \"" + std::string(text) +
                      "\" is not a number; send the last id you got, or 0 for all that are kept."};
  return std::optional(id);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

}  // namespace

AdminReply denial_reply(const Denial& denial) {
  return problem_reply(denial.status, denial.title, denial.detail, denial.problems);
}

bool refused_query(const AdminCall& call) {
  const auto denial = unknown_parameter(call.target.query, {});
  if (denial) call.answer(denial_reply(*denial));
  return denial.has_value();
}

Outcome<std::optional<std::uint64_t>> expected_revision(const AdminCall& call,
                                                        const std::string& thing,
                                                        RevisionInForce in_force) {
  using Expected = std::optional<std::uint64_t>;
  const auto field = call.request.joined("If-Match");
  if (!field) return Expected{};
  const auto condition = parse_condition(*field);
  if (!condition)
    return Denial{400, "",
                  "If-Match is malformed; send the ETag of the " + thing + ", such as \"7\"."};
  if (condition->any) return Expected{};
  const auto revision = in_force(call);
  if (!revision) return revision.error();
  if (condition->matches_strongly(*revision)) return Expected{*revision};
  return Denial{412, "",
                "The " + thing + " has revision " + std::to_string(*revision) +
                    " by now; look at it again and repeat the change with If-Match: " +
                    entity_tag(*revision) + "."};
}

Outcome<std::uint64_t> split_revision(const AdminCall& call) {
  const auto route = call.control.route(call.names[0]);
  if (!route) return route.error();
  return route->revision;
}

bool is_known(const AdminCall& call, std::uint64_t revision) {
  const auto field = call.request.joined("If-None-Match");
  const auto condition = field ? parse_condition(*field) : std::nullopt;
  return condition && condition->matches_weakly(revision);
}

void answer_index(AdminCall call) {
  JsonWriter json;
  json.open_object().key("calls").open_array();
  for (const AdminRoute& route : admin_route_table()) {
    json.open_object();
    json.key("method").text(route.method);
    json.key("path").text(route.path);
    json.key("does").text(route.does);
    json.close_object();
  }
  json.close_array().close_object();
  call.answer(json_reply(json.line()));
}

void answer_live(AdminCall call) {
  call.answer(text_reply(200, "ok\n"));
}

void answer_ready(AdminCall call) {
  const Readiness readiness = call.control.readiness();
  call.answer(readiness.ready ? text_reply(200, "ready\n")
                              : text_reply(503, "not ready: " + readiness.reason + "\n"));
}

void answer_metrics(AdminCall call) {
  call.control.snapshot([render = call.options.render_metrics,
                         answer = std::move(call.answer)](Outcome<Snapshot> snapshot) {
    if (!snapshot) return answer(denial_reply(snapshot.error()));
    if (!render)
      return answer(problem_reply(404, "", "This proxy was started without a metrics renderer."));
    AdminReply reply = text_reply(200, render(*snapshot));
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    answer(std::move(reply));
  });
}

void answer_events(AdminCall call) {
  if (auto denial = unknown_parameter(call.target.query, {"last_event_id", "types"}))
    return call.answer(denial_reply(*denial));
  EventWish wish;
  std::optional<std::string> last;
  for (const auto& [name, value] : call.target.query) {
    if (name == "last_event_id")
      last = value;
    else
      wish.types = split_list(value);
  }
  if (const auto field = call.request.field("Last-Event-ID")) last = std::string(*field);
  if (last) {
    const auto id = event_id(*last);
    if (!id) return call.answer(denial_reply(id.error()));
    wish.after = *id;
  }
  AdminReply reply;
  reply.content_type = "text/event-stream";
  reply.events = std::move(wish);
  call.answer(std::move(reply));
}

void answer_status(AdminCall call) {
  if (refused_query(call)) return;
  call.control.status(json_answer<Status>(std::move(call.answer)));
}

void answer_routes(AdminCall call) {
  if (refused_query(call)) return;
  const auto routes = call.control.routes();
  call.answer(routes ? json_reply(to_json(*routes)) : denial_reply(routes.error()));
}

void answer_route(AdminCall call) {
  if (refused_query(call)) return;
  const auto route = call.control.route(call.names[0]);
  if (!route) return call.answer(denial_reply(route.error()));
  AdminReply reply = route_reply(*route);
  if (is_known(call, route->revision)) {
    reply.status = 304;
    reply.body.clear();
  }
  call.answer(std::move(reply));
}

void answer_pools(AdminCall call) {
  if (refused_query(call)) return;
  call.control.status([answer = std::move(call.answer)](Outcome<Status> status) {
    answer(status ? json_reply(to_json(status->pools)) : denial_reply(status.error()));
  });
}

void answer_pool(AdminCall call) {
  if (refused_query(call)) return;
  call.control.pool(call.names[0], json_answer<PoolStatus>(std::move(call.answer)));
}

void change_split(AdminCall call) {
  if (refused_query(call)) return;
  auto weights = read_split(call.request.body);
  if (!weights) return call.answer(denial_reply(weights.error()));
  const auto expected = expected_revision(call, "split", split_revision);
  if (!expected) return call.answer(denial_reply(expected.error()));
  call.control.set_split(call.names[0], std::move(*weights), *expected, actor_of(call.request),
                         [answer = std::move(call.answer)](Outcome<RouteStatus> route) {
                           answer(route ? route_reply(*route) : denial_reply(route.error()));
                         });
}

void drain(AdminCall call) {
  const auto wish = read_drain(call.request.body, call.target.query);
  if (!wish) return call.answer(denial_reply(wish.error()));
  call.control.drain({call.names[0], backend_name(call), wish->deadline, wish->wait},
                     actor_of(call.request), json_answer<DrainStatus>(std::move(call.answer)));
}

void undrain(AdminCall call) {
  if (refused_query(call)) return;
  if (const auto denial = unexpected_body(call.request.body))
    return call.answer(denial_reply(*denial));
  call.control.undrain(call.names[0], backend_name(call), actor_of(call.request),
                       json_answer<PoolStatus>(std::move(call.answer)));
}

void replace_backends(AdminCall call) {
  if (refused_query(call)) return;
  auto backends = read_backends(call.request.body);
  if (!backends) return call.answer(denial_reply(backends.error()));
  call.control.set_backends(call.names[0], std::move(*backends), actor_of(call.request),
                            json_answer<PoolStatus>(std::move(call.answer)));
}

void add_backend(AdminCall call) {
  if (refused_query(call)) return;
  auto backend = read_backend(call.request.body);
  if (!backend) return call.answer(denial_reply(backend.error()));
  call.control.add_backend(call.names[0], std::move(*backend), actor_of(call.request),
                           json_answer<PoolStatus>(std::move(call.answer)));
}

void remove_backend(AdminCall call) {
  const auto wish = read_drain(call.request.body, call.target.query);
  if (!wish) return call.answer(denial_reply(wish.error()));
  call.control.remove_backend({call.names[0], call.names[1], wish->deadline, wish->wait},
                              actor_of(call.request),
                              json_answer<DrainStatus>(std::move(call.answer)));
}

}  // namespace sluice::proxy
