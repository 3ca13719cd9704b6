#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/quantity.hpp"
#include "conf/reading.hpp"
#include "conf/words.hpp"
#include "sluice/settings.hpp"

/// Typed access to single values. Each function reports what is wrong and then leaves `out` alone.
namespace sluice::conf {

/// The value as a T, or null after a report that `wanted` was expected.
template <class T>
const T* expect(const Spot& spot, std::string_view wanted, Reading& reading) {
  const T* value = spot.node.as<T>();
  if (value == nullptr) {
    reading.reject(spot, "found " + describe(spot.node) + ", expected " + std::string(wanted));
  }
  return value;
}

/// true | false
void read_value(const Spot& spot, bool& out, Reading& reading);

/// A count: a non-negative integer without a unit.
void read_value(const Spot& spot, unsigned& out, Reading& reading);

/// A size with a unit, in octets.
void read_value(const Spot& spot, std::uint64_t& out, Reading& reading);

/// A duration with a unit.
void read_value(const Spot& spot, milliseconds& out, Reading& reading);

/// Any text.
void read_value(const Spot& spot, std::string& out, Reading& reading);

/// An array of texts; none of them is taken when one is wrong.
void read_value(const Spot& spot, std::vector<std::string>& out, Reading& reading);

/// A finite number, with or without decimals.
void read_value(const Spot& spot, double& out, Reading& reading);

/// An array of counts; none of them is taken when one is wrong.
void read_value(const Spot& spot, std::vector<unsigned>& out, Reading& reading);

/// What is off unless the file names it.
template <class T>
void read_value(const Spot& spot, std::optional<T>& out, Reading& reading) {
  T value{};
  read_value(spot, value, reading);
  if (!reading.unread(spot.path)) out = std::move(value);
}

/// A count of 64 bits. Not an overload: a size is the same type, and has a unit.
void read_count(const Spot& spot, std::uint64_t& out, Reading& reading);

/// A number with at most two decimals, in hundredths. Not an overload: a count is the same type.
void read_hundredths(const Spot& spot, const Decimal& kind, std::uint32_t& out, Reading& reading);

/// An array of percentages, in hundredths; none of them is taken when one is wrong.
void read_percentages(const Spot& spot, std::vector<std::uint32_t>& out, Reading& reading);

/// A weight, in hundredths. Not an overload: a Weight and a count are the same type.
void read_weight(const Spot& spot, Weight& out, Reading& reading);

/// One of `known`; its index, or known.size() after a report.
std::size_t read_word(const Spot& spot, std::span<const std::string_view> known, Reading& reading);

/// An array of words, each one of `known`; none of them is taken when one is wrong.
void read_words(const Spot& spot, std::span<const std::string_view> known,
                std::vector<std::string>& out, Reading& reading);

/// The elements of an array as spots, with their places noted; nothing after a report that an array
/// of `wanted` was expected.
std::vector<Spot> read_elements(const Spot& spot, std::string_view wanted, Reading& reading);

/// A member of a table whose keys are names of the operator's choice.
struct Named {
  std::string name;
  Spot spot;
};

/// The members of a table in the order of the file, with the places of their keys noted; nothing
/// after a report that `wanted` was expected. `sluice::validate` judges the names.
std::vector<Named> read_named(const Spot& spot, std::string_view wanted, Reading& reading);

}  // namespace sluice::conf
