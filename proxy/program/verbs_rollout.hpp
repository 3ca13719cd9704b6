#pragma once

#include "proxy/program/verbs.hpp"

namespace sluice::proxy::program {

/// Adds `rollout` with its verbs to `app`, under the rules of add_client_verbs(). `rollout watch`
/// and `rollout start --watch` end with a WatchCode (rollout_watch.hpp).
void add_rollout_verbs(CLI::App& app, Terminal terminal, int& exit_code);

}  // namespace sluice::proxy::program
