#include "core/rollout_text.hpp"

#include <array>
#include <cstdio>

namespace sluice::core {

std::string percent_text(std::uint32_t hundredths) {
  std::string text = std::to_string(hundredths / 100);
  if (const std::uint32_t rest = hundredths % 100; rest != 0) {
    text += '.';
    text += static_cast<char>('0' + rest / 10);
    if (rest % 10 != 0) text += static_cast<char>('0' + rest % 10);
  }
  return text + " %";
}

std::string duration_text(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms < 1000) return std::to_string(ms) + " ms";
  const std::int64_t seconds = ms / 1000;
  if (seconds < 60) return std::to_string(seconds) + " s";
  const std::int64_t minutes = seconds / 60;
  std::string text;
  if (minutes >= 60) text = std::to_string(minutes / 60) + " h";
  const auto append = [&](std::int64_t number, const char* unit) {
    if (number == 0) return;
    if (!text.empty()) text += ' ';
    text += std::to_string(number) + unit;
  };
  append(minutes % 60, " min");
  append(seconds % 60, " s");
  return text;
}

std::string number_text(double number) {
  std::array<char, 32> text{};
  const char* form = number >= 100 && number < 1e6 ? "%.0f" : "%.3g";
  const int size = std::snprintf(text.data(), text.size(), form, number);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

std::string_view what_is_bad(Stream stream) {
  switch (stream) {
    case Stream::errors:
      return "failed";
    case Stream::client_errors:
      return "answered 4xx to";
    case Stream::p50:
    case Stream::p90:
    case Stream::p99:
      break;
  }
  return "was slow to answer";
}

}  // namespace sluice::core
