#include "proxy/admin_message.hpp"

#include <algorithm>

#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> AdminRequest::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (equal_ignoring_case(key, name)) return value;
  return std::nullopt;
}

std::optional<std::string> AdminRequest::joined(std::string_view name) const {
  std::optional<std::string> all;
  for (const auto& [key, value] : fields) {
    if (!equal_ignoring_case(key, name)) continue;
    if (all)
      *all += ", " + value;
    else
      all = value;
  }
  return all;
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return status < 400 ? "OK" : status < 500 ? "Refused" : "Error";
  }
}

AdminReply problem_reply(unsigned status, std::string_view title, std::string_view detail) {
  JsonWriter json;
  json.open_object();
  json.key("type").text("about:blank");
  json.key("title").text(title.empty() ? reason_phrase(status) : title);
  json.key("status").number(status);
  json.key("detail").text(detail);
  json.close_object();
  AdminReply reply;
  reply.status = status;
  reply.content_type = "application/problem+json";
  reply.body = json.line();
  return reply;
}

}  // namespace sluice::proxy
