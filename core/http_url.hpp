#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace sluice::core {

/// An http URL (RFC 9110 section 4.2.1) in the parts that a client needs.
struct HttpUrl {
  std::string host;         ///< name, IPv4 or IPv6 address, without brackets, in one form each
  std::uint16_t port = 80;  ///< above 0
  std::string path = "/";   ///< with the query: the target of a request
  bool operator==(const HttpUrl&) const = default;
};

/// Reads "http://host[:port][/path][?query]". The error is a sentence. Refused are https, since
/// nothing here speaks TLS, users and passwords, and fragments.
Result<HttpUrl, std::string> parse_http_url(std::string_view text);

/// The value of the Host field: "host" or "host:port", an IPv6 address in brackets.
std::string host_field(const HttpUrl& url);

}  // namespace sluice::core
