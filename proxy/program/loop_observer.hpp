#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "proxy/program/log_observer.hpp"
#include "proxy/program/service_notice.hpp"

namespace sluice::proxy::program {

/// Writes the log, and wakes the thread that waits for signals when it has something to do.
class LoopObserver final : public LogObserver {
 public:
  explicit LoopObserver(bool watches)
      : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), watches_(watches) {}
  ~LoopObserver() override { ::close(descriptor_); }

  /// To be polled for input.
  int descriptor() const { return descriptor_; }
  /// Takes what came on the descriptor.
  void read_events() const {
    std::uint64_t count = 0;
    static_cast<void>(!::read(descriptor_, &count, sizeof(count)));
  }
  bool has_stopped() const { return has_stopped_; }
  /// Whether the settings in force say to watch the file. Not before it serves: a process that
  /// takes over refuses a reload until then, and what was news would be news no more.
  bool watches() const { return watches_ && is_ready_; }

  void on_reload(const ReloadNotice& notice) override {
    LogObserver::on_reload(notice);
    if (watches_.exchange(notice.server.watch) != notice.server.watch) wake();
  }
  /// The service manager may have another process as the main one until now.
  void on_readiness_changed(const sluice::Readiness& readiness) override {
    LogObserver::on_readiness_changed(readiness);
    if (!readiness.ready) return;
    is_ready_ = true;
    wake();
    tell_service_manager("READY=1\nMAINPID=" + std::to_string(::getpid()));
  }
  void on_stopped(std::size_t) override {
    has_stopped_ = true;
    wake();
  }

 private:
  void wake() const {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(descriptor_, &one, sizeof(one)));
  }

  int descriptor_;
  std::atomic<bool> watches_;
  std::atomic<bool> is_ready_{false};  ///< or was
  std::atomic<bool> has_stopped_{false};
};

}  // namespace sluice::proxy::program
