#pragma once

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// How values stand in the state file. StateCodec<T>::write() gives the JSON of a value and
/// StateCodec<T>::read() the value again, equal to the last bit, or throws a StateProblem. For a
/// type of one's own: StateMembers<T> for a struct, StateWords<T> for an enum, or a StateCodec<T>.
namespace sluice::proxy {

/// A part of the state file that cannot be read: where it stands and what is wrong with it.
class StateProblem : public std::exception {
 public:
  explicit StateProblem(std::string wrong) : wrong_(std::move(wrong)), text_(wrong_) {}
  /// The same as seen from outside of the member or element `step`, "gates" or "[1]".
  StateProblem under(std::string_view step) const;
  /// "rollouts[0].salt is missing"
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string place_;
  std::string wrong_;
  std::string text_;
};

/// `static void visit(auto& on, auto& value)` calls `on(key, member)` for each member of a struct,
/// `on.optional(key, member)` where nothing is written for none, or `on.bits(key, member)` where a
/// whole number is used bit by bit: it is written in hexadecimal, since many readers of JSON take
/// numbers for doubles. `value` is const when it is written.
template <class T>
struct StateMembers;

/// `static constexpr std::array words`: the word for each value of an enum, in their order.
template <class T>
struct StateWords;

template <class T>
struct StateCodec;

/// The whole numbers of `value`, a text that was written by state_bits().
std::uint64_t bits_of(const boost::json::value& value);
std::string state_bits(std::uint64_t bits);

class StateWriter {
 public:
  template <class T>
  void operator()(std::string_view key, const T& member) {
    object_[boost::json::string_view(key.data(), key.size())] = StateCodec<T>::write(member);
  }
  template <class T>
  void optional(std::string_view key, const std::optional<T>& member) {
    if (member) (*this)(key, *member);
  }
  void bits(std::string_view key, std::uint64_t member) { (*this)(key, state_bits(member)); }
  boost::json::object take() { return std::move(object_); }

 private:
  boost::json::object object_;
};

class StateReader {
 public:
  /// `value` outlives the reader.
  explicit StateReader(const boost::json::value& value);
  template <class T>
  void operator()(std::string_view key, T& member) const {
    read(key, [&](const boost::json::value& value) { member = StateCodec<T>::read(value); });
  }
  template <class T>
  void optional(std::string_view key, std::optional<T>& member) const {
    member.reset();
    if (find(key) != nullptr) (*this)(key, member.emplace());
  }
  void bits(std::string_view key, std::uint64_t& member) const {
    read(key, [&](const boost::json::value& value) { member = bits_of(value); });
  }

 private:
  const boost::json::value* find(std::string_view key) const {
    return object_.if_contains(boost::json::string_view(key.data(), key.size()));
  }
  template <class Take>
  void read(std::string_view key, Take take) const try {
    const auto* found = find(key);
    if (found == nullptr) throw StateProblem("is missing");
    take(*found);
  } catch (const StateProblem& problem) {
    throw problem.under(key);
  }
  const boost::json::object& object_;
};

template <class T>
struct StateCodec {
  static boost::json::value write(const T& value) {
    StateWriter writer;
    StateMembers<T>::visit(writer, value);
    return writer.take();
  }
  static T read(const boost::json::value& value) {
    const StateReader reader(value);
    T read{};
    StateMembers<T>::visit(reader, read);
    return read;
  }
};

template <>
struct StateCodec<bool> {
  static boost::json::value write(bool value) { return value; }
  static bool read(const boost::json::value& value);
};

template <>
struct StateCodec<std::string> {
  static boost::json::value write(const std::string& value) { return boost::json::string(value); }
  static std::string read(const boost::json::value& value);
};

/// As the shortest text that gives the same double: Boost.JSON reads numbers with a fraction to
/// about 16 digits only. Infinity and what is no number cannot be read.
template <>
struct StateCodec<double> {
  static boost::json::value write(double value);
  static double read(const boost::json::value& value);
};

template <std::integral T>
struct StateCodec<T> {
  static boost::json::value write(T value) { return value; }
  static T read(const boost::json::value& value) {
    boost::json::error_code error;
    if (value.is_number() && !value.is_double()) {
      const T number = value.to_number<T>(error);
      if (!error) return number;
    }
    throw StateProblem("is no whole number in range");
  }
};

template <>
struct StateCodec<std::chrono::milliseconds> {
  static boost::json::value write(std::chrono::milliseconds value) { return value.count(); }
  static std::chrono::milliseconds read(const boost::json::value& value) {
    return std::chrono::milliseconds(StateCodec<std::int64_t>::read(value));
  }
};

template <class T>
requires std::is_enum_v<T>
struct StateCodec<T> {
  static boost::json::value write(T value) {
    const std::string_view word = StateWords<T>::words.at(static_cast<std::size_t>(value));
    return boost::json::string(word.data(), word.size());
  }
  static T read(const boost::json::value& value) {
    const std::string given = StateCodec<std::string>::read(value);
    std::size_t index = 0;
    for (const std::string_view word : StateWords<T>::words) {
      if (word == given) return static_cast<T>(index);
      ++index;
    }
    throw StateProblem("is none of the words that can stand there");
  }
};

/// null for none.
template <class T>
struct StateCodec<std::optional<T>> {
  static boost::json::value write(const std::optional<T>& value) {
    return value ? StateCodec<T>::write(*value) : boost::json::value(nullptr);
  }
  static std::optional<T> read(const boost::json::value& value) {
    if (value.is_null()) return std::nullopt;
    return StateCodec<T>::read(value);
  }
};

template <class T>
struct StateCodec<std::vector<T>> {
  static boost::json::value write(const std::vector<T>& value) {
    boost::json::array array;
    for (const T& element : value) array.push_back(StateCodec<T>::write(element));
    return array;
  }
  static std::vector<T> read(const boost::json::value& value) {
    const boost::json::array* array = value.if_array();
    if (array == nullptr) throw StateProblem("is no array");
    std::vector<T> all;
    for (const boost::json::value& element : *array) {
      try {
        all.push_back(StateCodec<T>::read(element));
      } catch (const StateProblem& problem) {
        throw problem.under("[" + std::to_string(all.size()) + "]");
      }
    }
    return all;
  }
};

template <class T, std::size_t size>
struct StateCodec<std::array<T, size>> {
  static boost::json::value write(const std::array<T, size>& value) {
    return StateCodec<std::vector<T>>::write({value.begin(), value.end()});
  }
  static std::array<T, size> read(const boost::json::value& value) {
    const std::vector<T> read = StateCodec<std::vector<T>>::read(value);
    if (read.size() != size) {
      throw StateProblem("has " + std::to_string(read.size()) + " elements instead of " +
                         std::to_string(size));
    }
    std::array<T, size> all{};
    std::copy(read.begin(), read.end(), all.begin());
    return all;
  }
};

}  // namespace sluice::proxy
