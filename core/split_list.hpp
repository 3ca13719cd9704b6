#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "core/split.hpp"

namespace sluice::core {

/// The splits of all routes, by index. A copy shares them in parts of 64, and a split that is put
/// in takes a part of its own: with 10,000 routes the plan of other weights costs a few hundred
/// references instead of 10,000, each a cache line elsewhere. Copies may be read on other threads
/// while this one is changed.
class SplitList {
 public:
  using Entry = std::shared_ptr<const Split>;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Entry& operator[](std::size_t route) const {
    return (*parts_[route / part_size])[route % part_size];
  }

  /// For a list that is being built: requires that it was not copied yet.
  void push_back(Entry split) {
    if (size_ % part_size == 0) parts_.push_back(std::make_shared<Part>());
    (*parts_.back())[size_++ % part_size] = std::move(split);
  }
  /// Requires a route that is there.
  void put(std::size_t route, Entry split) {
    const auto part = std::make_shared<Part>(*parts_[route / part_size]);
    (*part)[route % part_size] = std::move(split);
    parts_[route / part_size] = part;
  }

 private:
  static constexpr std::size_t part_size = 64;
  using Part = std::array<Entry, part_size>;
  std::vector<std::shared_ptr<Part>> parts_;
  std::size_t size_ = 0;
};

}  // namespace sluice::core
