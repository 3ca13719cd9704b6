#include "proxy/admin_body.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "proxy/admin_reading.hpp"
#include "proxy/admin_units.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

Outcome<Weight> read_weight(const json::value& value, const std::string& where) {
  if (!value.is_number()) return wrong_type(where, value, "a number such as 90 or 12.5");
  boost::system::error_code error;
  const auto weight = weight_of(value.to_number<double>(error));
  if (error || !weight)
    return unacceptable(where + " must be a number from 0 to 1000000 with at most two decimals.");
  return *weight;
}

Outcome<BackendSettings> backend_of(const json::value& value, const std::string& where) {
  BackendSettings backend;
  if (const auto* address = value.if_string()) {
    backend.address.assign(address->data(), address->size());
  } else if (const auto* object = value.if_object()) {
    if (auto denial = unknown_member(*object, {"address", "weight"})) return *denial;
    const json::value* address_member = object->if_contains("address");
    if (address_member == nullptr)
      return unacceptable(where + " has no \"address\"; give one such as \"127.0.0.1:9001\".");
    if (!address_member->is_string())
      return wrong_type(where + ".address", *address_member, "a string");
    const json::string& text = address_member->get_string();
    backend.address.assign(text.data(), text.size());
    if (const json::value* weight_member = object->if_contains("weight")) {
      const auto weight = read_weight(*weight_member, where + ".weight");
      if (!weight) return weight.error();
      backend.weight = *weight;
    }
  } else {
    return wrong_type(where, value,
                      "an address or an object {\"address\":\"127.0.0.1:9001\",\"weight\":1}");
  }
  if (backend.address.empty()) return unacceptable(where + " has an empty address.");
  if (backend.weight == 0)
    return unacceptable(where + ".weight must be above 0; drain a backend to give it nothing.");
  return backend;
}

/// Takes one wish over, unless it was given before and differs.
template <class T>
std::optional<Denial> settle(std::optional<T>& wish, T value, std::string_view name) {
  if (wish && *wish != value)
    return unacceptable("\"" + std::string(name) +
                        "\" is given twice with different values; give it once.");
  wish = value;
  return std::nullopt;
}

struct OpenWish {
  std::optional<milliseconds> deadline;
  std::optional<bool> wait;
};

std::optional<Denial> take_deadline(OpenWish& wish, std::string_view text) {
  const auto deadline = parse_duration(text);
  if (!deadline)
    return unacceptable("\"deadline\" is \"" + std::string(text) +
                        "\"; it must be a whole number with a unit (ms, s, m, h), such as "
                        "\"30s\".");
  return settle(wish.deadline, *deadline, "deadline");
}

std::optional<Denial> take_query(OpenWish& wish, const Query& query) {
  if (auto denial = unknown_parameter(query, {"deadline", "wait"})) return denial;
  for (const auto& [name, value] : query) {
    std::optional<Denial> denial;
    if (name == "deadline")
      denial = take_deadline(wish, value);
    else if (value == "true" || value == "false" || value.empty())
      denial = settle(wish.wait, value != "false", name);
    else
      denial = unacceptable("\"wait\" is \"" + value + "\"; it must be true or false.");
    if (denial) return denial;
  }
  return std::nullopt;
}

std::optional<Denial> take_body(OpenWish& wish, std::string_view body) {
  const auto value = parse_json(body, R"({"deadline":"30s","wait":true} or nothing)");
  if (!value) return value.error();
  const json::object* object = value->if_object();
  if (object == nullptr) return wrong_type("The body", *value, "an object");
  if (auto denial = unknown_member(*object, {"deadline", "wait"})) return denial;
  if (const json::value* deadline = object->if_contains("deadline"); deadline != nullptr) {
    if (!deadline->is_string())
      return wrong_type("\"deadline\"", *deadline, "a string like \"30s\"");
    const json::string& text = deadline->get_string();
    if (auto denial = take_deadline(wish, {text.data(), text.size()})) return denial;
  }
  if (const json::value* wait = object->if_contains("wait"); wait != nullptr) {
    if (!wait->is_bool()) return wrong_type("\"wait\"", *wait, "true or false");
    return settle(wish.wait, wait->get_bool(), "wait");
  }
  return std::nullopt;
}

}  // namespace

Outcome<std::vector<ShareSettings>> read_split(std::string_view body) {
  const auto value = parse_json(body, R"({"weights":{"POOL":90,"POOL":10}})");
  if (!value) return value.error();
  const json::object* object = value->if_object();
  if (object == nullptr) return wrong_type("The body", *value, "an object");
  if (auto denial = unknown_member(*object, {"weights"})) return *denial;
  const json::value* weights = object->if_contains("weights");
  if (weights == nullptr)
    return unacceptable("\"weights\" is missing; send {\"weights\":{\"POOL\":90,\"POOL\":10}}.");
  if (!weights->is_object())
    return wrong_type("\"weights\"", *weights, "an object of pools and their weights");
  std::vector<ShareSettings> shares;
  for (const auto& member : weights->get_object()) {
    std::string pool(member.key().data(), member.key().size());
    const auto weight = read_weight(member.value(), "weights." + pool);
    if (!weight) return weight.error();
    shares.push_back({std::move(pool), *weight});
  }
  if (std::none_of(shares.begin(), shares.end(),
                   [](const auto& share) { return share.weight > 0; }))
    return unacceptable("The weights add up to 0; give at least one pool a weight above 0.");
  return shares;
}

Outcome<std::vector<BackendSettings>> read_backends(std::string_view body) {
  const auto value = parse_json(body, R"({"backends":["127.0.0.1:9001"]})");
  if (!value) return value.error();
  const json::object* object = value->if_object();
  if (object == nullptr) return wrong_type("The body", *value, "an object");
  if (auto denial = unknown_member(*object, {"backends"})) return *denial;
  const json::value* list = object->if_contains("backends");
  if (list == nullptr)
    return unacceptable("\"backends\" is missing; send {\"backends\":[\"127.0.0.1:9001\"]}.");
  if (!list->is_array()) return wrong_type("\"backends\"", *list, "an array of backends");
  std::vector<BackendSettings> backends;
  for (const json::value& item : list->get_array()) {
    auto backend = backend_of(item, "backends[" + std::to_string(backends.size()) + "]");
    if (!backend) return backend.error();
    backends.push_back(std::move(*backend));
  }
  return backends;
}

Outcome<BackendSettings> read_backend(std::string_view body) {
  const auto value = parse_json(body, R"({"address":"127.0.0.1:9001","weight":1})");
  if (!value) return value.error();
  return backend_of(*value, "The backend");
}

Outcome<DrainWish> read_drain(std::string_view body, const Query& query) {
  OpenWish wish;
  if (auto denial = take_query(wish, query)) return *denial;
  if (!body.empty())
    if (auto denial = take_body(wish, body)) return *denial;
  return DrainWish{wish.deadline, wish.wait.value_or(false)};
}

std::optional<Denial> unknown_parameter(const Query& query,
                                        const std::vector<std::string_view>& allowed) {
  for (const auto& [name, value] : query) {
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    return unacceptable("There is no query parameter \"" + name + "\"; allowed: " +
                        (allowed.empty() ? std::string("none") : listed(allowed)) + ".");
  }
  return std::nullopt;
}

std::optional<Denial> unexpected_body(std::string_view body) {
  if (body.empty()) return std::nullopt;
  const auto value = parse_json(body, "nothing");
  if (!value) return value.error();
  if (!value->is_object()) return wrong_type("The body", *value, "empty");
  if (!value->get_object().empty())
    return unacceptable("This call takes no members; leave the body out.");
  return std::nullopt;
}

}  // namespace sluice::proxy
