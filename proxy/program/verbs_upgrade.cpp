#include "proxy/program/verbs_upgrade.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "proxy/admin_units.hpp"
#include "proxy/json_writer.hpp"
#include "proxy/program/json_members.hpp"

namespace sluice::proxy::program {
namespace {

/// Beyond the time that the new process has.
constexpr std::chrono::seconds patience_for_the_answer{15};

struct UpgradeArguments {
  Connection connection;
  std::string binary;
  std::string timeout = "30s";
};

int ask_upgrade(const UpgradeArguments& given, const Terminal& terminal) {
  const auto timeout = parse_duration(given.timeout);
  if (!timeout || timeout->count() == 0)
    throw CLI::ValidationError("--timeout: \"" + given.timeout +
                               "\" is not a whole number above 0 with a unit (ms, s, m, h), like "
                               "30s");
  JsonWriter json;
  json.open_object().key("timeout").text(given.timeout);
  if (!given.binary.empty()) {
    std::error_code error;
    const auto path = std::filesystem::absolute(given.binary, error);
    json.key("binary").text(error ? given.binary : path.lexically_normal().string());
  }
  AdminOrder order;
  order.method = "POST";
  order.target = "/v1/upgrade";
  order.body = json.close_object().str();
  order.patience = std::chrono::ceil<std::chrono::seconds>(*timeout) + patience_for_the_answer;
  const auto answer = ask(given.connection.client(), order, terminal);
  if (!answer) return answer.error();
  if (given.connection.json) {
    terminal.out << answer->body;
    return exit_done;
  }
  const auto status = parse_object(answer->body);
  if (!status) {
    terminal.out << answer->body;
    return exit_done;
  }
  terminal.out << "process " << count_of(*status, "pid") << ", version "
               << text_of(*status, "version") << ", serves; " << count_of(*status, "connections")
               << " connections were open on the process before it, which finishes them\n";
  return exit_done;
}

}  // namespace

void add_upgrade_verb(CLI::App& app, Terminal terminal, int& exit_code) {
  auto given = std::make_shared<UpgradeArguments>();
  CLI::App& verb = *app.add_subcommand(
      "upgrade",
      "Replace the running process by a new one that gets its sockets, weights, drains, counts and "
      "rollouts; when the new one does not come to serve, the running one goes on");
  verb.add_option("--binary", given->binary,
                  "The program to run, on the machine of the proxy; without it the path that the "
                  "running one was started from");
  verb.add_option("--timeout", given->timeout, "Time for the new process until it serves")
      ->capture_default_str();
  add_connection(verb, given->connection);
  verb.add_flag("--json", given->connection.json, "Print the proxy's JSON");
  verb.footer(
      "Exit codes: 0 the new process serves, 1 refused by the proxy or the new process failed, "
      "2 wrong command line, 3 no proxy reached.");
  verb.callback([given, out = terminal, &code = exit_code] { code = ask_upgrade(*given, out); });
}

}  // namespace sluice::proxy::program
