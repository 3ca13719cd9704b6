#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/admin_reading.hpp"
#include "sluice/rollout_settings.hpp"

/// Single values of a rollout policy in JSON. Each function reads `value`, which stands at the path
/// `where`, into `out`, or says what is wrong with it and leaves `out` alone.
namespace sluice::proxy {

using Objection = std::optional<Denial>;
using JsonValue = boost::json::value;

Objection take(const JsonValue& value, const std::string& where, bool& out);
/// A count.
Objection take(const JsonValue& value, const std::string& where, unsigned& out);
Objection take(const JsonValue& value, const std::string& where, std::uint64_t& out);
/// A number that is not negative.
Objection take(const JsonValue& value, const std::string& where, double& out);
/// A duration with a unit.
Objection take(const JsonValue& value, const std::string& where, milliseconds& out);
Objection take(const JsonValue& value, const std::string& where, std::string& out);
Objection take(const JsonValue& value, const std::string& where, std::vector<std::string>& out);
/// Counts.
Objection take(const JsonValue& value, const std::string& where, std::vector<unsigned>& out);
Objection take(const JsonValue& value, const std::string& where, RolloutMode& out);
Objection take(const JsonValue& value, const std::string& where, Inconclusive& out);
Objection take(const JsonValue& value, const std::string& where, Supersede& out);
Objection take(const JsonValue& value, const std::string& where, RolloutReaction& out);

/// A percentage from 0 to 100, in hundredths. At most two decimals. Not an overload: a count is the
/// same type.
Objection take_percent(const JsonValue& value, const std::string& where, std::uint32_t& out);
/// Percent points a minute, from 0 to 6000, in hundredths. At most two decimals.
Objection take_slew(const JsonValue& value, const std::string& where, std::uint32_t& out);
/// A size with a unit, in octets.
Objection take_size(const JsonValue& value, const std::string& where, std::uint64_t& out);

/// A value, or null for none.
template <class T>
Objection take(const JsonValue& value, const std::string& where, std::optional<T>& out) {
  if (value.is_null()) {
    out.reset();
    return std::nullopt;
  }
  T given{};
  if (auto denial = take(value, where, given)) return denial;
  out = given;
  return std::nullopt;
}

/// An array, called `wanted` when the value is none, each element read by `read`.
template <class T, class Read>
Objection take_list(const JsonValue& value, const std::string& where, std::string_view wanted,
                    std::vector<T>& out, Read read) {
  if (!value.is_array()) return wrong_type(where, value, wanted);
  std::vector<T> items;
  for (const JsonValue& item : value.get_array()) {
    const std::string place = where + "[" + std::to_string(items.size()) + "]";
    if (Objection denial = read(item, place, items.emplace_back())) return denial;
  }
  out = std::move(items);
  return std::nullopt;
}

}  // namespace sluice::proxy
