#include "proxy/state_policy_json.hpp"

namespace sluice::proxy {

template <>
struct StateWords<RolloutMode> {
  static constexpr std::array<std::string_view, 2> words{"act", "observe"};
};

template <>
struct StateWords<Inconclusive> {
  static constexpr std::array<std::string_view, 3> words{"hold", "advance", "rollback"};
};

template <>
struct StateWords<Supersede> {
  static constexpr std::array<std::string_view, 3> words{"reject", "restart", "queue"};
};

template <>
struct StateWords<RolloutReaction> {
  static constexpr std::array<std::string_view, 2> words{"hold", "rollback"};
};

template <>
struct StateMembers<GateSettings> {
  static void visit(auto& on, auto& gate) {
    on("before_hundredths", gate.before);
    on("manual", gate.manual);
    on("hook", gate.hook);
    on("timeout_ms", gate.timeout);
    on("on_timeout", gate.on_timeout);
  }
};

template <>
struct StateMembers<HookSettings> {
  static void visit(auto& on, auto& hook) {
    on("on", hook.on);
    on("url", hook.url);
    on("command", hook.command);
    on("timeout_ms", hook.timeout);
    on("retries", hook.retries);
  }
};

template <>
struct StateMembers<QuerySettings> {
  static void visit(auto& on, auto& query) {
    on("prometheus", query.prometheus);
    on("expr", query.expr);
    on("bad_when", query.bad_when);
    on("samples", query.samples);
    on("interval_ms", query.interval);
    on("action", query.action);
  }
};

template <>
struct StateMembers<RolloutErrorSettings> {
  static void visit(auto& on, auto& errors) {
    on("statuses", errors.statuses);
    on("tolerance", errors.tolerance);
    on("max_rate", errors.max_rate);
  }
};

template <>
struct StateMembers<RolloutLatencySettings> {
  static void visit(auto& on, auto& latency) {
    on("tolerance", latency.tolerance);
    on("slack_ms", latency.slack);
    on("quantiles", latency.quantiles);
  }
};

template <>
struct StateMembers<RolloutGuardSettings> {
  static void visit(auto& on, auto& guard) {
    on("max_error_rate", guard.max_error_rate);
    on("max_p99_ms", guard.max_p99);
  }
};

template <>
struct StateMembers<MirrorSettings> {
  static void visit(auto& on, auto& mirror) {
    on("time_ms", mirror.time);
    on("share", mirror.share);
    on("max_body", mirror.max_body);
  }
};

template <>
struct StateMembers<RolloutSettings> {
  static void visit(auto& on, auto& policy) {
    on("mode", policy.mode);
    on("steps_hundredths", policy.steps);
    on("step_time_ms", policy.step_time);
    on("step_timeout_ms", policy.step_timeout);
    on("min_requests", policy.min_requests);
    on("on_inconclusive", policy.on_inconclusive);
    on("bake_ms", policy.bake);
    on("retain_old_ms", policy.retain_old);
    on("deadline_ms", policy.deadline);
    on("alpha", policy.alpha);
    on("supersede", policy.supersede);
    on("shield", policy.shield);
    on("shield_budget", policy.shield_budget);
    on("slew_hundredths", policy.slew);
    on("catastrophe", policy.catastrophe);
    on("freeze", policy.freeze);
    on("errors", policy.errors);
    on("latency", policy.latency);
    on("guard", policy.guard);
    on("mirror", policy.mirror);
    on("gates", policy.gates);
    on("hooks", policy.hooks);
    on("queries", policy.queries);
  }
};

boost::json::value StateCodec<RolloutSettings>::write(const RolloutSettings& policy) {
  StateWriter writer;
  StateMembers<RolloutSettings>::visit(writer, policy);
  return writer.take();
}

RolloutSettings StateCodec<RolloutSettings>::read(const boost::json::value& value) {
  const StateReader reader(value);
  RolloutSettings policy;
  StateMembers<RolloutSettings>::visit(reader, policy);
  return policy;
}

}  // namespace sluice::proxy
