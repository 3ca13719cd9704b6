#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/address.hpp"

/// The two text forms of IP addresses, one by one.
namespace sluice::core {

/// Four decimal numbers up to 255 without leading zeros. Gives the mapped form.
std::optional<IpOctets> parse_ipv4(std::string_view text);

/// RFC 4291 section 2.2: hexadecimal groups, one "::", the last two groups as IPv4 if wished.
std::optional<IpOctets> parse_ipv6(std::string_view text);

/// RFC 5952 section 4 and 5: lower case, no leading zeros, the longest run of zero groups (the
/// first of equal ones, at least two) as "::", a mapped address with its IPv4 part in decimal.
std::string ipv6_text(const IpOctets& ip);

/// True for an IPv4 address in mapped form.
bool is_mapped(const IpOctets& ip);

}  // namespace sluice::core
