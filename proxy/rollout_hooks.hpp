#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "proxy/log_sink.hpp"
#include "proxy/rollout_hook.hpp"
#include "sluice/rollout.hpp"
#include "sluice/rollout_settings.hpp"

namespace sluice::proxy {

/// Tells the hooks of one rollout what happens, and asks its gates. Control thread.
///
/// Hooks and gates get one JSON object: event, route, id, attempt, state, reason, words, step,
/// steps, from, to, weight (of NEW, in percent), at (RFC 3339); gates also `before` (percent). A
/// command gets it on its standard input, and as environment SLUICE_EVENT, SLUICE_ROUTE,
/// SLUICE_ROLLOUT_ID, SLUICE_STATE, SLUICE_REASON, SLUICE_FROM, SLUICE_TO and SLUICE_WEIGHT.
class RolloutHooks {
 public:
  /// Says why the rollout cannot go on: the failure of a hook, the first one's when several fail;
  /// "" when the last one that failed has been told after all.
  using OnFailure = std::function<void(const std::string& failure)>;
  /// What a gate answered, and that in words. None: it has to be asked again.
  using OnAnswer = std::function<void(std::optional<bool> agrees, std::string words)>;

  /// `policy` is valid. This must not outlive `io`. Destroying it ends what is under way; nothing
  /// is called after that. What is called may destroy it.
  RolloutHooks(boost::asio::io_context& io, RolloutSettings policy, LogSink log,
               OnFailure on_failure, HookWaits waits = {});
  RolloutHooks(const RolloutHooks&) = delete;
  RolloutHooks& operator=(const RolloutHooks&) = delete;

  /// Tells every hook that wants to know of `event`: each one event after the other, and no hook
  /// waits for another one. Says to the others how the rollout stands. Calls nothing itself.
  void tell(const std::string& event, const RolloutStatus& status);

  /// Asks the hook of a gate: a 2xx status agrees, 403 and 409 refuse, all else is no answer. While
  /// an earlier question to the same gate is under way nothing is asked, and `answer` not called.
  void ask_gate(const GateSettings& gate, const RolloutStatus& status, OnAnswer answer);

 private:
  struct Question {
    GateSettings gate;
    std::shared_ptr<void> token;
  };

  void pass_on(const std::string& failure) const;

  boost::asio::io_context& io_;
  OnFailure on_failure_;
  HookWaits waits_;
  std::list<RolloutHook> hooks_;
  std::list<Question> questions_;  ///< under way
};

}  // namespace sluice::proxy
