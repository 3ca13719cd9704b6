#include "proxy/rollout_hook.hpp"

#include <algorithm>
#include <string_view>

#include "core/quoted.hpp"
#include "core/rollout_text.hpp"
#include "proxy/command_run.hpp"
#include "proxy/rollout_contact.hpp"

namespace sluice::proxy {
namespace {

constexpr std::size_t waiting_limit = 100;
constexpr std::size_t shown_output = 100;

/// The end of an output, quoted; "" when there was none.
std::string end_of(std::string_view output) {
  output = output.substr(0, output.find_last_not_of(" \t\r\n") + 1);
  if (output.empty()) return {};
  return core::quoted(output.substr(output.size() - std::min(output.size(), shown_output)));
}

}  // namespace

RolloutHook::RolloutHook(boost::asio::io_context& io, HookSettings settings, HookWaits waits,
                         Reports reports)
    : io_(io), settings_(std::move(settings)), waits_(waits), reports_(std::move(reports)) {}

bool RolloutHook::wants(const std::string& event) const {
  return std::find(settings_.on.begin(), settings_.on.end(), event) != settings_.on.end();
}

void RolloutHook::tell(HookEvent event) {
  if (queue_.size() > waiting_limit) {
    log(LogLevel::warn, name() + " is never told of " + core::quoted(queue_[1].name) +
                            ": too many events wait for it");
    queue_.erase(queue_.begin() + 1);
  }
  queue_.push_back(std::move(event));
  if (queue_.size() == 1) begin_round();
}

void RolloutHook::set_active(bool is_active) {
  is_active_ = is_active;
  if (!is_active_ && is_between_rounds_) begin_round();
}

void RolloutHook::begin_round() {
  retries_left_ = settings_.retries;
  try_it();
}

void RolloutHook::try_it() {
  is_between_rounds_ = false;
  if (settings_.command.empty()) {
    call();
  } else {
    run();
  }
}

void RolloutHook::call() {
  HttpOrder order = order_to(settings_.url);
  order.method = HttpOrder::Method::post;
  order.content_type = "application/json";
  order.body = queue_.front().json;
  order.timeout = settings_.timeout;
  token_ = http_call(io_, std::move(order),
                     [this](const HttpAnswer& answer) { take(problem_of(answer)); });
}

void RolloutHook::run() {
  CommandOrder order;
  order.program = settings_.command.front();
  order.arguments.assign(settings_.command.begin() + 1, settings_.command.end());
  order.environment = queue_.front().environment;
  order.input = queue_.front().json;
  order.timeout = settings_.timeout;
  token_ = run_command(io_, std::move(order),
                       [this](const CommandAnswer& answer) { take(problem_of(answer)); });
}

std::optional<RolloutHook::Problem> RolloutHook::problem_of(const HttpAnswer& answer) {
  if (answer.status == 0) return Problem{answer.error, {}};
  if (is_success(answer.status)) return std::nullopt;
  return Problem{"status " + std::to_string(answer.status), end_of(answer.body)};
}

std::optional<RolloutHook::Problem> RolloutHook::problem_of(const CommandAnswer& answer) {
  if (answer.error.empty() && answer.exit_code == 0) return std::nullopt;
  std::string said = end_of(answer.err);
  if (said.empty()) said = end_of(answer.out);
  return Problem{to_string(answer), std::move(said)};
}

void RolloutHook::take(const std::optional<Problem>& problem) {
  if (!problem) return succeed();
  if (retries_left_ == 0) return fail(*problem);
  --retries_left_;
  token_ = pause_for(io_, waits_.retry, [this] { try_it(); });
}

void RolloutHook::succeed() {
  const bool had_failed = !failure_.empty();
  if (had_failed) {
    log(LogLevel::info,
        name() + " was told of " + core::quoted(queue_.front().name) + " after all");
  }
  go_on_with_next();
  if (had_failed) report({});
}

void RolloutHook::fail(const Problem& problem) {
  const bool is_new = failure_.empty();
  const std::string failure =
      name() + " could not be told of " + core::quoted(queue_.front().name) + ": " + problem.why +
      ": it is " +
      (is_active_ ? "asked again every " + core::duration_text(waits_.again) : "not asked again");
  if (is_new || !is_active_) {
    log(LogLevel::error,
        failure + (problem.said.empty() ? "" : "; it said at the end " + problem.said));
  }
  if (is_active_) {
    failure_ = failure;
    is_between_rounds_ = true;
    token_ = pause_for(io_, waits_.again, [this] { try_it(); });
  } else {
    go_on_with_next();
  }
  report(failure);
}

void RolloutHook::go_on_with_next() {
  failure_.clear();
  token_.reset();
  queue_.pop_front();
  if (!queue_.empty()) begin_round();
}

std::string RolloutHook::name() const {
  return "the hook " + (settings_.command.empty() ? settings_.url : settings_.command.front());
}

void RolloutHook::log(LogLevel level, const std::string& words) const {
  if (reports_.log) reports_.log(level, queue_.front().subject + ": " + words);
}

void RolloutHook::report(const std::string& failure) const {
  // It may destroy us, and with us itself.
  const auto on_failure = reports_.on_failure;
  if (on_failure) on_failure(failure);
}

}  // namespace sluice::proxy
