#include "proxy/admin_reading.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>

namespace sluice::proxy {
namespace {

namespace json = boost::json;

std::string_view kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

std::string place(std::string_view body, std::size_t offset) {
  const std::string_view before = body.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t last = before.rfind('\n');
  const std::size_t column = last == std::string_view::npos ? offset + 1 : offset - last;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

Denial unacceptable(std::string detail) {
  return {422, "", std::move(detail)};
}

Denial wrong_type(std::string_view where, const json::value& found, std::string_view wanted) {
  return unacceptable(std::string(where) + " is " + std::string(kind_of(found)) + "; it must be " +
                      std::string(wanted) + ".");
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string all;
  for (const std::string_view name : names) {
    if (!all.empty()) all += ", ";
    all += name;
  }
  return all;
}

std::optional<Denial> unknown_member(const json::object& object,
                                     const std::vector<std::string_view>& allowed,
                                     std::string_view where) {
  for (const auto& member : object) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    const std::string path =
        where.empty() ? std::string(name) : std::string(where) + "." + std::string(name);
    return unacceptable("There is no member \"" + path + "\"; allowed: " + listed(allowed) + ".");
  }
  return std::nullopt;
}

Outcome<json::value> parse_json(std::string_view body, std::string_view example) {
  json::stream_parser parser;
  boost::system::error_code error;
  std::size_t taken = parser.write_some(body.data(), body.size(), error);
  if (!error && taken < body.size()) error = json::error::extra_data;
  if (!error) parser.finish(error);
  if (error)
    return Denial{400, "",
                  "The body is not JSON: " + error.message() + " at " +
                      place(body, std::min(taken, body.size())) + ". Send " + std::string(example) +
                      "."};
  return parser.release();
}

}  // namespace sluice::proxy
