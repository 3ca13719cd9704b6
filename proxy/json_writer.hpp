#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/settings.hpp"

namespace sluice::proxy {

/// Writes compact JSON (RFC 8259) front to back. Members keep the order in which they are written
/// and weights stay decimals ("12.5"), which Boost.JSON would print as 1.25E1. The caller keeps
/// the nesting right: every open_ has its close_, every key one value.
class JsonWriter {
 public:
  JsonWriter& open_object() { return open('{'); }
  JsonWriter& close_object() { return close('}'); }
  JsonWriter& open_array() { return open('['); }
  JsonWriter& close_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  /// Octets that are not UTF-8 become U+FFFD.
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::uint64_t value);
  /// The shortest decimal that reads back as the same double; what is not finite is null.
  JsonWriter& decimal(double value);
  /// Hundredths as a decimal number: 1250 is 12.5.
  JsonWriter& weight(Weight value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();

  const std::string& str() const { return out_; }
  /// What was written, with a line feed at its end: kind to terminals.
  std::string line() const { return out_ + "\n"; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& plain(std::string_view value);
  void separate();

  std::string out_;
  bool comma_ = false;  ///< a value precedes on this level
};

/// Hundredths as the shortest decimal: 1250 is "12.5", 9000 is "90".
std::string weight_text(Weight value);

}  // namespace sluice::proxy
