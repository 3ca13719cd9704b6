#pragma once

#include "proxy/program/verbs.hpp"

namespace sluice::proxy::program {

/// Adds `reload` and `config` to `app`, under the rules of add_client_verbs().
void add_reload_verbs(CLI::App& app, Terminal terminal, int& exit_code);

}  // namespace sluice::proxy::program
