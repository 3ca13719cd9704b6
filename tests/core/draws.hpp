#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace sluice::core {

/// Random choices that are the same in every run, for tests of a property.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(engine_);
  }
  bool coin() { return below(2) == 0; }
  std::string octets(std::size_t size) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(below(256));
    return text;
  }
  template <std::size_t size>
  std::string one_of(const std::array<const char*, size>& choices) {
    return choices[below(size)];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace sluice::core
