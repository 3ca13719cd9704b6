#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/program/verbs.hpp"

/// Following a rollout until it ends.
namespace sluice::proxy::program {

/// What `sluice rollout watch` and `start --watch` end with. Unlike with other verbs 3 is not "no
/// proxy answered", so that a pipeline can tell the ends of a rollout apart.
enum WatchCode : int {
  watch_promoted = 0,
  watch_refused = 1,  ///< the proxy said no, or none answered
  watch_rolled_back = 2,
  watch_held = 3,  ///< only when asked for
  watch_timeout = 4,
};

/// What is seen of one rollout, answer by answer. Pure.
class RolloutWatch {
 public:
  /// `id`: the release to follow; "": the one that is seen first.
  RolloutWatch(std::string id, bool ends_on_hold) : id_(std::move(id)), on_hold_(ends_on_hold) {}

  /// Takes an answer to GET …/rollout. True when state, step or weight of the release changed: it
  /// is to be shown.
  bool take(std::string_view rollout);
  /// The route has gone on to another release, or never had this one: history knows.
  bool wants_history() const { return wants_history_; }
  /// Takes an answer to GET …/rollout/history.
  void take_history(std::string_view history);

  /// The end, once it is known.
  std::optional<WatchCode> verdict() const { return verdict_; }
  const std::string& id() const { return id_; }

 private:
  void judge(const std::string& state);

  std::string id_;
  bool on_hold_;
  std::string seen_;
  bool wants_history_ = false;
  std::optional<WatchCode> verdict_;
};

struct WatchOrder {
  std::string route;
  std::string id;                                    ///< "": the newest rollout
  std::optional<std::chrono::milliseconds> timeout;  ///< none: until it ends
  bool ends_on_hold = false;
  std::chrono::milliseconds pause{500};  ///< between two questions
  /// Without a timeout: how long no proxy may answer.
  std::chrono::milliseconds patience{120'000};
};

/// Shows each change until the rollout ends. A proxy that does not answer, or is just starting or
/// stopping, is asked again until the timeout: it may be restarted meanwhile.
WatchCode watch_rollout(const Connection& connection, const WatchOrder& order,
                        const Terminal& terminal);

}  // namespace sluice::proxy::program
