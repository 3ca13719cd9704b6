#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "proxy/local_control.hpp"

namespace sluice::proxy {

/// One drain that is being followed to its end.
///
///     draining --all counts zero--> drained
///     draining --deadline--> cutting --all counts zero, or a second later--> drained
///     draining --un-drain--> cancelled
struct LocalControl::DrainWatch {
  DrainOrder order;
  std::vector<std::string> members;  ///< of the pool, when it is about all of that
  TimePoint deadline = TimePoint::max();
  TimePoint give_up = TimePoint::max();
  std::uint64_t cut = 0;
  bool is_cutting = false;
  /// Orders that are on their way to the workers and the disk: the end is not told before.
  std::size_t orders_under_way = 0;
  bool is_removal = false;
  std::vector<Done<DrainStatus>> waiting;  ///< who waits for the end

  PlaceView place() const { return {order.pool, order.backend}; }
  /// The addresses of the backends it is about.
  std::span<const std::string> addresses() const {
    if (order.backend.empty()) return members;
    return {&order.backend, 1};
  }
};

}  // namespace sluice::proxy
