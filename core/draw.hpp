#pragma once

#include <cstdint>

/// Arithmetic on random words. Pure.
namespace sluice::core {

/// Wide enough for the product of two 64-bit words.
__extension__ typedef unsigned __int128 Wide;

/// Maps a uniform word to a uniform number in [0, total): random * total / 2^64 (Lemire, "Fast
/// Random Integer Generation in an Interval", 2019). No number is off by more than total / 2^64.
/// 0 when `total` is 0.
constexpr std::uint64_t scaled(std::uint64_t random, std::uint64_t total) {
  return static_cast<std::uint64_t>((Wide{random} * total) >> 64);
}

/// Spreads every bit of `word` over the whole result; a bijection (fmix64 of MurmurHash3).
constexpr std::uint64_t mixed(std::uint64_t word) {
  word ^= word >> 33;
  word *= 0xff51afd7ed558ccdULL;
  word ^= word >> 33;
  word *= 0xc4ceb9fe1a85ec53ULL;
  word ^= word >> 33;
  return word;
}

}  // namespace sluice::core
