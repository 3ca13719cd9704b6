#include "proxy/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace sluice::proxy {
namespace {

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
}

/// Octets of the UTF-8 sequence at the start (RFC 3629 section 4); 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !continues(text, 1)) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  if (first < 0xe0) return 2;
  if (!continues(text, 2)) return 0;
  if (first < 0xf0) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  const bool overlong = first == 0xf0 && second < 0x90;
  const bool beyond = first == 0xf4 && second > 0x8f;
  return !continues(text, 3) || overlong || beyond ? 0 : 4;
}

/// Whether an octet stands for itself in a JSON string, whatever is around it.
constexpr std::array<bool, 256> is_plain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t octet = 0x20; octet < 0x7f; ++octet) plain[octet] = true;
  plain['"'] = plain['\\'] = false;
  return plain;
}();

/// How many octets at the start stand for themselves: mostly all of them.
std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_plain[static_cast<unsigned char>(text[length])]) ++length;
  return length;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto octet = static_cast<unsigned char>(c);
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += digits[octet >> 4U];
  out += digits[octet & 0xfU];
}

}  // namespace

std::string weight_text(Weight value) {
  std::string text = std::to_string(value / weight_one);
  const Weight rest = value % weight_one;
  if (rest == 0) return text;
  text += '.';
  text += static_cast<char>('0' + rest / 10);
  if (rest % 10 != 0) text += static_cast<char>('0' + rest % 10);
  return text;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  text(name);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  out_ += '"';
  for (;;) {
    const std::size_t plain = plain_length(value);
    out_ += value.substr(0, plain);
    value.remove_prefix(plain);
    if (value.empty()) break;
    const std::size_t length = sequence_length(value);
    if (length == 1)
      append_escaped(out_, value.front());
    else if (length == 0)
      out_ += "\\ufffd";
    else
      out_ += value.substr(0, length);
    value.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::number(std::uint64_t value) {
  return plain(std::to_string(value));
}
JsonWriter& JsonWriter::decimal(double value) {
  if (!std::isfinite(value)) return null();
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return plain({text.data(), static_cast<std::size_t>(end - text.data())});
}
JsonWriter& JsonWriter::weight(Weight value) {
  return plain(weight_text(value));
}
JsonWriter& JsonWriter::boolean(bool value) {
  return plain(value ? "true" : "false");
}
JsonWriter& JsonWriter::null() {
  return plain("null");
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::plain(std::string_view value) {
  separate();
  out_ += value;
  return *this;
}

void JsonWriter::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

}  // namespace sluice::proxy
