#include "core/http_url.hpp"

#include <algorithm>
#include <optional>

#include "core/address.hpp"
#include "core/octets.hpp"
#include "core/quoted.hpp"

namespace sluice::core {
namespace {

constexpr std::string_view scheme_end = "://";
constexpr std::uint16_t default_port = 80;
constexpr std::string_view allowed_urls = R"(allowed is "http://host[:port]/path")";

std::string wrong(std::string_view text, std::string_view why) {
  return quoted(text) + " " + std::string(why) + "; " + std::string(allowed_urls) + ".";
}

bool is_scheme(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return to_lower(a) == b; });
}

/// Behind the host, or behind the bracket that closes it.
std::size_t end_of_host(std::string_view authority) {
  if (!authority.starts_with('[')) return std::min(authority.find(':'), authority.size());
  const std::size_t close = authority.find(']');
  return close == std::string_view::npos ? authority.size() : close + 1;
}

/// The address of an authority; without a port it gets the default one.
std::optional<Address> parse_authority(std::string_view authority) {
  const std::string_view port = authority.substr(end_of_host(authority));
  std::string whole(authority);
  if (port.empty()) whole += ':' + std::to_string(default_port);
  const auto address = parse_address(whole);
  if (!address || address->kind == Address::Kind::unix_path || address->port == 0) {
    return std::nullopt;
  }
  return *address;
}

/// What goes into a request line: visible ASCII, and no fragment.
bool is_target(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

}  // namespace

Result<HttpUrl, std::string> parse_http_url(std::string_view text) {
  const std::size_t colon = text.find(scheme_end);
  const std::string_view scheme = text.substr(0, colon);
  if (colon == std::string_view::npos) return wrong(text, "is not a URL");
  if (is_scheme(scheme, "https")) {
    return quoted(text) +
           " needs TLS, which is not spoken to hooks and queries; put a local proxy in front of it "
           "and give its http URL, or let a hook run a command.";
  }
  if (!is_scheme(scheme, "http")) return wrong(text, "is not a URL of HTTP");
  const std::string_view rest = text.substr(colon + scheme_end.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const std::string_view target = rest.substr(authority.size());
  if (authority.find('@') != std::string_view::npos) return wrong(text, "names a user");
  const auto address = parse_authority(authority);
  if (!address) return wrong(text, "has no host and port to connect to");
  if (!is_target(target)) {
    return wrong(text, "has a fragment or a character that a request cannot carry");
  }
  HttpUrl url{address->host, address->port, std::string(target)};
  if (!url.path.starts_with('/')) url.path.insert(0, 1, '/');
  return url;
}

std::string host_field(const HttpUrl& url) {
  const bool is_ipv6 = url.host.find(':') != std::string::npos;
  std::string field = is_ipv6 ? '[' + url.host + ']' : url.host;
  if (url.port != default_port) field += ':' + std::to_string(url.port);
  return field;
}

}  // namespace sluice::core
