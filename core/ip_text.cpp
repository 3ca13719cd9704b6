#include "core/ip_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "core/octets.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t group_count = 8;
constexpr IpOctets mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

/// The whole of `text` as a group of IPv6: one to four hexadecimal digits.
std::optional<std::uint16_t> parse_group(std::string_view text) {
  std::uint16_t value = 0;
  if (text.empty() || text.size() > 4) return std::nullopt;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// Groups of one side of "::", in order.
struct Groups {
  std::array<std::uint16_t, group_count> values{};
  std::size_t size = 0;

  bool push(std::uint16_t value) {
    if (size == group_count) return false;
    values[size++] = value;
    return true;
  }
};

bool push_ipv4(std::string_view text, Groups& groups) {
  const auto ip = parse_ipv4(text);
  if (!ip) return false;
  const auto group = [&](std::size_t at) {
    return static_cast<std::uint16_t>((*ip)[at] << 8 | (*ip)[at + 1]);
  };
  return groups.push(group(12)) && groups.push(group(14));
}

bool parse_groups(std::string_view text, bool may_end_as_ipv4, Groups& groups) {
  if (text.empty()) return true;
  while (true) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const bool is_last = colon == std::string_view::npos;
    if (is_last && may_end_as_ipv4 && part.find('.') != std::string_view::npos) {
      return push_ipv4(part, groups);
    }
    const auto value = parse_group(part);
    if (!value || !groups.push(*value)) return false;
    if (is_last) return true;
    text.remove_prefix(colon + 1);
  }
}

std::uint16_t group_of(const IpOctets& ip, std::size_t index) {
  return static_cast<std::uint16_t>(ip[2 * index] << 8 | ip[2 * index + 1]);
}

/// The first of the longest runs of zero groups, as [begin, end); empty when shorter than two.
std::pair<std::size_t, std::size_t> zero_run(const IpOctets& ip) {
  std::pair<std::size_t, std::size_t> best{0, 0};
  for (std::size_t begin = 0; begin < group_count; ++begin) {
    std::size_t end = begin;
    while (end < group_count && group_of(ip, end) == 0) ++end;
    if (end - begin >= 2 && end - begin > best.second - best.first) best = {begin, end};
  }
  return best;
}

std::string ipv4_text(const IpOctets& ip) {
  return std::to_string(ip[12]) + '.' + std::to_string(ip[13]) + '.' + std::to_string(ip[14]) +
         '.' + std::to_string(ip[15]);
}

void append_hex(std::string& out, std::uint16_t value) {
  std::array<char, 4> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  out.append(digits.data(), end);
}

}  // namespace

std::optional<IpOctets> parse_ipv4(std::string_view text) {
  IpOctets ip = mapped_prefix;
  std::size_t at = 12;
  unsigned value = 0;
  std::size_t digits = 0;
  for (const char c : text) {
    if (is_digit(c)) {
      const bool has_leading_zero = digits == 1 && value == 0;
      value = value * 10 + static_cast<unsigned>(c - '0');
      if (++digits > 3 || value > 255 || has_leading_zero) return std::nullopt;
      continue;
    }
    if (c != '.' || digits == 0 || at == 15) return std::nullopt;
    ip[at++] = static_cast<std::uint8_t>(value);
    value = 0;
    digits = 0;
  }
  if (at != 15 || digits == 0) return std::nullopt;
  ip[at] = static_cast<std::uint8_t>(value);
  return ip;
}

std::optional<IpOctets> parse_ipv6(std::string_view text) {
  Groups head;
  Groups tail;
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  if (!parse_groups(text.substr(0, gap), !has_gap, head)) return std::nullopt;
  if (has_gap && !parse_groups(text.substr(gap + 2), true, tail)) return std::nullopt;
  const std::size_t given = head.size + tail.size;
  if (has_gap ? given >= group_count : given != group_count) return std::nullopt;
  const auto zeros = static_cast<std::ptrdiff_t>(group_count - tail.size);
  std::copy_n(tail.values.begin(), tail.size, head.values.begin() + zeros);
  IpOctets ip{};
  for (std::size_t i = 0; i < group_count; ++i) {
    ip[2 * i] = static_cast<std::uint8_t>(head.values[i] >> 8);
    ip[2 * i + 1] = static_cast<std::uint8_t>(head.values[i] & 0xffU);
  }
  return ip;
}

std::string ipv6_text(const IpOctets& ip) {
  if (is_mapped(ip)) return "::ffff:" + ipv4_text(ip);
  const auto [begin, end] = zero_run(ip);
  std::string out;
  for (std::size_t i = 0; i < group_count; ++i) {
    if (i == begin && end > begin) {
      out += "::";
      i = end - 1;
      continue;
    }
    if (!out.empty() && !out.ends_with(':')) out += ':';
    append_hex(out, group_of(ip, i));
  }
  return out;
}

bool is_mapped(const IpOctets& ip) {
  return std::equal(mapped_prefix.begin(), mapped_prefix.begin() + 12, ip.begin());
}

std::optional<IpOctets> parse_ip(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_ipv4(text) : parse_ipv6(text);
}

std::string to_string(const IpOctets& ip) {
  return is_mapped(ip) ? ipv4_text(ip) : ipv6_text(ip);
}

}  // namespace sluice::core
