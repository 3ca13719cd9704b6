#include "proxy/admin_policy_values.hpp"

#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <system_error>
#include <utility>

#include "proxy/admin_units.hpp"

namespace sluice::proxy {
namespace {

std::string_view text_of(const JsonValue& value) {
  const boost::json::string& text = value.get_string();
  return {text.data(), text.size()};
}

/// `where` has a value of the right type that cannot be.
Denial wrong_value(const std::string& where, std::string_view found, std::string_view wanted) {
  return unacceptable(where + " is \"" + std::string(found) + "\"; it must be " +
                      std::string(wanted) + ".");
}

template <class T>
Objection take_count(const JsonValue& value, const std::string& where, T& out) {
  if (!value.is_number()) return wrong_type(where, value, "a whole number");
  boost::system::error_code error;
  const T count = value.to_number<T>(error);
  if (error)
    return unacceptable(where + " must be a whole number from 0 to " +
                        std::to_string(std::numeric_limits<T>::max()) + ".");
  out = count;
  return std::nullopt;
}

/// A kind of number with at most two decimals.
struct Decimal {
  std::string_view name;
  std::uint32_t most = 0;
};

Objection take_hundredths(const JsonValue& value, const std::string& where, const Decimal& kind,
                          std::uint32_t& out) {
  const std::string wanted = std::string(kind.name) + " from 0 to " + std::to_string(kind.most) +
                             " with at most two decimals";
  if (!value.is_number()) return wrong_type(where, value, wanted);
  const auto hundredths = weight_of(value.to_number<double>());
  if (!hundredths || *hundredths > kind.most * weight_one)
    return unacceptable(where + " must be " + wanted + ".");
  out = *hundredths;
  return std::nullopt;
}

template <class Enum>
using Words = std::initializer_list<std::pair<std::string_view, Enum>>;

template <class Enum>
Objection take_word(const JsonValue& value, const std::string& where, Words<Enum> words,
                    Enum& out) {
  std::string wanted;
  for (const auto& [word, meaning] : words) {
    if (value.is_string() && text_of(value) == word) {
      out = meaning;
      return std::nullopt;
    }
    wanted += (wanted.empty() ? "one of " : ", ") + std::string(word);
  }
  if (!value.is_string()) return wrong_type(where, value, wanted);
  return wrong_value(where, text_of(value), wanted);
}

/// "64KiB"
std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
  unsigned shift = 0;
  for (const std::string_view known : {"B", "KiB", "MiB", "GiB"}) {
    if (unit == known)
      return count <= (std::uint64_t{1} << 53U) >> shift ? std::optional(count << shift)
                                                         : std::nullopt;
    shift += 10;
  }
  return std::nullopt;
}

}  // namespace

Objection take(const JsonValue& value, const std::string& where, bool& out) {
  if (!value.is_bool()) return wrong_type(where, value, "true or false");
  out = value.get_bool();
  return std::nullopt;
}

Objection take(const JsonValue& value, const std::string& where, unsigned& out) {
  return take_count(value, where, out);
}

Objection take(const JsonValue& value, const std::string& where, std::uint64_t& out) {
  return take_count(value, where, out);
}

Objection take(const JsonValue& value, const std::string& where, double& out) {
  if (!value.is_number()) return wrong_type(where, value, "a number");
  const auto number = value.to_number<double>();
  if (!std::isfinite(number) || number < 0)
    return unacceptable(where + " must be a number that is not negative.");
  out = number;
  return std::nullopt;
}

Objection take(const JsonValue& value, const std::string& where, milliseconds& out) {
  constexpr std::string_view wanted =
      "a whole number with a unit (ms, s, m, h) in quotes, such as \"30s\"";
  if (!value.is_string()) return wrong_type(where, value, wanted);
  const auto duration = parse_duration(text_of(value));
  if (!duration) return wrong_value(where, text_of(value), wanted);
  out = *duration;
  return std::nullopt;
}

Objection take(const JsonValue& value, const std::string& where, std::string& out) {
  if (!value.is_string()) return wrong_type(where, value, "a string");
  out = text_of(value);
  return std::nullopt;
}

Objection take(const JsonValue& value, const std::string& where, std::vector<std::string>& out) {
  return take_list(value, where, "an array of strings", out,
                   [](const JsonValue& item, const std::string& place, std::string& text) {
                     return take(item, place, text);
                   });
}

Objection take(const JsonValue& value, const std::string& where, std::vector<unsigned>& out) {
  return take_list(value, where, "an array of whole numbers", out,
                   [](const JsonValue& item, const std::string& place, unsigned& count) {
                     return take(item, place, count);
                   });
}

Objection take(const JsonValue& value, const std::string& where, RolloutMode& out) {
  return take_word(value, where, {{"act", RolloutMode::act}, {"observe", RolloutMode::observe}},
                   out);
}

Objection take(const JsonValue& value, const std::string& where, Inconclusive& out) {
  return take_word(value, where,
                   {{"hold", Inconclusive::hold},
                    {"advance", Inconclusive::advance},
                    {"rollback", Inconclusive::rollback}},
                   out);
}

Objection take(const JsonValue& value, const std::string& where, Supersede& out) {
  return take_word(
      value, where,
      {{"reject", Supersede::reject}, {"restart", Supersede::restart}, {"queue", Supersede::queue}},
      out);
}

Objection take(const JsonValue& value, const std::string& where, RolloutReaction& out) {
  return take_word(value, where,
                   {{"hold", RolloutReaction::hold}, {"rollback", RolloutReaction::rollback}}, out);
}

Objection take_percent(const JsonValue& value, const std::string& where, std::uint32_t& out) {
  return take_hundredths(value, where, {"a percentage", 100}, out);
}

Objection take_slew(const JsonValue& value, const std::string& where, std::uint32_t& out) {
  return take_hundredths(value, where, {"a number of percent points a minute", 6000}, out);
}

Objection take_size(const JsonValue& value, const std::string& where, std::uint64_t& out) {
  constexpr std::string_view wanted =
      "a whole number with a unit (B, KiB, MiB, GiB) in quotes, such as \"64KiB\"";
  if (!value.is_string()) return wrong_type(where, value, wanted);
  const auto size = parse_size(text_of(value));
  if (!size) return wrong_value(where, text_of(value), wanted);
  out = *size;
  return std::nullopt;
}

}  // namespace sluice::proxy
