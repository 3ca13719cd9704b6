#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

/// Status codes that count as errors of a version.
namespace sluice::core {

/// Neighbouring status codes, both ends included.
struct StatusRange {
  unsigned first = 0;
  unsigned last = 0;
  bool operator==(const StatusRange&) const = default;
};

/// Reads "4xx", "5xx" or one code from 400 to 599. The error is a sentence; codes below 400 get one
/// of their own, for they are no errors.
Result<StatusRange, std::string> parse_status(std::string_view text);

/// A set of status codes, asked once per answer.
class StatusSet {
 public:
  /// The empty set.
  StatusSet() = default;
  /// Those that `texts` name, each as parse_status() reads it. Texts that it refuses are left out:
  /// `validate` reports them.
  explicit StatusSet(const std::vector<std::string>& texts);

  /// Requires `range.last` below 1024.
  void add(const StatusRange& range);

  /// Requires a status below 1024, as three digits are.
  bool contains(unsigned status) const {
    return ((words_[status / word_bits % words] >> (status % word_bits)) & 1U) != 0;
  }

  bool operator==(const StatusSet&) const = default;

 private:
  static constexpr unsigned word_bits = 64;
  static constexpr unsigned words = 16;

  std::array<std::uint64_t, words> words_{};
};

}  // namespace sluice::core
