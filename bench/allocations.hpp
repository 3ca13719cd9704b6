#pragma once

#include <cstdint>

namespace sluice::bench {

/// How often operator new was called in this program so far, by any thread. Programs that link
/// allocations.cpp count.
std::uint64_t allocations();

}  // namespace sluice::bench
