#include "proxy/state_json.hpp"

#include <boost/json.hpp>
#include <stdexcept>

#include "proxy/state_rollout_json.hpp"

namespace sluice::proxy {
namespace json = boost::json;

namespace {

using RolloutsCodec = StateCodec<std::vector<core::RolloutRecord>>;

constexpr std::int64_t state_format = 2;
/// The one before rollouts.
constexpr std::int64_t oldest_format = 1;

json::array to_json(const std::vector<ShareSettings>& shares) {
  json::array array;
  for (const ShareSettings& share : shares) {
    array.push_back({{"pool", share.pool}, {"weight_hundredths", share.weight}});
  }
  return array;
}

json::array to_json(const std::vector<BackendSettings>& backends) {
  json::array array;
  for (const BackendSettings& backend : backends) {
    array.push_back({{"address", backend.address}, {"weight_hundredths", backend.weight}});
  }
  return array;
}

void put_origin(json::object& object, const core::Origin& origin) {
  object["by"] = origin.by;
  object["at_ms"] = origin.at_ms;
}

std::string text_of(const json::object& object, const char* key) {
  return json::value_to<std::string>(object.at(key));
}

Weight weight_of(const json::object& object) {
  const auto weight = json::value_to<std::uint64_t>(object.at("weight_hundredths"));
  if (weight > weight_max) throw std::out_of_range("a weight is larger than allowed");
  return static_cast<Weight>(weight);
}

std::vector<ShareSettings> shares_of(const json::value& value) {
  std::vector<ShareSettings> shares;
  for (const json::value& entry : value.as_array()) {
    shares.push_back({text_of(entry.as_object(), "pool"), weight_of(entry.as_object())});
  }
  return shares;
}

std::vector<BackendSettings> backends_of(const json::value& value) {
  std::vector<BackendSettings> backends;
  for (const json::value& entry : value.as_array()) {
    backends.push_back({text_of(entry.as_object(), "address"), weight_of(entry.as_object())});
  }
  return backends;
}

core::Origin origin_of(const json::object& object) {
  return {text_of(object, "by"), json::value_to<std::int64_t>(object.at("at_ms"))};
}

/// Formats 1 and 2 were written without it, too.
std::optional<std::int64_t> deadline_of(const json::object& drain) {
  const json::value* deadline = drain.if_contains("deadline_ms");
  if (deadline == nullptr) return std::nullopt;
  return json::value_to<std::int64_t>(*deadline);
}

std::vector<core::RolloutRecord> rollouts_of(const json::object& root) try {
  return RolloutsCodec::read(root.at("rollouts"));
} catch (const StateProblem& problem) {
  throw problem.under("rollouts");
}

core::Overrides overrides_of(const json::object& root, std::int64_t written_as) {
  core::Overrides overrides;
  for (const json::value& entry : root.at("splits").as_array()) {
    const json::object& split = entry.as_object();
    overrides.splits.push_back(
        {text_of(split, "route"), shares_of(split.at("configured")), shares_of(split.at("weights")),
         json::value_to<std::uint64_t>(split.at("revision")), origin_of(split)});
  }
  for (const json::value& entry : root.at("drains").as_array()) {
    const json::object& drain = entry.as_object();
    overrides.drains.push_back(
        {text_of(drain, "pool"), text_of(drain, "backend"), origin_of(drain), deadline_of(drain)});
  }
  for (const json::value& entry : root.at("memberships").as_array()) {
    const json::object& membership = entry.as_object();
    overrides.memberships.push_back(
        {text_of(membership, "pool"), backends_of(membership.at("configured")),
         backends_of(membership.at("backends")), origin_of(membership)});
  }
  if (written_as > oldest_format) overrides.rollouts = rollouts_of(root);
  return overrides;
}

json::value parsed(std::string_view text, boost::system::error_code& error) {
  // Words of a rollout may come from a hook that does not speak UTF-8.
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  return json::parse(json::string_view(text.data(), text.size()), error, {}, options);
}

}  // namespace

std::string to_state_text(const core::Overrides& overrides) {
  json::array splits;
  for (const core::SplitOverride& split : overrides.splits) {
    json::object object{{"route", split.route},
                        {"configured", to_json(split.configured)},
                        {"weights", to_json(split.weights)},
                        {"revision", split.revision}};
    put_origin(object, split.origin);
    splits.push_back(std::move(object));
  }
  json::array drains;
  for (const core::DrainOverride& drain : overrides.drains) {
    json::object object{{"pool", drain.pool}, {"backend", drain.backend}};
    put_origin(object, drain.origin);
    if (drain.deadline_ms) object["deadline_ms"] = *drain.deadline_ms;
    drains.push_back(std::move(object));
  }
  json::array memberships;
  for (const core::MembershipOverride& membership : overrides.memberships) {
    json::object object{{"pool", membership.pool},
                        {"configured", to_json(membership.configured)},
                        {"backends", to_json(membership.backends)}};
    put_origin(object, membership.origin);
    memberships.push_back(std::move(object));
  }
  const json::object root{{"format", state_format},
                          {"splits", std::move(splits)},
                          {"drains", std::move(drains)},
                          {"memberships", std::move(memberships)},
                          {"rollouts", RolloutsCodec::write(overrides.rollouts)}};
  return json::serialize(root) + "\n";
}

core::Result<core::Overrides, std::string> read_state_text(std::string_view text) {
  boost::system::error_code error;
  const json::value root = parsed(text, error);
  if (error) return "it is not JSON (" + error.message() + ")";
  try {
    const json::object& object = root.as_object();
    const auto found = json::value_to<std::int64_t>(object.at("format"));
    if (found > state_format) {
      return "a newer version of sluice wrote it: its format is " + std::to_string(found) +
             ", this version reads formats " + std::to_string(oldest_format) + " and " +
             std::to_string(state_format);
    }
    if (found < oldest_format) {
      return "its format is " + std::to_string(found) + ", this version reads formats " +
             std::to_string(oldest_format) + " and " + std::to_string(state_format);
    }
    return overrides_of(object, found);
  } catch (const StateProblem& problem) {
    return std::string("its member ") + problem.what();
  } catch (const std::exception& problem) {
    return std::string("a member is missing or of the wrong type (") + problem.what() + ")";
  }
}

std::optional<std::int64_t> newer_format(std::string_view text) {
  boost::system::error_code error;
  const json::value root = parsed(text, error);
  const json::object* object = error ? nullptr : root.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains("format");
  if (found == nullptr || !found->is_int64() || found->get_int64() <= state_format)
    return std::nullopt;
  return found->get_int64();
}

}  // namespace sluice::proxy
