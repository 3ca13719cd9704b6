#include <algorithm>

#include "proxy/reloads.hpp"

/// What the history is asked for.
namespace sluice::proxy {

const ReloadRecord* Reloads::find(const std::string& which) const {
  const ReloadRecords& records = history_.records();
  if (records.empty()) return nullptr;
  const ReloadRecord& present = *records.back();
  if (which == "present") return &present;
  if (which == "previous") {
    const auto found = std::find_if(records.rbegin(), records.rend(), [&](const auto& record) {
      return !record->text.empty() && record->text != present.text;
    });
    return found == records.rend() ? nullptr : found->get();
  }
  const auto found = std::find_if(records.begin(), records.end(), [&](const auto& record) {
    return std::to_string(record->number) == which;
  });
  return found == records.end() ? nullptr : found->get();
}

Outcome<ReloadRecord> Reloads::record(const std::string& which) const {
  if (const ReloadRecord* found = find(which)) return *found;
  if (which == "previous") {
    return Denial{404, "No earlier settings",
                  "the history holds no other settings than the present ones; GET /v1/reloads "
                  "lists it"};
  }
  return Denial{404, "No such record",
                "the history has no record \"" + which + "\"; GET /v1/reloads lists it"};
}

std::vector<ReloadRecord> Reloads::history() const {
  std::vector<ReloadRecord> newest_first;
  const ReloadRecords& records = history_.records();
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    newest_first.push_back(**record);
  }
  return newest_first;
}

}  // namespace sluice::proxy
