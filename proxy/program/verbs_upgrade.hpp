#pragma once

#include "proxy/program/verbs.hpp"

namespace sluice::proxy::program {

/// Adds `upgrade` to `app`, under the rules of add_client_verbs().
void add_upgrade_verb(CLI::App& app, Terminal terminal, int& exit_code);

}  // namespace sluice::proxy::program
