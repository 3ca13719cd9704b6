#include "proxy/admin_rollout_body.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "proxy/admin_reading.hpp"
#include "proxy/admin_rollout_policy.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

/// Longer ids would not fit into a line of a log or of a table.
constexpr std::size_t longest_id = 128;

std::optional<Denial> read_name(const json::object& object, std::string_view name,
                                std::string& out) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return std::nullopt;
  const std::string where = "\"" + std::string(name) + "\"";
  if (!value->is_string()) return wrong_type(where, *value, "a string");
  const json::string& text = value->get_string();
  out.assign(text.data(), text.size());
  if (out.empty()) return unacceptable(where + " is empty; leave it out or give a name.");
  return std::nullopt;
}

std::optional<Denial> check_id(const std::string& id) {
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; };
  if (id.size() <= longest_id && std::all_of(id.begin(), id.end(), is_plain)) return std::nullopt;
  return unacceptable(
      "\"id\" must be at most 128 printable ASCII characters without blanks, quotes and "
      "backslashes, such as \"build-42\".");
}

}  // namespace

Outcome<RolloutOrder> read_rollout_order(std::string_view body, const RolloutSettings& base) {
  const auto value = parse_json(body, R"({"to":"POOL"})");
  if (!value) return value.error();
  const json::object* object = value->if_object();
  if (object == nullptr) return wrong_type("The body", *value, "an object");
  if (auto denial = unknown_member(*object, {"to", "id", "from", "policy"})) return *denial;
  RolloutOrder order;
  if (auto denial = read_name(*object, "to", order.to)) return *denial;
  if (auto denial = read_name(*object, "id", order.id)) return *denial;
  if (auto denial = read_name(*object, "from", order.from)) return *denial;
  if (auto denial = check_id(order.id)) return *denial;
  if (order.to.empty())
    return unacceptable(
        "\"to\" is missing; send the pool that is to get the traffic: "
        "{\"to\":\"POOL\"}.");
  if (const json::value* policy = object->if_contains("policy"); policy != nullptr) {
    auto settings = read_rollout_policy(*policy, base);
    if (!settings) return settings.error();
    order.policy = std::move(*settings);
  }
  return order;
}

Outcome<RolloutVerb> read_promotion(const Query& query) {
  if (auto denial = unknown_parameter(query, {"full"})) return *denial;
  auto verb = RolloutVerb::promote;
  for (const auto& [name, value] : query) {
    if (value != "true" && value != "false" && !value.empty())
      return unacceptable("\"full\" is \"" + value + "\"; it must be true or false.");
    verb = value == "false" ? RolloutVerb::promote : RolloutVerb::promote_full;
  }
  return verb;
}

}  // namespace sluice::proxy
