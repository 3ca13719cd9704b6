#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/trial.hpp"
#include "sluice/settings.hpp"

/// Which pool of a route serves a request (product.md "Which pool serves a request"). Pure:
/// random words are arguments.
namespace sluice::core {

/// Index of a share inside its split.
using ShareIndex = std::uint32_t;

/// A set of shares, one bit each.
using ShareSet = std::uint64_t;

/// Pools one split may name; `validate` refuses more.
inline constexpr std::size_t max_shares = 64;

/// Points on which sticky units lie.
inline constexpr std::uint32_t sticky_points = 10'000;

/// One pool of a split. `pool` is its dense id in the topology.
struct Share {
  std::uint32_t pool = 0;
  Weight weight = 0;
};

/// The hash of a sticky unit: stable over processes, machines and versions of sluice. Salted, so
/// that it is not the same users who go first in every rollout.
std::uint64_t sticky_hash(std::uint64_t salt, std::string_view unit);

/// The weights of one route, immutable. Shares keep the order of the configuration: the old pool
/// comes first and owns the low points. Intervals are compared as exact fractions, so raising one
/// weight never takes a unit away from its pool.
class Split {
 public:
  /// Requires 1 to max_shares shares.
  /// `trial`: of the rollout under way, when there is one.
  explicit Split(std::vector<Share> shares, std::shared_ptr<const Trial> trial = nullptr);

  /// What a rollout asks of the requests that follow this split; nullptr without one.
  const Trial* trial() const { return trial_.get(); }

  const std::vector<Share>& shares() const { return shares_; }
  std::uint64_t total() const { return total_; }

  /// The share that a uniform random word falls on, among those not in `excluded`, by weight. None
  /// when what is left weighs nothing: a weight of exactly 0 gets nothing.
  std::optional<ShareIndex> draw(std::uint64_t random, ShareSet excluded = 0) const;

  /// The share that owns the unit's point. When that one is excluded, a second, independent point
  /// of the same unit is looked up among the rest, so a unit moves once and stays there. None when
  /// the rest weighs nothing.
  std::optional<ShareIndex> at(std::uint64_t unit_hash, ShareSet excluded = 0) const;

  /// The share of pool `pool`, whatever its weight.
  std::optional<ShareIndex> share_of(std::uint32_t pool) const;

 private:
  std::uint64_t total_without(ShareSet excluded) const;
  std::optional<ShareIndex> owner(std::uint64_t point, ShareSet excluded) const;

  std::vector<Share> shares_;
  std::shared_ptr<const Trial> trial_;
  std::uint64_t total_ = 0;
};

}  // namespace sluice::core
