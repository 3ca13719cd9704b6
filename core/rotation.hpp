#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/backend.hpp"
#include "sluice/settings.hpp"

namespace sluice::core {

/// Smooth weighted round robin over a fixed set of backends. Not thread-safe.
///
/// After any number of turns t, a backend has had less than one turn more or less than its exact
/// share t * weight / total, so after `total` turns every one had exactly its weight. Among the
/// backends that are due, the one whose next turn ends soonest is taken, ties in the order given
/// (Tijdeman, "The chairman assignment problem", 1980; the rule of WF2Q in packet scheduling).
/// Backends of equal weight simply alternate in the order given.
class Rotation {
 public:
  struct Entry {
    Backend* backend = nullptr;
    Weight weight = weight_one;  ///< above zero
  };

  Rotation() = default;
  explicit Rotation(const std::vector<Entry>& entries);

  /// Gives a turn to the next backend that is not in `tried`; one that is passed over keeps its
  /// claim. nullptr when there is none. O(1) with equal weights, else amortised O(log entries);
  /// each one passed over costs as much again. Does not allocate.
  Backend* next(std::span<Backend* const> tried);

 private:
  struct Turns {
    Entry entry;
    std::size_t order = 0;
    std::uint64_t taken = 0;
  };
  /// Puts the backend whose next turn may begin first in front of a heap.
  struct BeginsLater {
    bool operator()(const Turns& a, const Turns& b) const;
  };
  /// Puts the backend whose next turn must end first in front of a heap.
  struct EndsLater {
    bool operator()(const Turns& a, const Turns& b) const;
  };

  Backend* next_of_equals(std::span<Backend* const> tried);
  template <class Order>
  bool lift(std::vector<Turns>& heap, Order order, std::span<Backend* const> tried);
  void wake();
  bool may_begin(const Turns& turns) const;

  bool equal_ = true;
  std::size_t cursor_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t turn_ = 0;    ///< turns given so far
  std::vector<Turns> due_;    ///< may have a turn now; a heap by EndsLater, in order when equal_
  std::vector<Turns> early_;  ///< had its share so far; a heap by BeginsLater
};

}  // namespace sluice::core
