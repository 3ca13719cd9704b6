#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/settings.hpp"

/// Values of settings as the sentences of a difference show them.
namespace sluice::core {

std::string value_text(const std::string& value);
std::string value_text(bool value);
std::string value_text(std::uint64_t value);
std::string value_text(unsigned value);
std::string value_text(double value);
std::string value_text(milliseconds value);
std::string value_text(Balance value);
std::string value_text(IoUring value);
std::string value_text(RolloutMode value);
std::string value_text(Inconclusive value);
std::string value_text(Supersede value);
std::string value_text(const StickySettings& value);
std::string value_text(const std::vector<std::string>& value);
std::string value_text(const std::vector<unsigned>& value);
std::string value_text(const std::vector<ShareSettings>& value);

template <class T>
std::string value_text(const std::optional<T>& value) {
  return value ? value_text(*value) : "none";
}

/// Hundredths as the shortest decimal: 1250 is "12.5".
std::string hundredths_text(std::uint64_t hundredths);

/// Gathers the keys that differ.
class Details {
 public:
  /// A key whose values are worth showing.
  template <class T>
  void add(std::string_view name, const T& before, const T& after) {
    if (before == after) return;
    say(name, value_text(before) + " -> " + value_text(after));
  }
  /// A key with a value that is too large for that.
  template <class T>
  void add_block(std::string_view name, const T& before, const T& after) {
    if (!(before == after)) say(name, "changed");
  }
  void say(std::string_view name, const std::string& what) {
    all_.push_back(std::string(name) + ": " + what);
  }
  std::vector<std::string> take() { return std::move(all_); }

 private:
  std::vector<std::string> all_;
};

}  // namespace sluice::core
