#include "conf/document.hpp"

#include <algorithm>
#include <utility>

// TOML++ 3.3 asserts that a table header begins with a key, before it has looked: "[=" and "[.]"
// would stop the program, and with NDEBUG the optimizer may take the assertion for granted. Without
// it the next lines there report a syntax error.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "conf/precheck.hpp"

namespace sluice::conf {
namespace {

Place place_of(const toml::source_region& region) {
  if (region.begin.line == 0) return {};
  return {static_cast<unsigned>(region.begin.line), static_cast<unsigned>(region.begin.column)};
}

/// Takes what is in it.
Node convert(toml::node& from);

Array convert_array(toml::array& from) {
  Array array;
  array.reserve(from.size());
  for (toml::node& element : from) array.push_back(convert(element));
  return array;
}

Table convert_table(toml::table& from) {
  Table table;
  table.reserve(from.size());
  for (auto&& [key, node] : from) {
    table.push_back({std::string(key.str()), place_of(key.source()), convert(node)});
  }
  std::stable_sort(table.begin(), table.end(),
                   [](const Member& a, const Member& b) { return a.place < b.place; });
  return table;
}

Node convert(toml::node& from) {
  Node node{place_of(from.source()), Moment{}};
  if (const auto* flag = from.as_boolean()) node.value = flag->get();
  if (const auto* integer = from.as_integer()) node.value = integer->get();
  if (const auto* number = from.as_floating_point()) node.value = number->get();
  if (auto* text = from.as_string()) node.value = std::move(text->get());
  if (auto* array = from.as_array()) node.value = convert_array(*array);
  if (auto* table = from.as_table()) node.value = convert_table(*table);
  return node;
}

}  // namespace

core::Result<Node, SyntaxError> read_document(std::string_view text) {
  if (auto error = precheck(text)) return *std::move(error);
  toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return SyntaxError{place_of(error.source()), std::string(error.description())};
  }
  return convert(parsed.table());
}

const Node* find(const Table& table, std::string_view key) {
  for (const Member& member : table) {
    if (member.key == key) return &member.node;
  }
  return nullptr;
}

}  // namespace sluice::conf
