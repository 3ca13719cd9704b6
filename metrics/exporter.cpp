#include <prometheus/text_serializer.h>

#include "metrics/distinct.hpp"
#include "metrics/gone_backends.hpp"
#include "metrics/process.hpp"
#include "metrics/snapshot_collectable.hpp"
#include "sluice/metrics.hpp"

namespace sluice::metrics {

struct Exporter::State {
  ProcessReader process;
  GoneBackends gone;
};

Exporter::Exporter() : state_(std::make_unique<State>()) {}
Exporter::Exporter(Exporter&&) noexcept = default;
Exporter& Exporter::operator=(Exporter&&) noexcept = default;
Exporter::~Exporter() = default;

std::string Exporter::render(const Snapshot& snapshot, std::chrono::steady_clock::time_point now) {
  Snapshot shown = distinct(snapshot);
  state_->gone.remove_finished(shown.backends, now);
  const SnapshotCollectable collectable(std::move(shown), state_->process.read());
  return prometheus::TextSerializer().Serialize(collectable.Collect());
}

std::string_view Exporter::content_type() {
  return "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace sluice::metrics
