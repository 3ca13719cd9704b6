#include "metrics/gone_backends.hpp"

namespace sluice::metrics {
namespace {

bool is_quiet(const BackendCounts& backend) {
  return backend.in_flight == 0 && backend.upgraded == 0 && backend.open == 0;
}

}  // namespace

void GoneBackends::remove_finished(std::vector<BackendCounts>& backends, TimePoint now) {
  std::map<Key, Sighting> present;
  std::erase_if(backends, [&](const BackendCounts& backend) {
    if (!backend.gone) return false;
    Key key(backend.pool, backend.backend);
    const auto known = sightings_.find(key);
    Sighting sighting = known == sightings_.end() ? Sighting{now} : known->second;
    const bool finished = sighting.final_shown || now - sighting.first_gone >= linger;
    sighting.final_shown = finished || is_quiet(backend);
    present.emplace(std::move(key), sighting);
    return finished;
  });
  sightings_ = std::move(present);
}

}  // namespace sluice::metrics
