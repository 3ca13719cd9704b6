#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <random>

namespace sluice::proxy {

/// Uniform random words for draws and ids: xoshiro256** (Blackman and Vigna, 2018), seeded from the
/// system. One per thread. Not for secrets.
class Random {
 public:
  Random() {
    std::random_device device;
    for (std::uint64_t& word : state_) word = std::uint64_t{device()} << 32U | device();
  }
  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// A uniform number in [0, 1).
  double fraction() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace sluice::proxy
