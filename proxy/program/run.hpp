#pragma once

#include <string>

#include "sluice/settings.hpp"

namespace sluice::proxy::program {

/// `sluice check FILE`: prints every problem of the file. The exit code: 0 none, 1 some.
int check(const std::string& file);

/// `sluice run FILE`: runs a proxy until a signal ends it. The exit code: 0 stopped as asked, 1 the
/// file or the machine does not allow it to start.
int run(const std::string& file);

}  // namespace sluice::proxy::program
