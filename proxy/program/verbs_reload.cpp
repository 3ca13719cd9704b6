#include "proxy/program/verbs_reload.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "proxy/admin_target.hpp"
#include "proxy/admin_units.hpp"
#include "proxy/json_writer.hpp"
#include "proxy/program/json_members.hpp"
#include "proxy/program/reload_view.hpp"

namespace sluice::proxy::program {
namespace {

/// What one verb was given; shared by its options and its callback.
struct ReloadArguments {
  Connection connection;
  std::string action;
  std::string record;
  std::string confirm;
  bool dry_run = false;
};
using ReloadArgumentsPtr = std::shared_ptr<ReloadArguments>;

std::string order_body(const ReloadArguments& given) {
  JsonWriter json;
  json.open_object();
  if (given.dry_run) json.key("dry_run").boolean(true);
  if (!given.confirm.empty()) {
    const auto time = parse_duration(given.confirm);
    if (!time || time->count() == 0)
      throw CLI::ValidationError("--confirm: \"" + given.confirm +
                                 "\" is not a whole number above 0 with a unit (ms, s, m, h), "
                                 "like 60s");
    json.key("confirm").text(given.confirm);
  }
  return json.close_object().str();
}

/// Makes a call that changes settings and shows what came of it.
int change(const ReloadArguments& given, const std::string& target, std::string body,
           const Terminal& terminal) {
  AdminOrder order;
  order.method = "POST";
  order.target = target;
  order.body = std::move(body);
  const auto answer = given.connection.client().call(order);
  if (!answer) return unreachable(answer.error(), terminal);
  if (answer->status < 200 || answer->status > 299) {
    terminal.err << refused_settings_view(answer->status, answer->body);
    return exit_refused;
  }
  terminal.out << (given.connection.json ? answer->body
                                         : reload_view(answer->body, terminal.colour));
  return exit_done;
}

int ask_reload(const ReloadArguments& given, const Terminal& terminal) {
  if (given.action.empty() && !given.record.empty())
    throw CLI::ValidationError("--record goes with \"reload confirm\"");
  if (given.action.empty()) return change(given, "/v1/reload", order_body(given), terminal);
  if (given.dry_run || !given.confirm.empty())
    throw CLI::ValidationError("\"reload confirm\" takes neither --dry-run nor --confirm");
  const std::string body = given.record.empty() ? "" : "{\"record\":" + given.record + "}";
  return change(given, "/v1/reload/confirm", body, terminal);
}

std::string record_target(const ReloadArguments& given, const std::string& otherwise) {
  return "/v1/reloads/" + encode_segment(given.record.empty() ? otherwise : given.record);
}

int roll_back(const ReloadArguments& given, const Terminal& terminal) {
  return change(given, record_target(given, "previous") + "/rollback", order_body(given), terminal);
}

int show_history(const ReloadArguments& given, const Terminal& terminal) {
  AdminOrder order;
  order.target = "/v1/reloads";
  const auto answer = ask(given.connection.client(), order, terminal);
  if (!answer) return answer.error();
  terminal.out << (given.connection.json ? answer->body
                                         : reload_history_view(answer->body, terminal.colour));
  return exit_done;
}

/// The settings as they were written.
int show_record(const ReloadArguments& given, const Terminal& terminal) {
  AdminOrder order;
  order.target = record_target(given, "present");
  const auto answer = ask(given.connection.client(), order, terminal);
  if (!answer) return answer.error();
  if (given.connection.json) {
    terminal.out << answer->body;
    return exit_done;
  }
  const auto record = parse_object(answer->body);
  const std::string text = record ? text_of(*record, "text") : std::string();
  if (text.empty()) {
    terminal.err << "sluice: these settings came from a program, without a text\n";
    return exit_refused;
  }
  terminal.out << text;
  return exit_done;
}

/// Adds verbs one after the other to `app`.
struct ReloadVerbs {
  CLI::App& app;
  Terminal terminal;
  int& exit_code;

  using Run = std::function<int(const ReloadArguments&, const Terminal&)>;

  CLI::App& add(const std::string& name, const std::string& does, const ReloadArgumentsPtr& given,
                Run run) {
    CLI::App& verb = *app.add_subcommand(name, does);
    add_connection(verb, given->connection);
    verb.add_flag("--json", given->connection.json, "Print the proxy's JSON");
    verb.footer(usual_exit_codes);
    verb.callback([given, run = std::move(run), out = terminal, &code = exit_code] {
      code = run(*given, out);
    });
    return verb;
  }
};

void add_wishes(CLI::App& verb, const ReloadArgumentsPtr& given) {
  verb.add_flag("--dry-run", given->dry_run, "Only say what would change");
  verb.add_option("--confirm", given->confirm,
                  "Go back after this time, such as 60s, unless \"sluice reload confirm\" comes "
                  "before");
}

void add_reload(ReloadVerbs verbs) {
  auto given = std::make_shared<ReloadArguments>();
  CLI::App& verb =
      verbs.add("reload", "Let the proxy read its configuration anew: everything of it, or nothing",
                given, ask_reload);
  verb.add_option("ACTION", given->action, "confirm: keep what a reload with --confirm brought")
      ->check(CLI::IsMember({"confirm"}));
  verb.add_option(
          "--record", given->record,
          "With confirm: only the reload that brought this record, and none that came after")
      ->check(whole_number);
  add_wishes(verb, given);
}

void add_config(ReloadVerbs verbs) {
  verbs.add("history", "Which settings were in force, the newest first",
            std::make_shared<ReloadArguments>(), show_history);
  auto given = std::make_shared<ReloadArguments>();
  verbs.add("show", "The settings of a record as they were written", given, show_record)
      .add_option("RECORD", given->record, "Number in the history; without it those in force")
      ->check(whole_number);
  given = std::make_shared<ReloadArguments>();
  CLI::App& verb = verbs.add("rollback",
                             "Put the settings of a record in force once more; the file on disk "
                             "stays as it is, and the next reload or start reads it",
                             given, roll_back);
  verb.add_option("RECORD", given->record,
                  "Number in the history; without it the newest that differs from what is in force")
      ->check(whole_number);
  add_wishes(verb, given);
}

}  // namespace

void add_reload_verbs(CLI::App& app, Terminal terminal, int& exit_code) {
  add_reload({app, terminal, exit_code});
  CLI::App& config = *app.add_subcommand("config", "The history of settings, and the way back");
  config.require_subcommand(1);
  add_config({config, terminal, exit_code});
}

}  // namespace sluice::proxy::program
