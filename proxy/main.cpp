#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "proxy/program/run.hpp"
#include "proxy/program/verbs.hpp"
#include "sluice/version.hpp"

int main(int argc, char** argv) {
  using namespace sluice::proxy::program;
  CLI::App app{
      "sluice moves live traffic between two versions of a service: a reverse proxy with weighted "
      "splits, drain and an admin interface."};
  app.set_version_flag("--version", std::string(sluice::version));
  app.require_subcommand(1);
  int exit_code = EXIT_SUCCESS;
  std::string file;

  CLI::App* run_verb = app.add_subcommand("run", "Run a proxy until SIGTERM or SIGINT ends it");
  run_verb->add_option("FILE", file, "configuration (TOML)")->required();
  run_verb->callback([&] { exit_code = run(file); });

  CLI::App* check_verb =
      app.add_subcommand("check", "Say everything that is wrong with a configuration");
  check_verb->add_option("FILE", file, "configuration (TOML)")->required();
  check_verb->callback([&] { exit_code = check(file); });

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
