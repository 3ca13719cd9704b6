#include "conf/keys.hpp"

#include <algorithm>

#include "conf/nearest.hpp"
#include "conf/words.hpp"

namespace sluice::conf {
namespace {

/// "in [pool.shop]", "in listener[0]", "at the top level"
std::string in_table(const std::string& path) {
  if (path.empty()) return "at the top level";
  if (path.find('[') != std::string::npos) return "in " + path;
  return "in [" + path + "]";
}

void report_unknown(const Spot& spot, const Member& member, std::span<const std::string_view> known,
                    Reading& reading) {
  reading.report(member.place, "unknown key " + in_quotes(member.key) + " " + in_table(spot.path) +
                                   suggestion(member.key, known, "keys"));
  // The value of the key that was meant is not known; its absence is no second error.
  if (const auto meant = nearest(member.key, known)) {
    reading.mark_unread(below(spot.path, *meant));
  }
}

}  // namespace

void check_keys(const Spot& spot, const Table& table, std::span<const std::string_view> known,
                Reading& reading) {
  for (const Member& member : table) {
    if (std::find(known.begin(), known.end(), member.key) == known.end()) {
      report_unknown(spot, member, known, reading);
      continue;
    }
    const bool is_table = member.node.as<Table>() != nullptr;
    reading.note(below(spot.path, member.key), is_table ? member.place : member.node.place);
  }
}

void require_key(const Spot& spot, std::string_view key, Reading& reading) {
  const auto* table = spot.node.as<Table>();
  const std::string path = below(spot.path, key);
  if (table == nullptr || find(*table, key) != nullptr || reading.unread_within(path)) return;
  reading.report(reading.place_of(spot.path),
                 spot.path + ": the key " + in_quotes(key) + " is missing");
  reading.mark_unread(path);
}

}  // namespace sluice::conf
