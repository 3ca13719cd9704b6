#include "proxy/admin_access.hpp"

#include <cstddef>

#include "core/address.hpp"
#include "core/head.hpp"

namespace sluice::proxy {
namespace {

/// Host without port; brackets stay on an IPv6 literal.
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? std::string_view{} : host.substr(0, end + 1);
  }
  return host.substr(0, host.find(':'));
}

bool is_ip_literal(std::string_view host) {
  if (!host.starts_with('['))
    return core::parse_ip(host) && host.find(':') == std::string_view::npos;
  return core::parse_ip(host.substr(1, host.size() - 2)).has_value();
}

bool is_localhost(std::string_view host) {
  if (core::iequals(host, "localhost")) return true;
  constexpr std::string_view suffix = ".localhost";
  return host.size() > suffix.size() &&
         core::iequals(host.substr(host.size() - suffix.size()), suffix);
}

AdminReply unauthorized(bool given) {
  AdminReply reply = problem_reply(
      401, "",
      given ? "The token is not the one this proxy expects; send the content of its token file as "
              "\"Authorization: Bearer TOKEN\"."
            : "A token is needed; send the content of the proxy's token file as \"Authorization: "
              "Bearer TOKEN\".");
  reply.fields.emplace_back(
      "WWW-Authenticate",
      given ? R"(Bearer realm="sluice", error="invalid_token")" : R"(Bearer realm="sluice")");
  return reply;
}

std::optional<AdminReply> refuse_without_token(const AdminRequest& request,
                                               std::string_view token) {
  const auto field = request.field("Authorization");
  if (!field) return unauthorized(false);
  const std::size_t space = field->find(' ');
  const bool bearer = core::iequals(field->substr(0, space), "Bearer");
  std::string_view given = space == std::string_view::npos ? "" : field->substr(space);
  while (given.starts_with(' ')) given.remove_prefix(1);
  if (!equal_in_constant_time(given, token) || !bearer) return unauthorized(true);
  return std::nullopt;
}

}  // namespace

bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  volatile unsigned difference = given.size() == expected.size() ? 0U : 1U;
  if (expected.empty()) return given.empty();
  std::size_t at = 0;
  for (const char c : given) {
    difference =
        difference | (static_cast<unsigned char>(c) ^ static_cast<unsigned char>(expected[at]));
    at = at + 1 == expected.size() ? 0 : at + 1;
  }
  return difference == 0;
}

std::optional<AdminReply> refuse_access(const AdminRequest& request, std::string_view token) {
  if (!token.empty()) return refuse_without_token(request, token);
  const std::string_view host = request.field("Host").value_or("");
  const std::string_view name = without_port(host);
  if (request.peer != "unix" && !host.empty() && !is_ip_literal(name) && !is_localhost(name))
    return problem_reply(403, "",
                         "Host is \"" + std::string(host) +
                             "\", which a web page could have chosen; call the admin interface by "
                             "its IP address or as localhost, or give it a token.");
  const auto origin = request.field("Origin");
  if (origin && !core::iequals(*origin, "http://" + std::string(host)))
    return problem_reply(403, "",
                         "The request comes from a web page of \"" + std::string(*origin) +
                             "\"; pages of other origins may call the admin interface only when "
                             "it has a token.");
  return std::nullopt;
}

Actor actor_of(const AdminRequest& request) {
  constexpr std::size_t longest = 64;
  Actor actor{"", request.peer};
  for (const char c : request.field("X-Sluice-Actor").value_or("")) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\') actor.who += c;
    if (actor.who.size() == longest) break;
  }
  while (actor.who.ends_with(' ')) actor.who.pop_back();
  if (actor.who.empty()) actor.who = "admin";
  return actor;
}

}  // namespace sluice::proxy
