#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "proxy/program/verbs.hpp"
#include "tests/support/has.hpp"

namespace sluice::proxy::program {

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

/// Runs the program's verbs in this process, as main() does.
inline Ran run(std::vector<std::string> words) {
  std::ostringstream out;
  std::ostringstream err;
  CLI::App app;
  app.require_subcommand(1);
  int code = -1;
  add_client_verbs(app, {out, err, false}, code);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    code = app.exit(error, out, err) == 0 ? exit_done : exit_usage;
  }
  return {code, out.str(), err.str()};
}

using support::has;

}  // namespace sluice::proxy::program
