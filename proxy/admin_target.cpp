#include "proxy/admin_target.hpp"

#include <cstddef>

namespace sluice::proxy {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    if (text.size() - at < 3) return std::nullopt;
    const int high = hex_value(text[at + 1]);
    const int low = hex_value(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return plain;
}

/// Cuts the text up to the next `separator` off its front.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view piece = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return piece;
}

bool parse_path(std::string_view path, AdminTarget& target) {
  if (path.empty() || path.front() != '/') return false;
  path.remove_prefix(1);
  const bool open_end = !path.empty() && path.back() == '/';
  while (!path.empty()) {
    auto segment = decode(take_until(path, '/'));
    if (!segment) return false;
    target.segments.push_back(std::move(*segment));
  }
  if (open_end) target.segments.emplace_back();
  return true;
}

bool parse_query(std::string_view query, AdminTarget& target) {
  while (!query.empty()) {
    std::string_view value = take_until(query, '&');
    if (value.empty()) continue;
    auto name = decode(take_until(value, '='));
    auto plain = decode(value);
    if (!name || !plain) return false;
    target.query.emplace_back(std::move(*name), std::move(*plain));
  }
  return true;
}

bool stays_plain(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') ||
         std::string_view("-._~:[]").find(c) != std::string_view::npos;
}

}  // namespace

std::optional<AdminTarget> parse_admin_target(std::string_view target) {
  AdminTarget parsed;
  const std::string_view path = take_until(target, '?');
  if (!parse_path(path, parsed) || !parse_query(target, parsed)) return std::nullopt;
  return parsed;
}

std::string encode_segment(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (stays_plain(c)) {
      encoded += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[octet >> 4U];
    encoded += digits[octet & 0xfU];
  }
  return encoded;
}

}  // namespace sluice::proxy
