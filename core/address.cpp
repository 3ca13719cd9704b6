#include "core/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "core/ip_text.hpp"
#include "core/octets.hpp"
#include "core/quoted.hpp"

namespace sluice::core {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::string_view allowed_forms =
    R"(allowed are "IPv4:port", "[IPv6]:port", "name:port" and "unix:/path")";

using Parsed = Result<Address, std::string>;

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
    return false;
  }
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

std::string_view without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

Parsed parse_unix(std::string_view text) {
  const std::string_view path = text.substr(unix_prefix.size());
  if (!path.starts_with('/')) {
    return quoted(text) + R"( is not a socket: "unix:" needs a path that begins with "/".)";
  }
  if (path.size() > unix_path_max) {
    return "The path of " + quoted(text) + " has " + std::to_string(path.size()) +
           " octets; a socket path may have at most " + std::to_string(unix_path_max) + ".";
  }
  if (path.find('\0') != std::string_view::npos) {
    return std::string("The socket path holds a zero octet, which no path may.");
  }
  return Address{Address::Kind::unix_path, std::string(path), 0};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  if (!is_number(text) || text.size() > 5) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc()) return std::nullopt;
  return port;
}

std::string bad_port(std::string_view text, std::string_view port) {
  return quoted(text) + " has the port " + quoted(port) + "; allowed are numbers up to 65535.";
}

Parsed parse_bracketed(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos || close + 1 >= text.size() || text[close + 1] != ':') {
    return quoted(text) + R"( is not an address: allowed is "[IPv6]:port".)";
  }
  const auto ip = parse_ipv6(text.substr(1, close - 1));
  if (!ip) {
    return quoted(text.substr(1, close - 1)) +
           R"( is not an IPv6 address; an example is "2001:db8::1", without a zone.)";
  }
  const auto port = parse_port(text.substr(close + 2));
  if (!port) return bad_port(text, text.substr(close + 2));
  return Address{Address::Kind::ipv6, ipv6_text(*ip), *port};
}

}  // namespace

Parsed parse_address(std::string_view text) {
  if (text.starts_with(unix_prefix) && text.find('/') == unix_prefix.size()) {
    return parse_unix(text);
  }
  if (text.starts_with('[')) return parse_bracketed(text);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return quoted(text) + " has no port; " + std::string(allowed_forms) + ".";
  }
  if (text.find(':', colon + 1) != std::string_view::npos) {
    return quoted(text) + R"( has more than one ":"; an IPv6 address needs brackets, )" +
           R"(as in "[2001:db8::1]:80".)";
  }
  if (text.starts_with(unix_prefix) && !is_number(text.substr(colon + 1))) {
    return parse_unix(text);
  }
  const std::string_view host = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return bad_port(text, text.substr(colon + 1));
  // Without leading zeros there is one text for each.
  if (parse_ipv4(host)) return Address{Address::Kind::ipv4, std::string(host), *port};
  if (is_host_name(host)) {
    return Address{Address::Kind::name, lowered(without_final_dot(host)), *port};
  }
  return quoted(host) + " is neither an IPv4 address nor a host name; " +
         std::string(allowed_forms) + ".";
}

std::string to_string(const Address& address) {
  switch (address.kind) {
    case Address::Kind::unix_path:
      return std::string(unix_prefix) + address.host;
    case Address::Kind::ipv6:
      return '[' + address.host + "]:" + std::to_string(address.port);
    case Address::Kind::ipv4:
    case Address::Kind::name:
      break;
  }
  return address.host + ':' + std::to_string(address.port);
}

bool is_loopback(const Address& address) {
  static constexpr IpOctets ipv6_loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  static const Network ipv4_loopback{*parse_ip("127.0.0.0"), 96 + 8};
  if (address.kind != Address::Kind::ipv4 && address.kind != Address::Kind::ipv6) return false;
  const auto ip = parse_ip(address.host);
  return ip && (*ip == ipv6_loopback || contains(ipv4_loopback, *ip));
}

bool is_host_name(std::string_view text) {
  std::string_view rest = without_final_dot(text);
  if (rest.empty() || rest.size() > 253) return false;
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return !is_number(label);
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace sluice::core
