#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/framing.hpp"
#include "core/head.hpp"
#include "core/octets.hpp"

/// Heads made from text, for tests that have no parser. The text ends its lines in CRLF; a line is
/// cut at its first colon and nothing is judged.
namespace sluice::core::text {

inline std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  return line;
}

inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

inline Fields split_fields(std::string_view rest) {
  Fields fields;
  while (!rest.empty()) {
    const std::string_view line = next_line(rest);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    const std::string_view value =
        colon == std::string_view::npos ? std::string_view{} : trimmed(line.substr(colon + 1));
    fields.push_back({name, value, field_id(name)});
  }
  return fields;
}

/// What every codec makes sure of before a head is judged.
inline bool is_well_formed(const Fields& fields) {
  return std::all_of(fields.begin(), fields.end(), [](const Field& field) {
    return is_token(field.name) && is_field_text(field.value);
  });
}

/// A request head and the text that its views point into.
class Request {
 public:
  explicit Request(std::string text) : text_(std::move(text)) {
    std::string_view rest = text_;
    std::string_view line = next_line(rest);
    head.method = line.substr(0, line.find(' '));
    line.remove_prefix(head.method.size() + 1);
    const std::size_t version = line.rfind(" HTTP/1.");
    head.target = line.substr(0, version);
    head.minor = line.back() == '0' ? 0 : 1;
    head.fields = split_fields(rest);
    head.scheme = "http";
    head.path = head.target;
    if (const Field* host = find(head.fields, FieldId::host)) head.authority = host->value;
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

 private:
  std::string text_;

 public:
  RequestHead head;
};

/// A response head and the text that its views point into.
class Response {
 public:
  explicit Response(std::string text) : text_(std::move(text)) {
    std::string_view rest = text_;
    const std::string_view line = next_line(rest);
    head.minor = line.substr(0, 8) == "HTTP/1.0" ? 0 : 1;
    head.status = static_cast<unsigned>(std::stoul(std::string(line.substr(9, 3))));
    head.reason = line.size() > 13 ? line.substr(13) : std::string_view{};
    head.fields = split_fields(rest);
  }
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

 private:
  std::string text_;

 public:
  ResponseHead head;
};

}  // namespace sluice::core::text
