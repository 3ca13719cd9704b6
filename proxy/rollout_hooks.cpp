#include "proxy/rollout_hooks.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "proxy/admin_json.hpp"
#include "proxy/http_call.hpp"
#include "proxy/json_writer.hpp"
#include "proxy/rollout_contact.hpp"

namespace sluice::proxy {
namespace {

std::string now_text() {
  using std::chrono::system_clock;
  const auto now = system_clock::now().time_since_epoch();
  return utc_text(std::chrono::duration_cast<milliseconds>(now).count());
}

/// The object stays open.
void write_members(JsonWriter& json, const std::string& event, const RolloutStatus& status) {
  json.open_object();
  json.key("event").text(event);
  json.key("route").text(status.route);
  json.key("id").text(status.id);
  json.key("attempt").number(status.attempt);
  json.key("state").text(to_string(status.state));
  json.key("reason").text(status.reason);
  json.key("words").text(status.words);
  json.key("step").number(status.step);
  json.key("steps").number(status.steps);
  json.key("from").text(status.from);
  json.key("to").text(status.to);
  json.key("weight").weight(status.weight);
  json.key("at").text(now_text());
}

HookEvent make_event(const std::string& event, const RolloutStatus& status) {
  JsonWriter json;
  write_members(json, event, status);
  json.close_object();
  return {event,
          "rollout " + status.id + " of route " + status.route,
          json.line(),
          {{"SLUICE_EVENT", event},
           {"SLUICE_ROUTE", status.route},
           {"SLUICE_ROLLOUT_ID", status.id},
           {"SLUICE_STATE", std::string(to_string(status.state))},
           {"SLUICE_REASON", status.reason},
           {"SLUICE_FROM", status.from},
           {"SLUICE_TO", status.to},
           {"SLUICE_WEIGHT", weight_text(status.weight)}}};
}

std::string question_json(const GateSettings& gate, const RolloutStatus& status) {
  JsonWriter json;
  write_members(json, "gate", status);
  json.key("before").weight(gate.before);
  return json.close_object().line();
}

std::optional<bool> meaning_of(unsigned status) {
  if (is_success(status)) return true;
  if (status == 403 || status == 409) return false;
  return std::nullopt;
}

std::string in_words(const std::string& hook, const HttpAnswer& answer) {
  if (answer.status == 0) return hook + " could not be asked: " + answer.error;
  const auto agrees = meaning_of(answer.status);
  const std::string did = !agrees   ? " gave no verdict but status " + std::to_string(answer.status)
                          : *agrees ? " agreed"
                                    : " refused";
  return hook + did + (answer.body.empty() ? "" : ": " + first_line(answer.body));
}

}  // namespace

RolloutHooks::RolloutHooks(boost::asio::io_context& io, RolloutSettings policy, LogSink log,
                           OnFailure on_failure, HookWaits waits)
    : io_(io), on_failure_(std::move(on_failure)), waits_(waits) {
  const RolloutHook::Reports reports{std::move(log),
                                     [this](const std::string& failure) { pass_on(failure); }};
  for (HookSettings& hook : policy.hooks) hooks_.emplace_back(io, std::move(hook), waits, reports);
}

void RolloutHooks::tell(const std::string& event, const RolloutStatus& status) {
  const HookEvent told = make_event(event, status);
  for (RolloutHook& hook : hooks_) {
    hook.set_active(is_active(status.state));
    if (hook.wants(event)) hook.tell(told);
  }
}

void RolloutHooks::pass_on(const std::string& failure) const {
  std::string all = failure;
  for (const RolloutHook& hook : hooks_) {
    if (hook.failure().empty()) continue;
    all = hook.failure();
    break;
  }
  // It may destroy us, and with us itself.
  const auto on_failure = on_failure_;
  if (on_failure) on_failure(all);
}

void RolloutHooks::ask_gate(const GateSettings& gate, const RolloutStatus& status,
                            OnAnswer answer) {
  const bool is_asked = std::any_of(questions_.begin(), questions_.end(),
                                    [&](const Question& one) { return one.gate == gate; });
  if (is_asked) return;
  HttpOrder order = order_to(gate.hook);
  order.method = HttpOrder::Method::post;
  order.content_type = "application/json";
  order.body = question_json(gate, status);
  order.timeout = waits_.gate;
  const auto question = questions_.insert(questions_.end(), {gate, nullptr});
  question->token = http_call(io_, std::move(order),
                              [this, question, answer = std::move(answer)](const HttpAnswer& got) {
                                const std::string hook = question->gate.hook;
                                questions_.erase(question);
                                answer(meaning_of(got.status), in_words(hook, got));
                              });
}

}  // namespace sluice::proxy
