#pragma once

#include <functional>
#include <string>

#include "sluice/observer.hpp"

namespace sluice::proxy {

/// Takes lines for the operational log. Empty: nobody wants them.
using LogSink = std::function<void(LogLevel level, std::string line)>;

}  // namespace sluice::proxy
