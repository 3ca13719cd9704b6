#pragma once

#include <cstdint>
#include <optional>

#include "core/status_set.hpp"

namespace sluice::core {

/// What a rollout asks of the requests that follow one split: whom to judge, whom to shield.
/// Immutable; each weight has its own.
struct Trial {
  std::uint64_t key = 0;        ///< of the rollout in this process; never used again
  std::uint32_t old_share = 0;  ///< indices into the split
  std::uint32_t new_share = 0;
  double weight = 0;              ///< probability with which a request goes to NEW, 0 to 1
  std::uint64_t salt = 0;         ///< of the sticky hash, so that it is not always the same users
  bool judges_units = false;      ///< sticky: each unit counts once in each stream
  bool shields = false;           ///< failed first attempts on NEW are repeated on OLD
  double shield_budget = 0;       ///< at most this share of OLD's requests
  double mirror_share = 0;        ///< of OLD's requests are copied to NEW; 0: none
  std::uint64_t mirror_body = 0;  ///< octets of a copy's answer that are read
  StatusSet errors;               ///< statuses that count as errors
};

}  // namespace sluice::core
