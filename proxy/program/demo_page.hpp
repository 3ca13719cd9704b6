#pragma once

#include <string_view>

namespace sluice::proxy::program {

/// The page of the demonstration: HTML with everything in it, which asks for /demo/state and
/// /demo/rollout twice a second.
extern const std::string_view demo_page;

}  // namespace sluice::proxy::program
