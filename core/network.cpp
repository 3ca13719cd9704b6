#include <charconv>
#include <cstddef>

#include "core/address.hpp"
#include "core/ip_text.hpp"
#include "core/quoted.hpp"

namespace sluice::core {
namespace {

IpOctets masked(IpOctets ip, unsigned prefix) {
  for (unsigned i = 0; i < ip.size(); ++i) {
    const unsigned bits = prefix > 8 * i ? prefix - 8 * i : 0;
    if (bits < 8) ip[i] = static_cast<std::uint8_t>(ip[i] & ~(0xffU >> bits));
  }
  return ip;
}

std::string not_a_network(std::string_view text) {
  return quoted(text) +
         R"( is not a network; allowed are IP addresses and blocks of them, as "10.0.0.0/8".)";
}

}  // namespace

Result<Network, std::string> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return not_a_network(text);
  if (slash == std::string_view::npos) return Network{*ip, 128};
  const bool is_ipv4 = text.find(':') == std::string_view::npos;
  const unsigned widest = is_ipv4 ? 32 : 128;
  const std::string_view digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, prefix);
  if (digits.empty() || error != std::errc() || stop != end || prefix > widest) {
    return quoted(text) + " has the prefix " + quoted(digits) + "; allowed is 0 to " +
           std::to_string(widest) + ".";
  }
  const Network network{*ip, is_ipv4 ? 96 + prefix : prefix};
  const IpOctets base = masked(*ip, network.prefix);
  if (base != *ip) {
    const std::string shown = is_ipv4 ? to_string(base) : ipv6_text(base);
    return quoted(text) + " has bits set beyond its prefix; write \"" + shown + "/" +
           std::string(digits) + "\" for the whole network.";
  }
  return network;
}

bool contains(const Network& network, const IpOctets& ip) {
  return is_mapped(network.base) == is_mapped(ip) && masked(ip, network.prefix) == network.base;
}

}  // namespace sluice::core
