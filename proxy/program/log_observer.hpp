#pragma once

#include <functional>
#include <string>
#include <utility>

#include "sluice/observer.hpp"

namespace sluice::proxy::program {

/// Writes what a proxy says to the operational log.
class LogObserver : public Observer {
 public:
  /// `on_end` is called when the proxy has stopped; may be empty.
  explicit LogObserver(std::function<void()> on_end = {}) : on_end_(std::move(on_end)) {}

  void on_log(LogLevel level, std::string_view line) override;
  void on_audit(const Audit& audit) override;
  /// From then on the log has the level of the new settings.
  void on_reload(const ReloadNotice& notice) override;
  void on_stopped(std::size_t cut) override;

 private:
  std::function<void()> on_end_;
};

/// Sends the operational log to standard error, from `level` on.
void open_log(const std::string& level);

}  // namespace sluice::proxy::program
