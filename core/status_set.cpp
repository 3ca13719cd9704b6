#include "core/status_set.hpp"

#include <algorithm>

#include "core/octets.hpp"
#include "core/quoted.hpp"

namespace sluice::core {
namespace {

constexpr std::string_view allowed_statuses =
    R"(allowed are "4xx", "5xx" and codes from "400" to "599")";

bool is_error_class(char c) {
  return c == '4' || c == '5';
}

}  // namespace

Result<StatusRange, std::string> parse_status(std::string_view text) {
  const bool is_class = text.size() == 3 && is_digit(text[0]) && text.substr(1) == "xx";
  const bool is_code = text.size() == 3 && std::all_of(text.begin(), text.end(), is_digit);
  if (!is_class && !is_code) {
    return quoted(text) + " is not a status; " + std::string(allowed_statuses) + ".";
  }
  if (text[0] >= '1' && text[0] <= '3') {
    return quoted(text) + " is no error: 1xx announces an answer, 2xx and 3xx are good ones; " +
           std::string(allowed_statuses) + ".";
  }
  if (!is_error_class(text[0])) {
    return quoted(text) + " is no status of HTTP; " + std::string(allowed_statuses) + ".";
  }
  const auto digit = [&](std::size_t i) { return static_cast<unsigned>(text[i] - '0'); };
  if (is_class) return StatusRange{digit(0) * 100, digit(0) * 100 + 99};
  const unsigned code = digit(0) * 100 + digit(1) * 10 + digit(2);
  return StatusRange{code, code};
}

StatusSet::StatusSet(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (const auto range = parse_status(text)) add(*range);
  }
}

void StatusSet::add(const StatusRange& range) {
  for (unsigned status = range.first; status <= range.last; ++status) {
    words_[status / word_bits % words] |= std::uint64_t{1} << (status % word_bits);
  }
}

}  // namespace sluice::core
