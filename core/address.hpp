#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

/// Addresses as text: what they are and whether they are well formed. Nothing is looked up.
namespace sluice::core {

/// Octets that the path of a unix socket may have: sun_path less its closing zero.
inline constexpr std::size_t unix_path_max = 107;

/// A place to connect to or to listen on.
struct Address {
  enum class Kind : std::uint8_t {
    ipv4,       ///< "192.0.2.1:80"
    ipv6,       ///< "[2001:db8::1]:80"
    name,       ///< "shop.example.com:80", to be looked up; "localhost" is one, too
    unix_path,  ///< "unix:/run/shop.sock"
  };
  Kind kind = Kind::ipv4;
  /// Without brackets and prefix, in one form for one address: IPv6 as in RFC 5952, names in lower
  /// case and without a closing dot.
  std::string host;
  std::uint16_t port = 0;  ///< 0 for a unix path; else 0 is what the text said
  bool operator==(const Address&) const = default;
};

/// Reads "IPv4:port", "[IPv6]:port", "name:port" or "unix:/path". The error is a sentence that says
/// what was found and what is allowed. Port 0 passes; who cannot use it refuses it.
Result<Address, std::string> parse_address(std::string_view text);

/// The one text of an address, such that parse_address gives the same address again.
std::string to_string(const Address& address);

/// True for 127.0.0.0/8, ::1 and the former as an IPv4-mapped address. A name is never taken for
/// loopback, whatever it resolves to; nor is a unix path.
bool is_loopback(const Address& address);

/// True for a host name as RFC 1123 section 2.1 has it, underscores allowed, with or without a
/// closing dot: labels of 1 to 63 letters, digits, '-' and '_', none with '-' at an end, 253 octets
/// in all. The last label is not a number, for then it would be a broken IPv4 address.
bool is_host_name(std::string_view text);

/// An IP address in network order; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
using IpOctets = std::array<std::uint8_t, 16>;

/// Reads "192.0.2.1" (four decimal numbers without leading zeros) or "2001:db8::1" (RFC 4291
/// section 2.2, without brackets and zone).
std::optional<IpOctets> parse_ip(std::string_view text);

/// The text of an address: IPv4 for a mapped one, else IPv6 as in RFC 5952.
std::string to_string(const IpOctets& ip);

/// A block of IP addresses.
struct Network {
  IpOctets base{};
  unsigned prefix = 0;  ///< leading bits that count, of 128
  bool operator==(const Network&) const = default;
};

/// Reads "10.0.0.0/8", "2001:db8::/32" or a single address. Bits beyond the prefix must be zero.
/// The error is a sentence.
Result<Network, std::string> parse_network(std::string_view text);

/// True when `ip` lies in `network`. IPv4 addresses lie only in IPv4 networks, so "::/0" does not
/// hold them.
bool contains(const Network& network, const IpOctets& ip);

}  // namespace sluice::core
