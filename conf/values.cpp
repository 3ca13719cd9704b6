#include "conf/values.hpp"

#include <algorithm>
#include <limits>

#include "conf/nearest.hpp"
#include "conf/quantity.hpp"

namespace sluice::conf {
namespace {

/// Takes over a parsed quantity, or reports why there is none.
template <class T>
void take(const Spot& spot, const core::Result<T, std::string>& result, T& out, Reading& reading) {
  if (result.ok()) {
    out = *result;
  } else {
    reading.reject(spot, result.error());
  }
}

/// The text of a quantity that needs a unit, or null after a report.
const std::string* expect_with_unit(const Spot& spot, std::string_view thing,
                                    std::string_view units, std::string_view examples,
                                    Reading& reading) {
  const bool bare = spot.node.as<std::int64_t>() != nullptr || spot.node.as<double>() != nullptr;
  if (!bare) {
    return expect<std::string>(
        spot, std::string(thing) + " in quotes, such as " + std::string(examples), reading);
  }
  reading.reject(spot, "found " + describe(spot.node) + " without a unit, expected " +
                           std::string(thing) + " in quotes with one of " + std::string(units) +
                           ", such as " + std::string(examples));
  return nullptr;
}

}  // namespace

void read_value(const Spot& spot, bool& out, Reading& reading) {
  if (const bool* value = expect<bool>(spot, "true or false", reading)) out = *value;
}

void read_value(const Spot& spot, unsigned& out, Reading& reading) {
  constexpr auto most = std::numeric_limits<unsigned>::max();
  const std::string wanted = "an integer from 0 to " + std::to_string(most);
  const auto* value = expect<std::int64_t>(spot, wanted, reading);
  if (value == nullptr) return;
  if (*value < 0 || *value > std::int64_t{most}) {
    reading.reject(spot, "found " + describe(spot.node) + ", expected " + wanted);
    return;
  }
  out = static_cast<unsigned>(*value);
}

void read_value(const Spot& spot, std::uint64_t& out, Reading& reading) {
  const auto* text = expect_with_unit(spot, "a size", "B, KiB, MiB and GiB", R"("64KiB")", reading);
  if (text != nullptr) take(spot, parse_size(*text), out, reading);
}

void read_value(const Spot& spot, milliseconds& out, Reading& reading) {
  const auto* text =
      expect_with_unit(spot, "a duration", "ms, s, m and h", R"("250ms", "30s" or "5m")", reading);
  if (text != nullptr) take(spot, parse_duration(*text), out, reading);
}

void read_value(const Spot& spot, std::string& out, Reading& reading) {
  if (const auto* text = expect<std::string>(spot, "a string", reading)) out = *text;
}

void read_value(const Spot& spot, std::vector<std::string>& out, Reading& reading) {
  std::vector<std::string> texts;
  bool all = spot.node.as<Array>() != nullptr;
  for (const Spot& one : read_elements(spot, "strings", reading)) {
    if (const auto* text = expect<std::string>(one, "a string", reading)) {
      texts.push_back(*text);
    } else {
      all = false;
    }
  }
  if (all) out = std::move(texts);
}

void read_weight(const Spot& spot, Weight& out, Reading& reading) {
  if (const auto* integer = spot.node.as<std::int64_t>()) {
    take(spot, to_weight(*integer), out, reading);
  } else if (const auto* number = expect<double>(
                 spot, "a weight: a number from 0 to 1000000 with at most two decimals", reading)) {
    take(spot, to_weight(*number), out, reading);
  }
}

std::size_t read_word(const Spot& spot, std::span<const std::string_view> known, Reading& reading) {
  const auto* text = expect<std::string>(spot, "one of " + joined(known), reading);
  if (text == nullptr) return known.size();
  const auto found = std::find(known.begin(), known.end(), *text);
  if (found == known.end()) {
    std::string what = "found " + in_quotes(*text) + ", expected one of " + joined(known);
    if (const auto near = nearest(*text, known)) what += "; did you mean " + in_quotes(*near) + "?";
    reading.reject(spot, what);
  }
  return static_cast<std::size_t>(found - known.begin());
}

std::vector<Spot> read_elements(const Spot& spot, std::string_view wanted, Reading& reading) {
  std::vector<Spot> elements;
  const auto* array = expect<Array>(spot, "an array of " + std::string(wanted), reading);
  if (array == nullptr) return elements;
  elements.reserve(array->size());
  for (const Node& node : *array) {
    elements.push_back({node, element(spot.path, elements.size())});
    reading.note(elements.back().path, node.place);
  }
  return elements;
}

std::vector<Named> read_named(const Spot& spot, std::string_view wanted, Reading& reading) {
  std::vector<Named> named;
  const auto* table = expect<Table>(spot, wanted, reading);
  if (table == nullptr) return named;
  named.reserve(table->size());
  for (const Member& member : *table) {
    named.push_back({member.key, {member.node, below(spot.path, member.key)}});
    reading.note(named.back().spot.path, member.place);
  }
  return named;
}

}  // namespace sluice::conf
