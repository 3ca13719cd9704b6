#pragma once

#include <algorithm>
#include <string_view>

namespace sluice::core {

/// The element of `all` whose member `name` is this; nullptr when there is none.
template <class Range>
auto* find_named(Range& all, std::string_view name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace sluice::core
