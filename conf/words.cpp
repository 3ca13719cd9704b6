#include "conf/words.hpp"

#include <array>
#include <charconv>

namespace sluice::conf {
namespace {

constexpr std::size_t max_shown = 60;

bool continues_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

std::string shortened(std::string_view text) {
  if (text.size() <= max_shown) return std::string(text);
  std::size_t end = max_shown;
  while (end > 0 && continues_code_point(text[end])) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string number_text(double number) {
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return {digits.data(), written.ptr};
}

void append_escaped(std::string& out, unsigned char octet) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += "\\x";
  out += hex[octet >> 4U];
  out += hex[octet & 0x0FU];
}

}  // namespace

std::string in_quotes(std::string_view text) {
  return "'" + shortened(text) + "'";
}

std::string describe(const Node& node) {
  if (const auto* text = node.as<std::string>()) return "the string \"" + shortened(*text) + "\"";
  if (const auto* flag = node.as<bool>()) return *flag ? "the boolean true" : "the boolean false";
  if (const auto* integer = node.as<std::int64_t>()) {
    return "the integer " + std::to_string(*integer);
  }
  if (const auto* number = node.as<double>()) return "the number " + number_text(*number);
  if (const auto* array = node.as<Array>()) return array->empty() ? "an empty array" : "an array";
  if (node.as<Table>() != nullptr) return "a table";
  return "a date or time";
}

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too; in UTF-8 they are C2 80 to C2 9F.
    const bool starts_c1 =
        octet == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (octet < 0x20 || octet == 0x7F) {
      append_escaped(out, octet);
    } else if (starts_c1) {
      append_escaped(out, static_cast<unsigned char>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace sluice::conf
