#pragma once

#include "sluice/outcome.hpp"

namespace sluice::core {

using sluice::Result;

}  // namespace sluice::core
