#pragma once

#include <optional>
#include <string_view>

/// Times in which no rollout advances.
namespace sluice::core {

inline constexpr unsigned minutes_per_day = 24 * 60;
inline constexpr unsigned minutes_per_week = 7 * minutes_per_day;

/// A span of every week, or of every day. It may run over the end of the week or day: then `begin`
/// is above `end`.
struct FreezeWindow {
  bool is_daily = false;
  unsigned begin = 0;  ///< minutes from Monday 00:00, or from 00:00 when daily; in the window
  unsigned end = 0;    ///< the same, at most a whole week or day; not in the window
  bool operator==(const FreezeWindow&) const = default;
};

/// Reads "Fri 16:00 - Mon 07:00" (every week) or "22:00 - 06:00" (every day). Days are the first
/// three letters of their English names, in either case, times have two digits for hours and
/// minutes; 24:00 is the end of a day and stands at the end only. None for anything else, and when
/// begin and end are the same moment.
std::optional<FreezeWindow> parse_freeze(std::string_view text);

/// Whether the minute lies in the window. `minute_of_week`: from Monday 00:00 in local time, below
/// minutes_per_week.
bool is_frozen(const FreezeWindow& window, unsigned minute_of_week);

}  // namespace sluice::core
