#include "proxy/program/verbs_change.hpp"

#include <CLI/Error.hpp>
#include <optional>
#include <ostream>

#include "proxy/admin_target.hpp"
#include "proxy/admin_units.hpp"
#include "proxy/json_writer.hpp"
#include "proxy/program/verbs_show.hpp"
#include "proxy/program/views.hpp"

namespace sluice::proxy::program {
namespace {

constexpr std::string_view weight_rule =
    "a weight is a number with at most two decimals, like 12.5";

/// Beyond a deadline, for the answer itself.
constexpr std::chrono::seconds patience_after_deadline{30};

std::string split_body(const std::vector<std::string>& weights) {
  JsonWriter json;
  json.open_object().key("weights").open_object();
  for (const std::string& text : weights) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0)
      throw CLI::ValidationError("\"" + text + "\" is not POOL=WEIGHT, such as shop-v2=10");
    const auto weight = parse_weight(std::string_view(text).substr(equals + 1));
    if (!weight) throw CLI::ValidationError("\"" + text + "\": " + std::string(weight_rule));
    json.key(text.substr(0, equals)).weight(*weight);
  }
  json.close_object().close_object();
  return json.str();
}

/// "address@weight". An '@' that no weight follows belongs to the address.
void write_backend(JsonWriter& json, std::string_view text) {
  const std::size_t at = text.rfind('@');
  std::optional<Weight> weight;
  if (at != std::string_view::npos && text.find('/', at) == std::string_view::npos) {
    weight = parse_weight(text.substr(at + 1));
    if (!weight)
      throw CLI::ValidationError("\"" + std::string(text) + "\": " + std::string(weight_rule));
    text = text.substr(0, at);
  }
  json.open_object().key("address").text(text);
  if (weight) json.key("weight").weight(*weight);
  json.close_object();
}

std::string pool_target(const DrainArguments& drain) {
  std::string target = "/v1/pools/" + encode_segment(drain.pool);
  if (!drain.backend.empty()) target += "/backends/" + encode_segment(drain.backend);
  return target;
}

/// The order for a call that drains, with its wishes.
AdminOrder drain_order(const DrainArguments& drain) {
  AdminOrder order;
  JsonWriter json;
  json.open_object();
  if (!drain.deadline.empty()) {
    const auto deadline = parse_duration(drain.deadline);
    if (!deadline)
      throw CLI::ValidationError("--deadline: \"" + drain.deadline +
                                 "\" is not a whole number with a unit (ms, s, m, h), like 30s");
    json.key("deadline").text(drain.deadline);
    order.patience = std::chrono::ceil<std::chrono::seconds>(*deadline) + patience_after_deadline;
  } else if (drain.wait) {
    order.patience.reset();
  }
  if (drain.wait) json.key("wait").boolean(true);
  order.body = json.close_object().str();
  return order;
}

int finish_drain(const Connection& connection, const AdminOrder& order, bool wait,
                 const Terminal& terminal) {
  const auto answer = ask(connection.client(), order, terminal);
  if (!answer) return answer.error();
  terminal.out << (connection.json ? answer->body : drain_view(answer->body));
  const DrainVerdict verdict = drain_verdict(answer->body);
  if (verdict.deadline_passed) return exit_deadline;
  return wait && !verdict.drained ? exit_refused : exit_done;
}

/// Makes a change that answers with a pool, and shows the pool.
int change_pool(const Connection& connection, const AdminOrder& order, const Terminal& terminal) {
  const auto answer = ask(connection.client(), order, terminal);
  if (!answer) return answer.error();
  terminal.out << (connection.json ? answer->body : pool_view(answer->body, terminal.colour));
  return exit_done;
}

int remove_backends(const Connection& connection, const BackendsOrder& order,
                    const Terminal& terminal) {
  for (const std::string& address : order.addresses) {
    DrainArguments drain = order.drain;
    drain.backend = address;
    AdminOrder call = drain_order(drain);
    call.method = "DELETE";
    call.target = pool_target(drain);
    const int code = finish_drain(connection, call, drain.wait, terminal);
    if (code != exit_done) return code;
  }
  return exit_done;
}

}  // namespace

int change_split(const Connection& connection, const SplitOrder& split, const Terminal& terminal) {
  if (split.weights.empty()) return show_routes(connection, split.route, terminal);
  AdminOrder order;
  order.method = "PUT";
  order.target = "/v1/routes/" + encode_segment(split.route) + "/split";
  order.body = split_body(split.weights);
  if (!split.if_match.empty()) order.fields.emplace_back("If-Match", '"' + split.if_match + '"');
  const auto answer = ask(connection.client(), order, terminal);
  if (!answer) return answer.error();
  terminal.out << (connection.json ? answer->body : route_view(answer->body, terminal.colour));
  return exit_done;
}

int drain(const Connection& connection, const DrainArguments& drain, const Terminal& terminal) {
  AdminOrder order = drain_order(drain);
  order.method = "POST";
  order.target = pool_target(drain) + "/drain";
  return finish_drain(connection, order, drain.wait, terminal);
}

int undrain(const Connection& connection, const DrainArguments& drain, const Terminal& terminal) {
  AdminOrder order;
  order.method = "POST";
  order.target = pool_target(drain) + "/undrain";
  return change_pool(connection, order, terminal);
}

int change_backends(const Connection& connection, const BackendsOrder& backends,
                    const Terminal& terminal) {
  if (backends.action.empty()) return show_pools(connection, backends.drain.pool, terminal);
  if (backends.addresses.empty())
    throw CLI::ValidationError("\"" + backends.action + "\" needs at least one ADDRESS");
  if (backends.action == "remove") return remove_backends(connection, backends, terminal);
  AdminOrder order;
  order.target = pool_target(backends.drain) + "/backends";
  if (backends.action == "set") {
    JsonWriter json;
    json.open_object().key("backends").open_array();
    for (const std::string& address : backends.addresses) write_backend(json, address);
    order.method = "PUT";
    order.body = json.close_array().close_object().str();
    return change_pool(connection, order, terminal);
  }
  if (backends.addresses.size() > 1)
    throw CLI::ValidationError("\"add\" takes one ADDRESS at a time; \"set\" takes them all");
  JsonWriter json;
  write_backend(json, backends.addresses.front());
  order.method = "POST";
  order.body = json.str();
  return change_pool(connection, order, terminal);
}

}  // namespace sluice::proxy::program
