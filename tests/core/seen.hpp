#pragma once

#include <cstdint>

#include "core/ledger.hpp"

namespace sluice::core {

/// Bad events of one stream at one weight.
inline Observation seen(double weight, std::uint64_t bad_old, std::uint64_t bad_new,
                        Stream stream = Stream::errors) {
  Observation observation;
  observation.weight = weight;
  observation.old_pool.requests[index_of(stream)] = bad_old;
  observation.old_pool.bad[index_of(stream)] = bad_old;
  observation.new_pool.requests[index_of(stream)] = bad_new;
  observation.new_pool.bad[index_of(stream)] = bad_new;
  return observation;
}

}  // namespace sluice::core
