#pragma once

#include <string>

#include "sluice/settings.hpp"

namespace sluice::proxy::program {

/// `sluice check FILE`: prints every problem of the file. The exit code: 0 none, 1 some.
int check(const std::string& file);

/// `sluice run FILE`: runs a proxy until a signal or a successor ends it. With a process that hands
/// over (SLUICE_HANDOVER_FD), or with `takes_over` from the one that decides for server.state_dir,
/// it takes that one's place. The exit code: 0 stopped as asked, 1 the file, the machine or the
/// running process does not allow it to start.
int run(const std::string& file, bool takes_over);

}  // namespace sluice::proxy::program
