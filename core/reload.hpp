#pragma once

#include <vector>

#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

namespace sluice::core {

/// What a running proxy cannot change: a problem for each such key that differs, saying that it
/// takes a restart. server.workers, server.state_dir, admin.* and log.access. Pure.
std::vector<Problem> check_reload(const Settings& running, const Settings& next);

}  // namespace sluice::core
