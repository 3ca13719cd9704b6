#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy::program {

/// The socket on which the process that started this one hands over, as its environment says; not
/// open without such a process. The variable is gone afterwards, so that no other program gets it.
OwnedDescriptor inherited_handover();

/// How `sluice run FILE` is started anew, the program first: by the path that it was started from,
/// which may hold a newer program by then.
std::vector<std::string> command_to_run(const std::string& file);

}  // namespace sluice::proxy::program
