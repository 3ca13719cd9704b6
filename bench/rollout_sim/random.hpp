#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "core/draw.hpp"

namespace sluice::sim {

/// Fast random numbers from a seed: xoshiro256++ (Blackman and Vigna, 2019), filled by splitmix64.
/// The same seed gives the same numbers on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      word = core::mixed(seed);
    }
  }

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// Uniform in [0, 1), in steps of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  /// Exponential with this mean.
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace sluice::sim
