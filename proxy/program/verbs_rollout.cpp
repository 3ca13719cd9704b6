#include "proxy/program/verbs_rollout.hpp"

#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <utility>
#include <vector>

#include "proxy/admin_target.hpp"
#include "proxy/admin_units.hpp"
#include "proxy/json_writer.hpp"
#include "proxy/program/json_members.hpp"
#include "proxy/program/rollout_view.hpp"
#include "proxy/program/rollout_watch.hpp"

namespace sluice::proxy::program {
namespace {

constexpr const char* watch_exit_codes =
    "Exit codes: 0 promoted, 1 refused or no proxy reached, 2 rolled back (or wrong command line), "
    "3 held, with --exit-on-hold, 4 the timeout passed; the rollout goes on.";
constexpr const char* start_exit_codes =
    "Exit codes: 0 started, 1 refused by the proxy, 2 wrong command line, 3 no proxy reached. With "
    "--watch: those of \"rollout watch\".";

/// What one verb was given; shared by its options and its callback.
struct RolloutArguments {
  Connection connection;
  std::string route;
  std::string to;
  std::string from;
  std::string id;
  std::string policy_file;
  std::string if_match;
  std::string timeout;
  bool watch = false;
  bool ends_on_hold = false;
  bool full = false;
};
using RolloutArgumentsPtr = std::shared_ptr<RolloutArguments>;

std::string target_of(const RolloutArguments& given, const std::string& verb) {
  return "/v1/routes/" + encode_segment(given.route) + "/rollout" + verb;
}

/// The text of the policy, which must be a JSON object; the proxy judges what is in it.
std::string read_policy(const std::string& file) {
  const std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream.is_open() || !text)
    throw CLI::ValidationError("--policy: \"" + file + "\" cannot be read or is empty");
  if (!parse_object(text.str()))
    throw CLI::ValidationError("--policy: \"" + file +
                               "\" is not a JSON object, such as {\"step_time\":\"10s\"}");
  return text.str();
}

std::string start_body(const RolloutArguments& given) {
  JsonWriter json;
  json.open_object().key("to").text(given.to);
  if (!given.id.empty()) json.key("id").text(given.id);
  if (!given.from.empty()) json.key("from").text(given.from);
  if (given.policy_file.empty()) return json.close_object().str();
  // The policy is JSON already.
  return json.key("policy").str() + read_policy(given.policy_file) + "}";
}

WatchOrder watch_order(const RolloutArguments& given) {
  WatchOrder order;
  order.route = given.route;
  order.id = given.id;
  order.ends_on_hold = given.ends_on_hold;
  if (given.timeout.empty()) return order;
  order.timeout = parse_duration(given.timeout);
  if (!order.timeout)
    throw CLI::ValidationError("--timeout: \"" + given.timeout +
                               "\" is not a whole number with a unit (ms, s, m, h), like 10m");
  return order;
}

AdminOrder change_order(const RolloutArguments& given, const std::string& verb) {
  AdminOrder order;
  order.method = "POST";
  order.target = target_of(given, verb);
  if (!given.if_match.empty()) order.fields.emplace_back("If-Match", '"' + given.if_match + '"');
  return order;
}

int watch(const RolloutArguments& given, const Terminal& terminal) {
  return watch_rollout(given.connection, watch_order(given), terminal);
}

int start(const RolloutArguments& given, const Terminal& terminal) {
  WatchOrder watched = watch_order(given);
  AdminOrder order = change_order(given, "");
  order.body = start_body(given);
  const auto answer = ask(given.connection.client(), order, terminal);
  if (!answer) return given.watch ? int{watch_refused} : answer.error();
  if (!given.watch) {
    terminal.out << (given.connection.json ? answer->body
                                           : rollout_view(answer->body, terminal.colour));
    return exit_done;
  }
  if (const auto rollout = parse_object(answer->body); rollout && watched.id.empty()) {
    const std::string queued = text_of(*rollout, "queued");
    watched.id = queued.empty() ? text_of(*rollout, "id") : queued;
  }
  return watch_rollout(given.connection, watched, terminal);
}

int steer(const RolloutArguments& given, const std::string& verb, const Terminal& terminal) {
  const auto answer = ask(given.connection.client(), change_order(given, verb), terminal);
  if (!answer) return answer.error();
  terminal.out << (given.connection.json ? answer->body
                                         : rollout_view(answer->body, terminal.colour));
  return exit_done;
}

using RolloutView = std::string (*)(std::string_view json, bool colour);

int show_part(const RolloutArguments& given, const std::string& what, RolloutView view,
              const Terminal& terminal) {
  AdminOrder order;
  order.target = target_of(given, what);
  const auto answer = ask(given.connection.client(), order, terminal);
  if (!answer) return answer.error();
  terminal.out << (given.connection.json ? answer->body : view(answer->body, terminal.colour));
  return exit_done;
}

/// Adds verbs one after the other to `rollout`.
struct RolloutVerbs {
  CLI::App& app;
  Terminal terminal;
  int& exit_code;

  using Run = std::function<int(const RolloutArguments&, const Terminal&)>;

  CLI::App& add(const std::string& name, const std::string& does, const RolloutArgumentsPtr& given,
                Run run) {
    CLI::App& verb = *app.add_subcommand(name, does);
    verb.add_option("ROUTE", given->route, "The route")->required();
    add_connection(verb, given->connection);
    verb.add_flag("--json", given->connection.json, "Print the proxy's JSON");
    verb.footer(usual_exit_codes);
    verb.callback([given, run = std::move(run), out = terminal, &code = exit_code] {
      code = run(*given, out);
    });
    return verb;
  }
};

void add_if_match(CLI::App& verb, RolloutArguments& given, const std::string& thing) {
  verb.add_option("--if-match", given.if_match,
                  "Only when the " + thing + " still has this revision")
      ->check(whole_number);
}

std::vector<CLI::Option*> add_watch_wishes(CLI::App& verb, RolloutArguments& given) {
  return {verb.add_option("--timeout", given.timeout, "Stop watching after this time, such as 10m"),
          verb.add_flag("--exit-on-hold", given.ends_on_hold, "End with 3 as soon as it holds")};
}

void add_start(RolloutVerbs verbs) {
  auto given = std::make_shared<RolloutArguments>();
  CLI::App& verb = verbs.add("start", "Move the traffic of a route to another pool", given, start);
  verb.add_option("--to", given->to, "The pool that is to get the traffic")->required();
  verb.add_option("--from", given->from,
                  "The pool that has it; without it the one with the largest weight");
  verb.add_option("--id", given->id, "Name of the release; the same one again changes nothing");
  verb.add_option("--policy", given->policy_file,
                  "File with a JSON object of policy keys, in place of the configured ones");
  add_if_match(verb, *given, "split of the route");
  CLI::Option* watched = verb.add_flag("--watch", given->watch, "Follow it until it ends");
  for (CLI::Option* wish : add_watch_wishes(verb, *given)) wish->needs(watched);
  verb.footer(start_exit_codes);
}

void add_watch(RolloutVerbs verbs) {
  auto given = std::make_shared<RolloutArguments>();
  CLI::App& verb =
      verbs.add("watch", "Follow a rollout until it ends, also over a restart", given, watch);
  verb.add_option("--id", given->id, "The release to follow; without it the newest one");
  add_watch_wishes(verb, *given);
  verb.footer(watch_exit_codes);
}

void add_showing(RolloutVerbs verbs) {
  const auto add = [&](const std::string& name, const std::string& does, const std::string& path,
                       RolloutView view) {
    verbs.add(name, does, std::make_shared<RolloutArguments>(),
              [path, view](const RolloutArguments& given, const Terminal& terminal) {
                return show_part(given, path, view, terminal);
              });
  };
  add("status", "How the newest rollout of a route stands", "", rollout_view);
  add("explain", "Why it stands there", "/explain", explanation_view);
  add("history", "Rollouts that ended", "/history", rollout_history_view);
}

void add_steering(RolloutVerbs verbs) {
  const auto add = [&](const std::string& name, const std::string& does) -> CLI::App& {
    auto given = std::make_shared<RolloutArguments>();
    CLI::App& verb = verbs.add(
        name, does, given, [name](const RolloutArguments& said, const Terminal& terminal) {
          const std::string path = "/" + name;
          return steer(said, said.full ? path + "?full=true" : path, terminal);
        });
    add_if_match(verb, *given, "rollout");
    if (name == "promote") verb.add_flag("--full", given->full, "All traffic to the new pool, now");
    return verb;
  };
  add("pause", "Keep the weights; bad evidence still rolls back");
  add("resume", "Go on");
  add("promote", "Go to the next step now");
  add("abort", "Roll back");
  add("undo", "After the promotion: give the old pool its traffic back");
  add("approve", "Open the gate that waits");
  add("retry", "Start a release that was rolled back once more");
}

}  // namespace

void add_rollout_verbs(CLI::App& app, Terminal terminal, int& exit_code) {
  CLI::App& rollout = *app.add_subcommand("rollout", "Move a route to a new version, step by step");
  rollout.require_subcommand(1);
  const RolloutVerbs verbs{rollout, terminal, exit_code};
  add_start(verbs);
  add_showing(verbs);
  add_watch(verbs);
  add_steering(verbs);
}

}  // namespace sluice::proxy::program
