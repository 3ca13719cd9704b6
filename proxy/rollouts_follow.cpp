#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "proxy/rollout_live.hpp"

/// Rollouts of a process that does not decide.
namespace sluice::proxy {

bool Rollouts::follow(const std::vector<core::RolloutRecord>& records) {
  const auto asked = [](const std::vector<LivePtr>& all) {
    std::vector<std::tuple<std::string, std::string, unsigned, std::uint64_t>> trials;
    for (const LivePtr& live : all) {
      const core::RolloutRecord& record = live->record();
      if (!live->is_trial_on) continue;
      trials.emplace_back(record.route, record.id, record.attempt, record.salt);
    }
    return trials;
  };
  const std::vector<LivePtr> before = live_;
  const bool has_judged = !std::exchange(is_following_, true) && !before.empty();
  if (has_judged) {
    for (const LivePtr& live : before) part_with(live);
  }
  live_.clear();
  ended_.clear();
  for (auto record = records.begin(); record != records.end(); ++record) {
    // The newest of a route comes last.
    const bool is_history =
        std::any_of(record + 1, records.end(),
                    [&](const core::RolloutRecord& later) { return later.route == record->route; });
    if (is_history) {
      ended_[record->route].push_back(*record);
    } else {
      live_.push_back(followed(*record, has_judged ? std::vector<LivePtr>{} : before));
    }
  }
  return has_judged || asked(before) != asked(live_);
}

/// The one that is known, when nothing of it has changed: its counts need not be gone through
/// again.
Rollouts::LivePtr Rollouts::followed(const core::RolloutRecord& record,
                                     const std::vector<LivePtr>& before) {
  const auto same = std::find_if(before.begin(), before.end(),
                                 [&](const LivePtr& live) { return live->record() == record; });
  if (same != before.end()) return *same;
  auto live = std::make_shared<Live>(record);
  live->is_trial_on = live->is_judging();
  return live;
}

}  // namespace sluice::proxy
