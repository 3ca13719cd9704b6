#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstdint>

#include "core/hop.hpp"
#include "core/octets.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t trace_id_digits = 32;
constexpr std::size_t span_id_digits = 16;
constexpr std::size_t traceparent_size = 2 + 1 + trace_id_digits + 1 + span_id_digits + 1 + 2;

/// Writes the sixteen digits of a word, the most significant one first: each half octet in an octet
/// of its own, and all of them turned into letters at once.
#ifdef __x86_64__
void put_hex(char* at, std::uint64_t word) {
  const __m128i octets = _mm_cvtsi64_si128(static_cast<std::int64_t>(__builtin_bswap64(word)));
  const __m128i low_half = _mm_set1_epi8(0x0f);
  const __m128i halves = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(octets, 4), low_half),
                                           _mm_and_si128(octets, low_half));
  const __m128i is_letter = _mm_cmpgt_epi8(halves, _mm_set1_epi8(9));
  const __m128i more = _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10));
  const __m128i digits = _mm_add_epi8(_mm_add_epi8(halves, _mm_set1_epi8('0')), more);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(at), digits);
}
#else
void put_hex(char* at, std::uint64_t word) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) *at++ = digits[word >> shift & 0xfU];
}
#endif

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
  out.resize(trace_id_digits);
  put_hex(out.data(), high);
  put_hex(out.data() + span_id_digits, low);
}

void make_traceparent(std::string& out, std::uint64_t high, std::uint64_t low, std::uint64_t span) {
  // An id of zeros only is invalid.
  if (high == 0 && low == 0) low = 1;
  if (span == 0) span = 1;
  constexpr std::string_view form = "00-hhhhhhhhhhhhhhhhllllllllllllllll-ssssssssssssssss-01";
  static_assert(form.size() == traceparent_size);
  out.assign(form);
  put_hex(out.data() + form.find('h'), high);
  put_hex(out.data() + form.find('l'), low);
  put_hex(out.data() + form.find('s'), span);
}

}  // namespace sluice::core
