#include "proxy/program/verbs.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>

#include "proxy/program/verbs_change.hpp"
#include "proxy/program/verbs_reload.hpp"
#include "proxy/program/verbs_rollout.hpp"
#include "proxy/program/verbs_show.hpp"
#include "proxy/program/verbs_upgrade.hpp"
#include "proxy/program/views.hpp"

namespace sluice::proxy::program {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 refused by the proxy, 2 wrong command line, 3 no proxy reached, "
    "4 deadline passed before drained.";

/// What one verb was given; shared by its options and its callback.
struct ClientArguments {
  Connection connection;
  std::string name;
  SplitOrder split;
  BackendsOrder backends;
  EventsOrder events;
};
using ClientArgumentsPtr = std::shared_ptr<ClientArguments>;

/// Adds verbs one after the other to the same program.
struct ClientVerbs {
  CLI::App& app;
  Terminal terminal;
  int& exit_code;

  using Run = std::function<int(const ClientArguments&, const Terminal&)>;

  CLI::App& add(const std::string& name, const std::string& does,
                const ClientArgumentsPtr& arguments, Run run) {
    CLI::App& verb = *app.add_subcommand(name, does);
    add_connection(verb, arguments->connection);
    verb.footer(exit_codes);
    verb.callback([arguments, run = std::move(run), out = terminal, &code = exit_code] {
      code = run(*arguments, out);
    });
    return verb;
  }
};

void add_json(CLI::App& verb, const ClientArgumentsPtr& arguments) {
  verb.add_flag("--json", arguments->connection.json, "Print the proxy's JSON");
}

void add_drain_wishes(CLI::App& verb, DrainArguments& drain) {
  verb.add_flag("--wait", drain.wait, "Return only when drained, or at the deadline");
  verb.add_option("--deadline", drain.deadline, "Cut what is left after this time, such as 30s");
}

void add_showing_verbs(ClientVerbs verbs) {
  const auto make = [] { return std::make_shared<ClientArguments>(); };
  auto given = make();
  add_json(verbs.add("status", "Everything at a glance", given,
                     [](const ClientArguments& arguments, const Terminal& terminal) {
                       return show_status(arguments.connection, terminal);
                     }),
           given);
  given = make();
  CLI::App& routes = verbs.add("routes", "Routes and their splits", given,
                               [](const ClientArguments& arguments, const Terminal& terminal) {
                                 return show_routes(arguments.connection, arguments.name, terminal);
                               });
  routes.add_option("ROUTE", given->name, "Only this one");
  add_json(routes, given);
  given = make();
  CLI::App& pools = verbs.add("pools", "Pools and their backends", given,
                              [](const ClientArguments& arguments, const Terminal& terminal) {
                                return show_pools(arguments.connection, arguments.name, terminal);
                              });
  pools.add_option("POOL", given->name, "Only this one");
  add_json(pools, given);
  given = make();
  verbs.add("metrics", "Metrics as Prometheus text", given,
            [](const ClientArguments& arguments, const Terminal& terminal) {
              return show_metrics(arguments.connection, terminal);
            });
  given = make();
  add_json(verbs.add("ready", "Whether the proxy is ready to take traffic; 1 when it is not", given,
                     [](const ClientArguments& arguments, const Terminal& terminal) {
                       return show_readiness(arguments.connection, terminal);
                     }),
           given);
}

void add_events(ClientVerbs verbs) {
  auto given = std::make_shared<ClientArguments>();
  CLI::App& events =
      verbs.add("events", "What happens, as it happens; Ctrl-C ends it", given,
                [](const ClientArguments& arguments, const Terminal& terminal) {
                  return show_events(arguments.connection, arguments.events, terminal);
                });
  events
      .add_option("--since", given->events.since,
                  "Start behind this event id; 0 for all that are kept")
      ->check(whole_number);
  events.add_option("--types", given->events.types, "Only these types, with commas between");
  add_json(events, given);
}

void add_split(ClientVerbs verbs) {
  auto given = std::make_shared<ClientArguments>();
  CLI::App& split =
      verbs.add("split", "Show the split of a route, or set its weights", given,
                [](const ClientArguments& arguments, const Terminal& terminal) {
                  return change_split(arguments.connection, arguments.split, terminal);
                });
  split.add_option("ROUTE", given->split.route, "The route")->required();
  split.add_option("POOL=WEIGHT", given->split.weights,
                   "New weights; a pool that is left out gets 0");
  split
      .add_option("--if-match", given->split.if_match,
                  "Only when the split still has this revision")
      ->check(whole_number);
  add_json(split, given);
}

void add_drains(ClientVerbs verbs) {
  auto given = std::make_shared<ClientArguments>();
  CLI::App& drain_verb =
      verbs.add("drain", "Give a pool or backend nothing new", given,
                [](const ClientArguments& arguments, const Terminal& terminal) {
                  return drain(arguments.connection, arguments.backends.drain, terminal);
                });
  drain_verb.add_option("POOL", given->backends.drain.pool, "The pool")->required();
  drain_verb.add_option("BACKEND", given->backends.drain.backend, "Only this backend of it");
  add_drain_wishes(drain_verb, given->backends.drain);
  add_json(drain_verb, given);
  given = std::make_shared<ClientArguments>();
  CLI::App& undrain_verb =
      verbs.add("undrain", "Let a pool or backend take requests again", given,
                [](const ClientArguments& arguments, const Terminal& terminal) {
                  return undrain(arguments.connection, arguments.backends.drain, terminal);
                });
  undrain_verb.add_option("POOL", given->backends.drain.pool, "The pool")->required();
  undrain_verb.add_option("BACKEND", given->backends.drain.backend, "Only this backend of it");
  add_json(undrain_verb, given);
}

void add_backends(ClientVerbs verbs) {
  auto given = std::make_shared<ClientArguments>();
  CLI::App& backends =
      verbs.add("backends", "Show or change the backends of a pool", given,
                [](const ClientArguments& arguments, const Terminal& terminal) {
                  return change_backends(arguments.connection, arguments.backends, terminal);
                });
  backends.add_option("POOL", given->backends.drain.pool, "The pool")->required();
  backends.add_option("ACTION", given->backends.action, "add, remove (drains first) or set")
      ->check(CLI::IsMember({"add", "remove", "set"}));
  backends.add_option("ADDRESS", given->backends.addresses, "ADDRESS or ADDRESS@WEIGHT");
  add_drain_wishes(backends, given->backends.drain);
  add_json(backends, given);
}

std::string read_token(const std::string& file) {
  if (file.empty()) {
    const char* token = std::getenv("SLUICE_TOKEN");
    return token == nullptr ? "" : token;
  }
  const std::ifstream stream(file);
  std::ostringstream token;
  token << stream.rdbuf();
  if (!stream.is_open() || !token)
    throw CLI::ValidationError("--token-file: \"" + file + "\" cannot be read or is empty");
  return token.str();
}

}  // namespace

Terminal standard_terminal() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool wanted = no_color == nullptr || *no_color == '\0';
  return {std::cout, std::cerr, wanted && ::isatty(STDOUT_FILENO) == 1};
}

void add_client_verbs(CLI::App& app, Terminal terminal, int& exit_code) {
  const ClientVerbs verbs{app, terminal, exit_code};
  add_showing_verbs(verbs);
  add_split(verbs);
  add_drains(verbs);
  add_backends(verbs);
  add_events(verbs);
  add_reload_verbs(app, terminal, exit_code);
  add_upgrade_verb(app, terminal, exit_code);
  add_rollout_verbs(app, terminal, exit_code);
}

void add_connection(CLI::App& verb, Connection& connection) {
  verb.add_option("--admin", connection.admin,
                  "Address of the admin interface: HOST:PORT, an http:// URL or unix:/path")
      ->envname("SLUICE_ADMIN")
      ->capture_default_str();
  verb.add_option("--token-file", connection.token_file,
                  "File with the bearer token; without one SLUICE_TOKEN is used")
      ->envname("SLUICE_TOKEN_FILE");
}

// CLI::Range lets "-1" wrap.
std::string whole_number(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : "\"" + text + "\" is not a whole number";
}

AdminClient Connection::client() const {
  auto endpoint = parse_endpoint(admin);
  if (!endpoint) throw CLI::ValidationError("--admin: " + endpoint.error());
  std::string token = read_token(token_file);
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (token.find_first_of("\r\n") != std::string::npos)
    throw CLI::ValidationError("--token-file: the token is more than one line");
  return {std::move(*endpoint), std::move(token)};
}

core::Result<AdminAnswer, int> ask(const AdminClient& client, const AdminOrder& order,
                                   const Terminal& terminal) {
  auto answer = client.call(order);
  if (!answer) return unreachable(answer.error(), terminal);
  if (answer->status < 200 || answer->status > 299) return refused(*answer, terminal);
  return std::move(*answer);
}

int refused(const AdminAnswer& answer, const Terminal& terminal) {
  terminal.err << "sluice: " << problem_view(answer.status, answer.body) << "\n";
  return exit_refused;
}

int unreachable(const std::string& why, const Terminal& terminal) {
  terminal.err << "sluice: " << why << "\n";
  return exit_unreachable;
}

}  // namespace sluice::proxy::program
