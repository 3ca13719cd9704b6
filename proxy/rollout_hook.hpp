#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/log_sink.hpp"
#include "sluice/rollout_settings.hpp"

namespace sluice::proxy {

struct CommandAnswer;
struct HttpAnswer;

/// How long hooks and gates wait.
struct HookWaits {
  std::chrono::milliseconds retry{1'000};   ///< between the tries of a round
  std::chrono::milliseconds again{30'000};  ///< after a round that failed
  std::chrono::milliseconds gate{10'000};   ///< for the answer of a gate
};

/// What a hook is told.
struct HookEvent {
  std::string name;     ///< "step"
  std::string subject;  ///< "rollout build-42 of route shop", for the log
  std::string json;
  std::vector<std::pair<std::string, std::string>> environment;  ///< of a command
};

/// One hook and the events that it has not been told yet. Control thread.
///
///     idle -> trying -> idle, or the next event      told
///               |  ^
///               |  +- after `waits.retry`, settings.retries times     a try failed
///               |  +- after `waits.again`, once                       all failed, rollout goes on
///               +---> idle, or the next event                         all failed, rollout is over
///
/// When the rollout ends while the hook waits for `waits.again`, it is tried once more at once,
/// with all retries: what is told at the end, as "rolled_back", does not stand behind that wait.
class RolloutHook {
 public:
  struct Reports {
    LogSink log;
    /// A round failed: a sentence. The event was told after all: "". May destroy the hook.
    std::function<void(const std::string& failure)> on_failure;
  };

  /// The hook must not outlive `io`. Destroying it ends what is under way; nothing is called after.
  RolloutHook(boost::asio::io_context& io, HookSettings settings, HookWaits waits, Reports reports);
  RolloutHook(const RolloutHook&) = delete;
  RolloutHook& operator=(const RolloutHook&) = delete;

  bool wants(const std::string& event) const;
  /// Tells it once all earlier events are told or given up. Of too many that wait the oldest is
  /// given up.
  void tell(HookEvent event);
  /// Whether the rollout goes on.
  void set_active(bool is_active);
  /// Why the first event that waits could not be told; "" when nothing failed so far.
  const std::string& failure() const { return failure_; }

 private:
  /// Why a try failed, and what the hook said to it.
  struct Problem {
    std::string why;
    std::string said;  ///< quoted; may be empty
  };

  static std::optional<Problem> problem_of(const HttpAnswer& answer);
  static std::optional<Problem> problem_of(const CommandAnswer& answer);
  void begin_round();
  void try_it();
  void call();
  void run();
  void take(const std::optional<Problem>& problem);
  void succeed();
  void fail(const Problem& problem);
  void go_on_with_next();
  std::string name() const;
  void log(LogLevel level, const std::string& words) const;
  void report(const std::string& failure) const;

  boost::asio::io_context& io_;
  HookSettings settings_;
  HookWaits waits_;
  Reports reports_;
  std::deque<HookEvent> queue_;  ///< the first one is being told
  std::string failure_;
  unsigned retries_left_ = 0;  ///< in this round
  bool is_active_ = true;
  bool is_between_rounds_ = false;
  std::shared_ptr<void> token_;  ///< of the try or the wait
};

}  // namespace sluice::proxy
