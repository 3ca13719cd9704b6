#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/backend.hpp"
#include "core/rotation.hpp"
#include "core/ticket.hpp"
#include "sluice/settings.hpp"

namespace sluice::core {

/// Chooses a backend inside a pool, for one worker. Not thread-safe.
///
/// least_request: two different backends drawn by weight, the one with fewer requests in flight per
/// weight wins, the first drawn when they are equal, so that an idle pool is used by weight
/// (Mitzenmacher, "The Power of Two Choices", 2001). round_robin: smooth weighted round robin: over
/// any run of choices the shares follow the weights, and equal backends alternate (rotation.hpp).
/// Failures never make a backend look attractive (pitfall P13): only requests in flight count.
class Balancer {
 public:
  using Member = Rotation::Entry;

  /// Members stay owned by the worker and outlive the balancer.
  Balancer(Balance balance, std::vector<Member> members);

  /// Looks anew at who is admitted. To be called after up or draining of a member changed.
  /// O(members). A round robin goes on behind the backend that it chose last; one that is admitted
  /// anew waits for its turn and gets nothing on top.
  void refresh();

  /// True when at least one member is admitted.
  bool can_serve() const { return !eligible_.empty(); }

  /// Chooses a backend and counts the request on it in one step. Backends in `tried` are passed
  /// over as long as another one is admitted. An empty ticket when none is admitted, or when all
  /// admitted ones are in `tried`. `random` is a uniform word. O(log members), and O(members) for
  /// least_request when `tried` is not empty. Does not allocate.
  Ticket choose(std::uint64_t random, std::span<Backend* const> tried);

  /// Asks for memory that a choice of least_request reads; to be called some time before it.
  void prefetch() const { __builtin_prefetch(eligible_.data()); }

  const std::vector<Member>& members() const { return members_; }

 private:
  std::optional<std::size_t> draw(std::uint64_t random, std::optional<std::size_t> besides) const;
  std::optional<std::size_t> draw_untried(std::uint64_t random, std::optional<std::size_t> besides,
                                          std::span<Backend* const> tried) const;
  Backend* least_loaded(std::uint64_t random, std::span<Backend* const> tried) const;
  void sum_up();
  void restart_rotation();

  // What a choice reads comes first.
  Balance balance_;
  std::vector<Member> eligible_;           ///< members that are admitted, in their order
  std::vector<std::uint64_t> cumulative_;  ///< their weights, summed up; empty: all are equal
  Rotation rotation_;                      ///< over eligible_, for round_robin
  const Backend* last_ = nullptr;          ///< chosen by round_robin
  std::vector<Member> members_;
};

}  // namespace sluice::core
