#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.hpp"

/// A TOML file as a plain tree in which every key and value knows its place. It keeps TOML++ out of
/// the rest of the folder, and keeps the order of the file, which TOML++ does not.
namespace sluice::conf {

/// A position in the file. Lines and columns count from 1, columns in Unicode code points.
struct Place {
  unsigned line = 1;
  unsigned column = 1;
  auto operator<=>(const Place&) const = default;
};

/// A date, a time or both: no key wants one, so nothing but its presence is kept.
struct Moment {};

struct Member;
struct Node;
using Array = std::vector<Node>;
/// In the order of the file.
using Table = std::vector<Member>;

/// One value.
struct Node {
  Place place;
  std::variant<bool, std::int64_t, double, std::string, Moment, Array, Table> value;

  /// The value when it is a T, else null.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
};

/// One key of a table and its value.
struct Member {
  std::string key;
  Place place;  ///< of the key
  Node node;
};

/// Why a text is not TOML. TOML++ stops at the first reason.
struct SyntaxError {
  Place place;
  std::string what;
};

/// Reads a whole TOML text; a byte order mark and CRLF are fine. The root is always a table.
/// Refuses what TOML++ cannot take (precheck.hpp).
core::Result<Node, SyntaxError> read_document(std::string_view text);

/// The member `key` of `table`, or null.
const Node* find(const Table& table, std::string_view key);

}  // namespace sluice::conf
