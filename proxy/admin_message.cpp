#include "proxy/admin_message.hpp"

#include "core/head.hpp"
#include "core/status.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
std::optional<std::string_view> AdminRequest::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (core::iequals(key, name)) return value;
  return std::nullopt;
}

std::optional<std::string> AdminRequest::joined(std::string_view name) const {
  std::optional<std::string> all;
  for (const auto& [key, value] : fields) {
    if (!core::iequals(key, name)) continue;
    if (all)
      *all += ", " + value;
    else
      all = value;
  }
  return all;
}

AdminReply json_reply(std::string body) {
  AdminReply reply;
  reply.body = std::move(body);
  return reply;
}

AdminReply problem_reply(unsigned status, std::string_view title, std::string_view detail,
                         const std::vector<Problem>& problems) {
  JsonWriter json;
  json.open_object();
  json.key("type").text("about:blank");
  json.key("title").text(title.empty() ? core::reason_phrase(status) : title);
  json.key("status").number(status);
  json.key("detail").text(detail);
  if (!problems.empty()) {
    json.key("problems").open_array();
    for (const Problem& problem : problems) {
      json.open_object().key("where").text(problem.where).key("what").text(problem.what);
      json.close_object();
    }
    json.close_array();
  }
  json.close_object();
  AdminReply reply;
  reply.status = status;
  reply.content_type = "application/problem+json";
  reply.body = json.line();
  return reply;
}

}  // namespace sluice::proxy
