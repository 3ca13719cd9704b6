#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "proxy/program/demo.hpp"
#include "proxy/program/run.hpp"
#include "proxy/program/verbs.hpp"
#include "sluice/version.hpp"

namespace {

using sluice::proxy::program::DemoOptions;

/// `wishes` must live as long as `app`.
CLI::App& add_demo_verb(CLI::App& app, DemoOptions& wishes) {
  CLI::App& verb = *app.add_subcommand(
      "demo",
      "Show releases under load, with toy services, the proxy and clients in this process: first "
      "the weights are moved by hand, then the proxy promotes a good version and takes back one "
      "with errors and a slow one. Exits with 0 when all came out so");
  verb.add_option("--seconds", wishes.seconds, "Time for each pair of weights of the first part")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  verb.add_option("--connections", wishes.connections, "Connections that the clients keep")
      ->check(CLI::Range(1U, 256U))
      ->capture_default_str();
  verb.add_flag("--keep", wishes.keep, "Stay up at the end, until Ctrl-C");
  verb.add_flag("--json", wishes.json, "The outcome as JSON, the rest on standard error");
  return verb;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice::proxy::program;
  CLI::App app{
      "sluice moves live traffic between two versions of a service: a reverse proxy with weighted "
      "splits, drain and an admin interface."};
  app.set_version_flag("--version", std::string(sluice::version));
  app.require_subcommand(1);
  int exit_code = EXIT_SUCCESS;
  std::string file;

  bool takes_over = false;
  CLI::App* run_verb = app.add_subcommand("run", "Run a proxy until SIGTERM or SIGINT ends it");
  run_verb->add_option("FILE", file, "configuration (TOML)")->required();
  run_verb->add_flag("--take-over", takes_over,
                     "Take the sockets and the state of the running process that decides for "
                     "server.state_dir, which then finishes what it has and stops");
  run_verb->callback([&] { exit_code = run(file, takes_over); });

  CLI::App* check_verb =
      app.add_subcommand("check", "Say everything that is wrong with a configuration");
  check_verb->add_option("FILE", file, "configuration (TOML)")->required();
  check_verb->callback([&] { exit_code = check(file); });

  DemoOptions wishes;
  add_demo_verb(app, wishes).callback([&] { exit_code = demo(wishes); });

  add_client_verbs(app, standard_terminal(), exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : exit_usage;
  } catch (const std::exception& error) {
    std::cerr << "sluice: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
  return exit_code;
}
