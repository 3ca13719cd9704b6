#include "proxy/history_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <utility>

#include "core/text_hash.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

constexpr std::uint64_t history_format = 2;
constexpr std::uint64_t oldest_format = 1;
constexpr std::size_t hash_digits = 16;

bool is_hash(std::string_view text) {
  return text.size() == hash_digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<std::string> text_at(const json::object& object, json::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const json::string& text = value->get_string();
  return std::string(text.data(), text.size());
}

std::optional<std::uint64_t> number_at(const json::object& object, json::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->if_uint64()) return *number;
  const auto* number = value->if_int64();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

bool read_changes(const json::object& object, std::vector<std::string>& out) {
  const json::value* list = object.if_contains("changes");
  if (list == nullptr || !list->is_array()) return false;
  for (const json::value& item : list->get_array()) {
    if (!item.is_string()) return false;
    out.emplace_back(item.get_string().data(), item.get_string().size());
  }
  return true;
}

std::optional<ReloadRecord> read_record(const json::value& value, const ReadText& read_text) {
  const json::object* object = value.if_object();
  if (object == nullptr) return std::nullopt;
  ReloadRecord record;
  const auto number = number_at(*object, "number");
  const auto at_ms = number_at(*object, "at_ms");
  if (!number || !at_ms || !read_changes(*object, record.changes)) return std::nullopt;
  record.number = *number;
  record.at_ms = static_cast<std::int64_t>(*at_ms);
  for (const auto& [name, member] :
       {std::pair{"who", &ReloadRecord::who}, std::pair{"from", &ReloadRecord::from},
        std::pair{"why", &ReloadRecord::why}, std::pair{"hash", &ReloadRecord::hash}}) {
    auto text = text_at(*object, name);
    if (!text) return std::nullopt;
    record.*member = std::move(*text);
  }
  if (auto text = text_at(*object, "text")) {
    record.text = std::move(*text);
    if (is_hash(record.hash)) record.hash = core::text_hash(record.text);
    return record;
  }
  const auto file = text_at(*object, "file");
  if (!file) return std::nullopt;
  if (!is_text_file(*file)) return record;
  record.text = read_text(*file).value_or("");
  // Nobody can go back to it.
  if (record.text.empty()) record.hash.clear();
  return record;
}

std::optional<std::uint64_t> format_of(const json::value& value) {
  const json::object* object = value.if_object();
  return object == nullptr ? std::nullopt : number_at(*object, "format");
}

}  // namespace

bool is_text_file(std::string_view name) {
  constexpr std::string_view suffix = ".toml";
  return name.ends_with(suffix) && is_hash(name.substr(0, name.size() - suffix.size()));
}

std::string text_file_of(const ReloadRecord& record) {
  if (record.text.empty()) return {};
  return (is_hash(record.hash) ? record.hash : core::text_hash(record.text)) + ".toml";
}

std::string to_history_text(const ReloadRecords& records) {
  JsonWriter out;
  out.open_object().key("format").number(history_format).key("records").open_array();
  for (const auto& record : records) {
    out.open_object().key("number").number(record->number);
    out.key("at_ms").number(static_cast<std::uint64_t>(record->at_ms));
    out.key("who").text(record->who).key("from").text(record->from).key("why").text(record->why);
    out.key("hash").text(record->hash).key("changes").open_array();
    for (const std::string& change : record->changes) out.text(change);
    out.close_array().key("file").text(text_file_of(*record)).close_object();
  }
  out.close_array().close_object();
  return out.line();
}

core::Result<ReloadRecords, std::string> read_history_text(std::string_view text,
                                                           const ReadText& read_text) {
  boost::system::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error) return "it is not valid JSON (" + error.message() + ")";
  const auto found = format_of(value);
  if (!found) return std::string("it is no history of settings");
  if (*found < oldest_format || *found > history_format) {
    return "it has format " + std::to_string(*found) + ", and this version reads " +
           std::to_string(oldest_format) + " and " + std::to_string(history_format);
  }
  const json::value* list = value.get_object().if_contains("records");
  if (list == nullptr || !list->is_array()) return std::string("it has no list \"records\"");
  ReloadRecords records;
  for (const json::value& item : list->get_array()) {
    auto record = read_record(item, read_text);
    const bool grows = record && record->number > (records.empty() ? 0 : records.back()->number);
    if (!grows) {
      return "records[" + std::to_string(records.size()) + "] is incomplete or out of order";
    }
    records.push_back(std::make_shared<const ReloadRecord>(std::move(*record)));
  }
  return records;
}

std::optional<std::uint64_t> newer_history_format(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  const auto found = error ? std::nullopt : format_of(value);
  return found && *found > history_format ? found : std::nullopt;
}

}  // namespace sluice::proxy
