#include "core/target.hpp"

#include <algorithm>
#include <array>

#include "core/octets.hpp"

namespace sluice::core {
namespace {

Refusal bad(std::string_view detail) {
  return Refusal{400, detail};
}

bool is_ipv4(std::string_view text) {
  unsigned parts = 0;
  while (parts < 4) {
    const std::size_t end = text.find('.');
    const std::string_view part = text.substr(0, end);
    if (part.empty() || part.size() > 3) return false;
    int value = 0;
    for (const char c : part) {
      if (!is_digit(c)) return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return false;
    ++parts;
    if (end == std::string_view::npos) return parts == 4;
    text.remove_prefix(end + 1);
  }
  return false;
}

bool is_ipv6_group(std::string_view text) {
  return !text.empty() && text.size() <= 4 && std::all_of(text.begin(), text.end(), is_hex_digit);
}

bool is_ipv6(std::string_view text) {
  unsigned groups = 0;
  bool gap = text.substr(0, 2) == "::";
  if (gap) text.remove_prefix(2);
  while (!text.empty()) {
    const std::size_t end = text.find(':');
    const std::string_view group = text.substr(0, end);
    if (end == std::string_view::npos && is_ipv4(group)) {
      groups += 2;
      break;
    }
    if (!is_ipv6_group(group)) return false;
    ++groups;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (text.empty()) return false;
    if (text.front() == ':') {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
    }
  }
  return gap ? groups < 8 : groups == 8;
}

/// What may stand in a reg-name but for "%". Without the comma: hosts end up in lists such as
/// X-Forwarded-Host.
constexpr auto reg_name_table = [] {
  std::array<bool, 256> table{};
  for (std::size_t octet = 0; octet < 0x80; ++octet) {
    const char c = static_cast<char>(octet);
    table[octet] = is_letter(c) || is_digit(c);
  }
  for (const char mark : std::string_view("-._~!$&'()*+;=")) {
    table[static_cast<unsigned char>(mark)] = true;
  }
  return table;
}();

bool is_reg_name(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (reg_name_table[static_cast<unsigned char>(text[at])]) continue;
    if (text[at] != '%' || at + 2 >= text.size() || !is_hex_digit(text[at + 1]) ||
        !is_hex_digit(text[at + 2])) {
      return false;
    }
    at += 2;
  }
  return !text.empty();
}

/// The empty port is a port by the grammar and means the default one.
bool is_port(std::string_view text) {
  if (text.size() > 5) return false;
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 65535;
}

/// host [":" port] of RFC 3986 section 3.2 with a host that is not empty and no userinfo.
bool is_authority(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return false;
    text.remove_prefix(end + 1);
    return text.empty() || (text.front() == ':' && is_port(text.substr(1)));
  }
  const std::size_t colon = text.find(':');
  if (!is_reg_name(text.substr(0, colon))) return false;
  return colon == std::string_view::npos || is_port(text.substr(colon + 1));
}

std::optional<Refusal> check_target_octets(std::string_view target) {
  if (target.empty()) return bad("empty request target");
  if (find_control_or_space(target, 0) < target.size()) {
    return bad("white space or control character in the request target");
  }
  if (target.find('#') != std::string_view::npos) return bad("fragment in the request target");
  return std::nullopt;
}

Result<std::string_view, Refusal> read_host(const RequestHead& head) {
  const Field* host = nullptr;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::host) continue;
    if (host != nullptr) return bad("more than one Host");
    host = &field;
  }
  if (host == nullptr) {
    if (head.minor != 0) return bad("no Host");
    return std::string_view{};
  }
  if (!is_authority(host->value)) return bad("invalid Host");
  return host->value;
}

std::optional<Refusal> resolve_absolute(RequestHead& head) {
  const std::size_t colon = head.target.find("://");
  if (colon == std::string_view::npos) return bad("request target in no known form");
  const std::string_view scheme = head.target.substr(0, colon);
  if (iequals(scheme, "http")) {
    head.scheme = "http";
  } else if (iequals(scheme, "https")) {
    head.scheme = "https";
  } else {
    return bad("scheme is neither http nor https");
  }
  const std::string_view rest = head.target.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  head.authority = rest.substr(0, end);
  if (head.authority.find('@') != std::string_view::npos) return bad("userinfo in the target");
  if (!is_authority(head.authority)) return bad("invalid host in the request target");
  head.path = rest.substr(end);
  if (head.path.empty()) head.path = head.method == "OPTIONS" ? "*" : "/";
  if (head.path.front() == '?') return bad("query without a path in the request target");
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> resolve_target(RequestHead& head) {
  if (const auto refusal = check_target_octets(head.target)) return refusal;
  if (head.method == "CONNECT") return Refusal{501, "CONNECT is not served"};
  const auto host = read_host(head);
  if (!host) return host.error();
  if (head.target.front() != '/' && head.target != "*") return resolve_absolute(head);
  if (head.target == "*" && head.method != "OPTIONS") return bad("asterisk without OPTIONS");
  head.scheme = "http";
  head.authority = *host;
  head.path = head.target;
  return std::nullopt;
}

std::string_view host_of(std::string_view authority) {
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? authority.substr(1) : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

}  // namespace sluice::core
