#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "sluice/snapshot.hpp"

/// What happened, as Prometheus reads it. docs/metrics.md lists every metric.
namespace sluice::metrics {

/// Turns snapshots into the Prometheus text format 0.0.4, together with the process_* metrics of
/// the running process. One per proxy, used on one thread at a time. It remembers which backends
/// are gone and whether their final counts were shown, so each render counts as a scrape.
class Exporter {
 public:
  /// Reads the boot time of the machine, once, so that process_start_time_seconds never moves.
  Exporter();
  Exporter(Exporter&&) noexcept;
  Exporter& operator=(Exporter&&) noexcept;
  ~Exporter();

  /// Everything in `snapshot`, sorted by label. Entries of the snapshot with the same labels become
  /// one series; bytes of a label that are not UTF-8 become U+FFFD. A backend that is gone is left
  /// out once its final counts were shown, or 5 minutes after it was first seen gone; `now` must
  /// not go back. What the operating system does not tell (no /proc) is left out.
  std::string render(const Snapshot& snapshot, std::chrono::steady_clock::time_point now);

  /// The value of Content-Type that goes with the text.
  static std::string_view content_type();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::metrics
