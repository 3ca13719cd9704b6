#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Octet classes of HTTP and the scans built on them (RFC 9110 section 5.6). Octets above 0x7f are
/// obs-text: allowed in values, never in tokens.
namespace sluice::core {

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

inline std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The value of a hexadecimal digit of either case, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char low = to_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

constexpr bool is_hex_digit(char c) {
  return hex_value(c) >= 0;
}

constexpr bool is_letter(char c) {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

/// SP or HTAB, the only white space HTTP knows.
constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/// A control character: below SP (HTAB included) or DEL.
constexpr bool is_control(char c) {
  return (c >= 0 && c < 0x20) || c == 0x7f;
}

namespace detail {
constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x80; ++c) {
    const char octet = static_cast<char>(c);
    table[c] = is_digit(octet) || is_letter(octet);
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
inline constexpr std::array<bool, 256> token_table = make_token_table();
}  // namespace detail

constexpr bool is_token_char(char c) {
  return detail::token_table[static_cast<unsigned char>(c)];
}

/// One or more token characters (RFC 9110 section 5.6.2).
constexpr bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

namespace detail {

#ifdef __SSE2__
constexpr std::size_t lane_count = 16;

inline __m128i is_below(__m128i octets, unsigned limit) {
  const __m128i last = _mm_set1_epi8(static_cast<char>(limit - 1));
  return _mm_cmpeq_epi8(_mm_min_epu8(octets, last), octets);
}

/// The place of the first octet at or behind `from` whose bit is set in what `mask_of` makes of the
/// sixteen octets around it, or the size of `text`. The last sixteen may have been seen in part.
template <class MaskOf>
std::size_t find_in_lanes(std::string_view text, std::size_t from, MaskOf mask_of) {
  const std::size_t last = text.size() - lane_count;
  while (from < text.size()) {
    const std::size_t begin = from < last ? from : last;
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + begin));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(mask_of(octets))) >> (from - begin);
    if (mask != 0) return from + static_cast<std::size_t>(std::countr_zero(mask));
    from = begin + lane_count;
  }
  return text.size();
}
#endif

/// The place of the first octet below `limit`, or DEL, at or behind `from`, or the size of `text`.
/// Looks at eight octets at once, or sixteen where the machine can.
template <unsigned limit>
std::size_t find_below(std::string_view text, std::size_t from) {
#ifdef __SSE2__
  if (text.size() >= lane_count) {
    return find_in_lanes(text, from, [](__m128i octets) {
      return _mm_or_si128(is_below(octets, limit), _mm_cmpeq_epi8(octets, _mm_set1_epi8(0x7f)));
    });
  }
#endif
  constexpr std::uint64_t ones = 0x0101010101010101U;
  constexpr std::uint64_t highs = ones * 0x80U;
  while (from + sizeof(std::uint64_t) <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + from, sizeof(word));
    const std::uint64_t below = (word - ones * limit) & ~word;
    const std::uint64_t no_del = word ^ (ones * 0x7fU);
    const std::uint64_t del = (no_del - ones) & ~no_del;
    if (((below | del) & highs) != 0) break;
    from += sizeof(word);
  }
  while (from < text.size()) {
    const auto octet = static_cast<unsigned char>(text[from]);
    if (octet < limit || octet == 0x7f) break;
    ++from;
  }
  return from;
}

}  // namespace detail

/// The place of the first control character (HTAB included) in `text` at or behind `from`, or the
/// size of `text`.
inline std::size_t find_control(std::string_view text, std::size_t from) {
  return detail::find_below<0x20>(text, from);
}

/// The same for control characters and SP.
inline std::size_t find_control_or_space(std::string_view text, std::size_t from) {
  return detail::find_below<0x21>(text, from);
}

/// The place of the first octet in `text` that stands in no token, or the size of `text`. Names are
/// mostly letters, digits and "-": of these it takes sixteen at once where the machine can.
inline std::size_t token_end(std::string_view text) {
  std::size_t at = 0;
#ifdef __SSE2__
  const auto is_unusual = [](__m128i octets) {
    const __m128i lower = _mm_or_si128(octets, _mm_set1_epi8(0x20));
    const __m128i letters = detail::is_below(_mm_sub_epi8(lower, _mm_set1_epi8('a')), 26);
    const __m128i digits = detail::is_below(_mm_sub_epi8(octets, _mm_set1_epi8('0')), 10);
    const __m128i dashes = _mm_cmpeq_epi8(octets, _mm_set1_epi8('-'));
    const __m128i usual = _mm_or_si128(_mm_or_si128(letters, digits), dashes);
    return _mm_xor_si128(usual, _mm_set1_epi8(-1));
  };
  while (text.size() >= detail::lane_count && at < text.size()) {
    at = detail::find_in_lanes(text, at, is_unusual);
    if (at == text.size() || !is_token_char(text[at])) return at;
    ++at;
  }
#endif
  while (at < text.size() && is_token_char(text[at])) ++at;
  return at;
}

/// True when `text` may stand in a field value: no control character but HTAB.
inline bool is_field_text(std::string_view text) {
  std::size_t at = find_control(text, 0);
  while (at < text.size() && text[at] == '\t') at = find_control(text, at + 1);
  return at >= text.size();
}

/// `text` without SP and HTAB on either side.
constexpr std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Calls `visit` with every non-empty element of a list separated by `separator`, trimmed, in
/// order. For lists whose elements hold no quoted strings.
template <class Visit>
void each_element(std::string_view list, char separator, Visit visit) {
  while (!list.empty()) {
    const std::size_t end = list.find(separator);
    const std::string_view element = trim_blanks(list.substr(0, end));
    if (!element.empty()) visit(element);
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

}  // namespace sluice::core
