#include "core/quoted.hpp"

#include "core/octets.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t shown_max = 100;

}  // namespace

std::string quoted(std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text.substr(0, shown_max)) {
    const auto octet = static_cast<unsigned char>(c);
    if (is_control(c)) {
      out += {'\\', 'x', hex[octet >> 4U], hex[octet & 0xfU]};
    } else {
      out += c;
    }
  }
  return out + (text.size() > shown_max ? "...\"" : "\"");
}

}  // namespace sluice::core
