#include "core/freeze.hpp"

#include <array>
#include <cstddef>

#include "core/octets.hpp"

namespace sluice::core {
namespace {

constexpr std::array<std::string_view, 7> weekdays = {"mon", "tue", "wed", "thu",
                                                      "fri", "sat", "sun"};

/// One end of a window. Without a day it means every day.
struct Moment {
  std::optional<unsigned> day;
  unsigned minute = 0;  ///< of the day, at most a whole one
};

std::optional<unsigned> parse_day(std::string_view text) {
  for (unsigned day = 0; day < weekdays.size(); ++day) {
    bool is_same = text.size() == weekdays[day].size();
    for (std::size_t i = 0; is_same && i < text.size(); ++i) {
      is_same = to_lower(text[i]) == weekdays[day][i];
    }
    if (is_same) return day;
  }
  return std::nullopt;
}

std::optional<unsigned> two_digits(std::string_view text) {
  if (text.size() != 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
  return static_cast<unsigned>(text[0] - '0') * 10 + static_cast<unsigned>(text[1] - '0');
}

/// "07:00", up to "24:00".
std::optional<unsigned> parse_time(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hours = two_digits(text.substr(0, 2));
  const auto minutes = two_digits(text.substr(3));
  if (!hours || !minutes || *minutes >= 60) return std::nullopt;
  const unsigned minute = *hours * 60 + *minutes;
  if (minute > minutes_per_day) return std::nullopt;
  return minute;
}

/// "Fri 16:00" or "16:00".
std::optional<Moment> parse_moment(std::string_view text) {
  Moment moment;
  const std::size_t blank = text.find_first_of(" \t");
  if (blank != std::string_view::npos) {
    moment.day = parse_day(text.substr(0, blank));
    if (!moment.day) return std::nullopt;
    text = trim_blanks(text.substr(blank));
  }
  const auto minute = parse_time(text);
  if (!minute) return std::nullopt;
  moment.minute = *minute;
  return moment;
}

}  // namespace

std::optional<FreezeWindow> parse_freeze(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto begin = parse_moment(trim_blanks(text.substr(0, dash)));
  const auto end = parse_moment(trim_blanks(text.substr(dash + 1)));
  if (!begin || !end || begin->day.has_value() != end->day.has_value()) return std::nullopt;
  if (begin->minute == minutes_per_day) return std::nullopt;
  FreezeWindow window;
  window.is_daily = !begin->day;
  window.begin = begin->day.value_or(0) * minutes_per_day + begin->minute;
  window.end = end->day.value_or(0) * minutes_per_day + end->minute;
  if (window.begin == window.end) return std::nullopt;
  return window;
}

bool is_frozen(const FreezeWindow& window, unsigned minute_of_week) {
  const unsigned minute = window.is_daily ? minute_of_week % minutes_per_day : minute_of_week;
  if (window.begin < window.end) return minute >= window.begin && minute < window.end;
  return minute >= window.begin || minute < window.end;
}

}  // namespace sluice::core
