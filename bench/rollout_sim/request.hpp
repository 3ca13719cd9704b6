#pragma once

#include <cstdint>

namespace sluice::sim {

/// Of a size that registers like.
enum class Answer : std::uint32_t {
  success,
  failure,
  refusal,  ///< an error of the client's
};

/// What becomes of a request on one version.
struct Fate {
  std::uint32_t us = 0;  ///< until the response head or the failure is there
  Answer answer = Answer::success;
  bool operator==(const Fate&) const = default;
};

/// Only these have a time to compare: a fast refusal is no fast version.
inline bool is_success(const Fate& fate) {
  return fate.answer == Answer::success;
}

inline bool failed(const Fate& fate) {
  return fate.answer == Answer::failure;
}

/// The luck of a request: uniform numbers in [0, 1), the same for every policy and both versions.
struct Luck {
  double status = 0;
  double latency = 0;
  double other = 0;
};

/// A request with both potential outcomes.
struct Request {
  std::int64_t start_us = 0;  ///< since the rollout began
  double draw = 0;            ///< goes to NEW when below the weight
  std::uint32_t unit = 0;     ///< session of a sticky split, from 1; 0: a request stands for itself
  std::uint8_t old_backend = 0;
  std::uint8_t new_backend = 0;
  Luck luck;
  Fate old_fate;
  Fate new_fate;
};

inline constexpr std::int64_t tick_us = 100'000;
inline constexpr std::int64_t tick_ms = tick_us / 1000;
inline constexpr std::uint8_t backends = 5;  ///< of each version

}  // namespace sluice::sim
