#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "core/split.hpp"

namespace sluice::core {

/// The largest random word.
inline constexpr std::uint64_t word_max = std::numeric_limits<std::uint64_t>::max();

/// Over the pools from `first_pool` on, in this order.
inline Split split_of(const std::vector<Weight>& weights, std::uint32_t first_pool = 0) {
  std::vector<Share> shares;
  shares.reserve(weights.size());
  for (const Weight weight : weights) {
    const auto pool = static_cast<std::uint32_t>(first_pool + shares.size());
    shares.push_back({.pool = pool, .weight = weight});
  }
  return Split(shares);
}

}  // namespace sluice::core
