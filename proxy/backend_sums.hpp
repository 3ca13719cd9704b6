#pragma once

#include <cstddef>

#include "core/backend.hpp"

namespace sluice::proxy {

/// Adds what another worker, or another process, counted of the same backend.
inline void add_counts(core::Backend& to, const core::Backend& from) {
  to.in_flight += from.in_flight;
  to.upgraded += from.upgraded;
  to.open += from.open;
  to.idle += from.idle;
  to.requests += from.requests;
  for (std::size_t reason = 0; reason < to.failures.size(); ++reason) {
    to.failures[reason] += from.failures[reason];
  }
}

}  // namespace sluice::proxy
