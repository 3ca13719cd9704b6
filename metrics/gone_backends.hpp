#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sluice/snapshot.hpp"

namespace sluice::metrics {

/// Which backends that are no longer configured still belong into the exposition.
///
///   configured --gone--> lingering --shown with all counts quiet, or 5 minutes--> finished
///        ^                   |                                                       |
///        +---- configured again, or no longer in the snapshot (then forgotten) ------+
class GoneBackends {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// How long a backend that is gone is shown when it never gets quiet.
  static constexpr std::chrono::minutes linger{5};

  /// Takes the finished ones out of `backends`; what is left counts as shown. Requires that no two
  /// entries have the same pool and backend. Remembers only backends that are in `backends`.
  void remove_finished(std::vector<BackendCounts>& backends, TimePoint now);

 private:
  struct Sighting {
    TimePoint first_gone;
    bool final_shown = false;
  };
  using Key = std::pair<std::string, std::string>;  ///< pool, backend

  std::map<Key, Sighting> sightings_;
};

}  // namespace sluice::metrics
