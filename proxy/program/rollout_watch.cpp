#include "proxy/program/rollout_watch.hpp"

#include <algorithm>
#include <ostream>
#include <thread>

#include "proxy/admin_target.hpp"
#include "proxy/program/json_members.hpp"
#include "proxy/program/rollout_view.hpp"
#include "proxy/program/views.hpp"

namespace sluice::proxy::program {
namespace {

using Clock = std::chrono::steady_clock;

/// For one answer. Short, so that a proxy that hangs does not hold the timeout up.
constexpr std::chrono::seconds answer_patience{5};

bool is_promoted(const std::string& state) {
  return state == "promoted" || state == "draining" || state == "done";
}

/// The calls of one watch.
class Follower {
 public:
  Follower(const Connection& connection, const WatchOrder& order, const Terminal& terminal)
      : client_(connection.client()),
        is_json_(connection.json),
        order_(order),
        terminal_(terminal),
        watch_(order.id, order.ends_on_hold),
        started_(Clock::now()),
        answered_(started_) {}

  WatchCode run() {
    while (true) {
      if (const auto code = look()) return *code;
      const Clock::time_point now = Clock::now();
      if (order_.timeout && now - started_ >= *order_.timeout) {
        terminal_.err << "sluice: the timeout passed before the rollout ended; it goes on\n";
        return watch_timeout;
      }
      if (!order_.timeout && now - answered_ >= order_.patience) return watch_refused;
      Clock::duration pause = order_.pause;
      if (order_.timeout) pause = std::min(pause, started_ + *order_.timeout - now);
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  /// Asks once; the code when that was the last time.
  std::optional<WatchCode> look() {
    const auto rollout = ask("");
    if (!rollout) return refusal_;
    if (watch_.take(*rollout))
      terminal_.out << (is_json_ ? *rollout : rollout_line(*rollout) + "\n") << std::flush;
    if (watch_.wants_history() && !watch_.verdict()) {
      const auto history = ask("/history");
      if (!history) return refusal_;
      watch_.take_history(*history);
      say_end();
    }
    return watch_.verdict();
  }

  /// The end of a release that is in the history only.
  void say_end() {
    if (watch_.verdict() == watch_refused)
      terminal_.err << "sluice: there is no rollout " << watch_.id() << " on " << order_.route
                    << "\n";
    else if (watch_.verdict() && !is_json_)
      terminal_.out << watch_.id() << ": "
                    << (watch_.verdict() == watch_promoted ? "promoted" : "rolled_back")
                    << "; another rollout has begun since\n";
  }

  /// The body of an answer, or none when there was none to speak of; then `refusal_` says whether
  /// to go on.
  std::optional<std::string> ask(const std::string& what) {
    AdminOrder call;
    call.target = "/v1/routes/" + encode_segment(order_.route) + "/rollout" + what;
    call.patience = answer_patience;
    if (order_.timeout) {
      const auto left =
          std::chrono::ceil<std::chrono::seconds>(started_ + *order_.timeout - Clock::now());
      call.patience = std::clamp(left, std::chrono::seconds(1), answer_patience);
    }
    auto answer = client_.call(call);
    if (!answer || answer->status == 503) {
      miss(answer ? problem_view(answer->status, answer->body) : answer.error());
      return std::nullopt;
    }
    is_missed_ = false;
    answered_ = Clock::now();
    if (answer->status == 200) return std::move(answer->body);
    refused(*answer, terminal_);
    refusal_ = watch_refused;
    return std::nullopt;
  }

  void miss(const std::string& why) {
    if (!is_missed_) terminal_.err << "sluice: " << why << " Trying again.\n" << std::flush;
    is_missed_ = true;
  }

  AdminClient client_;
  bool is_json_;
  const WatchOrder& order_;
  const Terminal& terminal_;
  RolloutWatch watch_;
  Clock::time_point started_;
  Clock::time_point answered_;
  bool is_missed_ = false;
  std::optional<WatchCode> refusal_;
};

}  // namespace

bool RolloutWatch::take(std::string_view text) {
  const auto rollout = parse_object(text);
  if (!rollout) return false;
  const std::string id = text_of(*rollout, "id");
  if (id_.empty()) id_ = id;
  const bool is_queued = text_of(*rollout, "queued") == id_;
  wants_history_ = id != id_ && !is_queued;
  if (wants_history_) return false;
  const std::string to = text_of(*rollout, "to");
  const std::string state = text_of(*rollout, "state");
  std::string now = id + " " + state + " " + std::to_string(count_of(*rollout, "step")) + " " +
                    decimal_text(decimal_of(object_of(*rollout, "weights"), to)) + " " +
                    std::to_string(count_of(*rollout, "attempt"));
  if (!is_queued) judge(state);
  if (now == seen_) return false;
  seen_ = std::move(now);
  return true;
}

void RolloutWatch::take_history(std::string_view text) {
  const auto history = parse_object(text);
  if (!history) return;
  for (const boost::json::object& rollout : list_of(*history, "rollouts")) {
    if (text_of(rollout, "id") != id_) continue;
    verdict_ = is_promoted(text_of(rollout, "state")) ? watch_promoted : watch_rolled_back;
    return;
  }
  verdict_ = watch_refused;
}

void RolloutWatch::judge(const std::string& state) {
  if (is_promoted(state))
    verdict_ = watch_promoted;
  else if (state == "rolled_back")
    verdict_ = watch_rolled_back;
  else if (state == "holding" && on_hold_)
    verdict_ = watch_held;
}

WatchCode watch_rollout(const Connection& connection, const WatchOrder& order,
                        const Terminal& terminal) {
  return Follower(connection, order, terminal).run();
}

}  // namespace sluice::proxy::program
