#include "core/text_hash.hpp"

#include <cstdint>

namespace sluice::core {

std::string text_hash(std::string_view text) {
  constexpr std::uint64_t basis = 0xcbf29ce484222325ULL;
  constexpr std::uint64_t prime = 0x100000001b3ULL;
  constexpr std::string_view digits = "0123456789abcdef";
  std::uint64_t hash = basis;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= prime;
  }
  std::string out(16, '0');
  for (auto place = out.rbegin(); place != out.rend(); ++place, hash >>= 4U) {
    *place = digits[hash & 0xfU];
  }
  return out;
}

}  // namespace sluice::core
