#include "conf/values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "conf/nearest.hpp"

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

/// A count up to `most`, or nothing after a report.
std::optional<std::int64_t> expect_count(const Spot& spot, std::int64_t most, Reading& reading) {
  const std::string wanted = "an integer from 0 to " + std::to_string(most);
  const auto* value = expect<std::int64_t>(spot, wanted, reading);
  if (value == nullptr) return std::nullopt;
  if (*value >= 0 && *value <= most) return *value;
  reading.reject(spot, "found " + describe(spot.node) + ", expected " + wanted);
  return std::nullopt;
}

/// What an array holds, in words, and how one element is read.
template <class T>
struct Elements {
  std::string_view wanted;
  void (*read)(const Spot& spot, T& out, Reading& reading);
};

/// Takes all elements of an array, or none of them when one is wrong.
template <class T>
void read_array(const Spot& spot, const Elements<T>& elements, std::vector<T>& out,
                Reading& reading) {
  std::vector<T> all;
  for (const Spot& one : read_elements(spot, elements.wanted, reading)) {
    elements.read(one, all.emplace_back(), reading);
  }
  if (!reading.unread_within(spot.path)) out = std::move(all);
}

void read_percentage(const Spot& spot, std::uint32_t& out, Reading& reading) {
  read_hundredths(spot, percentage, out, reading);
}

}  // namespace

void read_value(const Spot& spot, bool& out, Reading& reading) {
  if (const bool* value = expect<bool>(spot, "true or false", reading)) out = *value;
}

void read_value(const Spot& spot, unsigned& out, Reading& reading) {
  if (const auto count = expect_count(spot, std::numeric_limits<unsigned>::max(), reading)) {
    out = static_cast<unsigned>(*count);
  }
}

void read_count(const Spot& spot, std::uint64_t& out, Reading& reading) {
  if (const auto count = expect_count(spot, std::numeric_limits<std::int64_t>::max(), reading)) {
    out = static_cast<std::uint64_t>(*count);
  }
}

void read_value(const Spot& spot, double& out, Reading& reading) {
  if (const auto* integer = spot.node.as<std::int64_t>()) {
    out = static_cast<double>(*integer);
    return;
  }
  const auto* number = expect<double>(spot, "a number", reading);
  if (number == nullptr) return;
  if (std::isfinite(*number)) {
    out = *number;
  } else {
    reading.reject(spot, "found " + describe(spot.node) + ", expected a finite number");
  }
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
  read_array<std::string>(spot, {"strings", read_value}, out, reading);
}

void read_value(const Spot& spot, std::vector<unsigned>& out, Reading& reading) {
  read_array<unsigned>(spot, {"integers", read_value}, out, reading);
}

void read_hundredths(const Spot& spot, const Decimal& kind, std::uint32_t& out, Reading& reading) {
  if (const auto* integer = spot.node.as<std::int64_t>()) {
    take(spot, to_hundredths(*integer, kind), out, reading);
  } else if (const auto* number = expect<double>(spot, range_of(kind), reading)) {
    take(spot, to_hundredths(*number, kind), out, reading);
  }
}

void read_percentages(const Spot& spot, std::vector<std::uint32_t>& out, Reading& reading) {
  read_array<std::uint32_t>(spot, {"percentages", read_percentage}, out, reading);
}

void read_weight(const Spot& spot, Weight& out, Reading& reading) {
  read_hundredths(spot, weight_number, out, reading);
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

void read_words(const Spot& spot, std::span<const std::string_view> known,
                std::vector<std::string>& out, Reading& reading) {
  std::vector<std::string> words;
  for (const Spot& one : read_elements(spot, "words in quotes", reading)) {
    const std::size_t word = read_word(one, known, reading);
    if (word < known.size()) words.emplace_back(known[word]);
  }
  if (!reading.unread_within(spot.path)) out = std::move(words);
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
