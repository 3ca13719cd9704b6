#pragma once

#include <cstddef>
#include <set>
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
  std::set<std::string> addresses;  ///< of the backends it is about
  TimePoint deadline = TimePoint::max();
  TimePoint give_up = TimePoint::max();
  std::uint64_t cut = 0;
  bool is_cutting = false;
  /// Orders that are on their way to the workers and the disk: the end is not told before.
  std::size_t orders_under_way = 0;
  bool is_removal = false;
  std::vector<Done<DrainStatus>> waiting;  ///< who waits for the end

  Key place() const { return {order.pool, order.backend}; }
};

}  // namespace sluice::proxy
