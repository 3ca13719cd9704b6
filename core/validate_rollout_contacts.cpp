#include <algorithm>
#include <string>

#include "core/bad_when.hpp"
#include "core/http_url.hpp"
#include "core/quoted.hpp"
#include "core/rollout_events.hpp"
#include "core/rollout_text.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

constexpr milliseconds shortest{1};
constexpr milliseconds shortest_interval{1000};

std::string element_of(const std::string& where, std::size_t index) {
  return where + "[" + std::to_string(index) + "]";
}

void check_url(const std::string& url, const std::string& where, std::vector<Problem>& problems) {
  const auto parsed = parse_http_url(url);
  if (!parsed) problems.push_back({where, parsed.error()});
}

void check_gate(const GateSettings& gate, const std::vector<std::uint32_t>& steps,
                const std::string& where, std::vector<Problem>& problems) {
  const bool is_known = gate.before == percent_100 ||
                        std::find(steps.begin(), steps.end(), gate.before) != steps.end();
  if (!is_known) {
    problems.push_back({where + ".before", "There is no step of " + percent_text(gate.before) +
                                               "; allowed are the steps of the rollout, and 100 "
                                               "for a gate before the promotion."});
  }
  if (gate.manual != gate.hook.empty()) {
    problems.push_back({where, std::string(gate.manual ? "The gate has a hook and is manual"
                                                       : "Nothing could open the gate") +
                                   R"(; allowed is either "hook" or "manual".)"});
  }
  if (!gate.hook.empty()) check_url(gate.hook, where + ".hook", problems);
  check_duration(gate.timeout, shortest, where + ".timeout", problems);
}

void check_events(const std::vector<std::string>& events, const std::string& where,
                  std::vector<Problem>& problems) {
  constexpr std::string_view known = "started, step, held, rolled_back, promoted and drained";
  if (events.empty()) {
    problems.push_back({where, "The hook would never be told anything; allowed are " +
                                   std::string(known) + ", at least one of them."});
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& names = rollout_events;
    if (std::find(names.begin(), names.end(), events[i]) != names.end()) continue;
    problems.push_back({element_of(where, i), quoted(events[i]) +
                                                  " is nothing that happens in a rollout; allowed "
                                                  "are " +
                                                  std::string(known) + "."});
  }
}

/// Arguments end with a zero octet when the program starts, so they cannot hold one.
void check_command(const std::vector<std::string>& command, const std::string& where,
                   std::vector<Problem>& problems) {
  if (command.empty()) return;
  if (command[0].empty()) {
    problems.push_back(
        {element_of(where, 0), "The program has no name; allowed is a file that can be run."});
  }
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (command[i].find('\0') == std::string::npos) continue;
    problems.push_back({element_of(where, i),
                        "The text holds a zero octet, which nothing in a "
                        "command may."});
  }
}

void check_hook(const HookSettings& hook, const std::string& where,
                std::vector<Problem>& problems) {
  check_events(hook.on, where + ".on", problems);
  if (hook.url.empty() == hook.command.empty()) {
    problems.push_back({where, std::string(hook.url.empty() ? "The hook leads nowhere"
                                                            : "The hook has a URL and a command") +
                                   R"(; allowed is either "url" or "command".)"});
  }
  if (!hook.url.empty()) check_url(hook.url, where + ".url", problems);
  check_command(hook.command, where + ".command", problems);
  check_duration(hook.timeout, shortest, where + ".timeout", problems);
}

/// The address of a Prometheus server: the path of the question is put behind it.
void check_prometheus(const std::string& text, const std::string& where,
                      std::vector<Problem>& problems) {
  const auto url = parse_http_url(text);
  if (!url) {
    problems.push_back({where, url.error()});
  } else if (url->path.find('?') != std::string::npos) {
    problems.push_back({where, quoted(text) + R"( has a query; allowed is "http://host[:port]", )" +
                                   "with the path below which Prometheus answers."});
  }
}

void check_query(const QuerySettings& query, const std::string& where,
                 std::vector<Problem>& problems) {
  check_prometheus(query.prometheus, where + ".prometheus", problems);
  if (query.expr.empty()) {
    problems.push_back(
        {where + ".expr", "The expression is empty; allowed is one that gives one number."});
  }
  if (!parse_bad_when(query.bad_when)) {
    problems.push_back({where + ".bad_when", quoted(query.bad_when) +
                                                 " is not a condition; allowed is one of <, <=, "
                                                 ">, >=, == and != and a number, as in \"> "
                                                 "0.85\"."});
  }
  if (query.samples == 0) {
    problems.push_back({where + ".samples", "The count is 0; allowed are 1 and more."});
  }
  check_duration(query.interval, shortest_interval, where + ".interval", problems);
}

}  // namespace

void check_rollout_contacts(const RolloutSettings& rollout, const std::string& where,
                            std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < rollout.gates.size(); ++i) {
    check_gate(rollout.gates[i], rollout.steps, element_of(where + ".gate", i), problems);
  }
  for (std::size_t i = 0; i < rollout.hooks.size(); ++i) {
    check_hook(rollout.hooks[i], element_of(where + ".hook", i), problems);
  }
  for (std::size_t i = 0; i < rollout.queries.size(); ++i) {
    check_query(rollout.queries[i], element_of(where + ".query", i), problems);
  }
}

}  // namespace sluice::core
