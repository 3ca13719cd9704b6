#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/reading.hpp"
#include "conf/values.hpp"

/// Tables of keys. They are the only list of what a file may say: reading, unknown keys and
/// `known_keys` all come from them.
namespace sluice::conf {

/// One key of a table that is read into a T.
template <class T>
struct Key {
  std::string_view name;
  void (*read)(const Spot& spot, T& out, Reading& reading);
  /// Appends the keys below this one, of which `path` is the path; null for a plain value.
  void (*list)(const std::string& path, std::vector<std::string>& out) = nullptr;
};

template <auto Member>
struct MemberOf;
template <class T, class V, V T::*Member>
struct MemberOf<Member> {
  using Owner = T;
};

/// Reads a value straight into a member, by the member's type.
template <auto Member>
void read_member(const Spot& spot, typename MemberOf<Member>::Owner& out, Reading& reading) {
  read_value(spot, out.*Member, reading);
}

/// Notes the place of each member of the table, and reports those that are not among `known`.
void check_keys(const Spot& spot, const Table& table, std::span<const std::string_view> known,
                Reading& reading);

/// Reads a table into `out`, key by key in the order of `Keys`.
template <const auto& Keys, class T>
void read_table(const Spot& spot, T& out, Reading& reading) {
  const Table* table = expect<Table>(spot, "a table", reading);
  if (table == nullptr) return;
  std::vector<std::string_view> names;
  for (const Key<T>& key : Keys) names.push_back(key.name);
  check_keys(spot, *table, names, reading);
  for (const Key<T>& key : Keys) {
    if (const Node* node = find(*table, key.name)) {
      key.read({*node, below(spot.path, key.name)}, out, reading);
    }
  }
}

/// Reads a table into a member, with the keys `Keys`.
template <auto Member, const auto& Keys>
void read_section(const Spot& spot, typename MemberOf<Member>::Owner& out, Reading& reading) {
  read_table<Keys>(spot, out.*Member, reading);
}

/// Reports that the table `spot` lacks `key`, which it must have, when it does.
void require_key(const Spot& spot, std::string_view key, Reading& reading);

/// Appends the dotted paths of `Keys` below `path`.
template <const auto& Keys>
void list_keys(const std::string& path, std::vector<std::string>& out) {
  for (const auto& key : Keys) {
    const std::string key_path = below(path, key.name);
    if (key.list != nullptr) {
      key.list(key_path, out);
    } else {
      out.push_back(key_path);
    }
  }
}

/// The same for an array of tables.
template <const auto& Keys>
void list_element_keys(const std::string& path, std::vector<std::string>& out) {
  list_keys<Keys>(path + "[]", out);
}

/// The same for tables with names of the operator's choice.
template <const auto& Keys>
void list_named_keys(const std::string& path, std::vector<std::string>& out) {
  list_keys<Keys>(path + ".*", out);
}

}  // namespace sluice::conf
