#include "core/difference_values.hpp"

#include <array>
#include <charconv>

#include "core/quoted.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t shown_items = 20;

/// "[a, b, c and 4 more]"
template <class Items, class Text>
std::string list_text(const Items& items, Text text) {
  std::string out = "[";
  std::size_t shown = 0;
  for (const auto& item : items) {
    if (shown == shown_items) break;
    out += (shown++ == 0 ? "" : ", ") + text(item);
  }
  if (items.size() > shown) out += " and " + std::to_string(items.size() - shown) + " more";
  return out + "]";
}

}  // namespace

std::string value_text(const std::string& value) {
  return quoted(value);
}

std::string value_text(bool value) {
  return value ? "true" : "false";
}

std::string value_text(std::uint64_t value) {
  return std::to_string(value);
}

std::string value_text(unsigned value) {
  return std::to_string(value);
}

std::string value_text(double value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), written.ptr};
}

/// As a file would say it: "250ms", "90s", "5m".
std::string value_text(milliseconds value) {
  const std::int64_t ms = value.count();
  if (ms == 0) return "0s";
  if (ms % 1000 != 0) return std::to_string(ms) + "ms";
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + "m";
  return std::to_string(ms / 1000) + "s";
}

std::string value_text(Balance value) {
  return value == Balance::round_robin ? "round_robin" : "least_request";
}

std::string value_text(IoUring value) {
  switch (value) {
    case IoUring::automatic:
      return "auto";
    case IoUring::on:
      return "on";
    case IoUring::off:
      break;
  }
  return "off";
}

std::string value_text(RolloutMode value) {
  return value == RolloutMode::observe ? "observe" : "act";
}

std::string value_text(Inconclusive value) {
  switch (value) {
    case Inconclusive::hold:
      return "hold";
    case Inconclusive::advance:
      return "advance";
    case Inconclusive::rollback:
      return "rollback";
  }
  return "";
}

std::string value_text(Supersede value) {
  switch (value) {
    case Supersede::reject:
      return "reject";
    case Supersede::restart:
      return "restart";
    case Supersede::queue:
      return "queue";
  }
  return "";
}

std::string value_text(const StickySettings& value) {
  switch (value.kind) {
    case StickyKind::none:
      return "none";
    case StickyKind::cookie:
      return "cookie " + quoted(value.name);
    case StickyKind::header:
      return "header " + quoted(value.name);
    case StickyKind::client_ip:
      return "client_ip";
  }
  return "";
}

std::string value_text(const std::vector<std::string>& value) {
  return list_text(value, [](const std::string& item) { return quoted(item); });
}

std::string value_text(const std::vector<unsigned>& value) {
  return list_text(value, [](unsigned item) { return std::to_string(item); });
}

std::string value_text(const std::vector<ShareSettings>& value) {
  std::string out;
  for (const ShareSettings& share : value) {
    out += (out.empty() ? "" : " ") + share.pool + "=" + hundredths_text(share.weight);
  }
  return out.empty() ? "none" : out;
}

std::string hundredths_text(std::uint64_t hundredths) {
  std::string text = std::to_string(hundredths / 100);
  const std::uint64_t rest = hundredths % 100;
  if (rest == 0) return text;
  text += '.';
  text += static_cast<char>('0' + rest / 10);
  if (rest % 10 != 0) text += static_cast<char>('0' + rest % 10);
  return text;
}

}  // namespace sluice::core
