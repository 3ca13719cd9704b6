#include <algorithm>
#include <array>
#include <cstring>

#include "core/hop.hpp"
#include "core/octets.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t trace_id_digits = 32;
constexpr std::size_t span_id_digits = 16;
constexpr std::size_t traceparent_size = 2 + 1 + trace_id_digits + 1 + span_id_digits + 1 + 2;

/// The two digits of every octet.
constexpr auto octet_digits = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 512> table{};
  for (std::size_t octet = 0; octet < 256; ++octet) {
    table[2 * octet] = digits[octet >> 4U];
    table[2 * octet + 1] = digits[octet & 0xfU];
  }
  return table;
}();

void append_hex(std::string& out, std::uint64_t word) {
  std::array<char, span_id_digits> text;
  for (std::size_t pair = 0; pair < text.size() / 2; ++pair) {
    const std::size_t octet = word >> (56 - 8 * pair) & 0xffU;
    std::memcpy(&text[2 * pair], &octet_digits[2 * octet], 2);
  }
  out.append(text.data(), text.size());
}

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

bool is_usable_request_id(std::string_view value) {
  constexpr std::size_t max_size = 128;
  return !value.empty() && value.size() <= max_size &&
         std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_valid_traceparent(std::string_view value) {
  if (value.size() < traceparent_size) return false;
  if (value[2] != '-' || value[35] != '-' || value[52] != '-') return false;
  const std::string_view version = value.substr(0, 2);
  const std::string_view trace = value.substr(3, trace_id_digits);
  const std::string_view span = value.substr(36, span_id_digits);
  const std::string_view flags = value.substr(53, 2);
  if (!is_lower_hex(version) || !is_lower_hex(trace) || !is_lower_hex(span) ||
      !is_lower_hex(flags) || version == "ff" || is_zero(trace) || is_zero(span)) {
    return false;
  }
  if (value.size() == traceparent_size) return true;
  // Versions to come may append fields, version 00 may not.
  const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
  return version != "00" && value[traceparent_size] == '-' &&
         std::all_of(value.begin(), value.end(), visible);
}

void make_request_id(std::string& out, std::uint64_t high, std::uint64_t low) {
  out.clear();
  append_hex(out, high);
  append_hex(out, low);
}

void make_traceparent(std::string& out, std::uint64_t high, std::uint64_t low, std::uint64_t span) {
  // An id of zeros only is invalid.
  if (high == 0 && low == 0) low = 1;
  if (span == 0) span = 1;
  out.assign("00-");
  append_hex(out, high);
  append_hex(out, low);
  out.push_back('-');
  append_hex(out, span);
  out.append("-01");
}

}  // namespace sluice::core
