#pragma once

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

/// How the demonstration writes numbers.
namespace sluice::proxy::program {

/// As printf does, at most 159 characters.
template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

/// " 1:05"
inline std::string clock_text(std::chrono::milliseconds at) {
  const auto seconds = std::chrono::round<std::chrono::seconds>(at).count();
  return format("%2lld:%02lld", static_cast<long long>(seconds / 60),
                static_cast<long long>(seconds % 60));
}

/// "1.4 s"
inline std::string seconds_text(std::chrono::milliseconds duration) {
  return format("%.1f s", static_cast<double>(duration.count()) / 1000);
}

/// "0.7 ms"
inline std::string milliseconds_text(std::chrono::microseconds duration) {
  return format("%.1f ms", static_cast<double>(duration.count()) / 1000);
}

}  // namespace sluice::proxy::program
