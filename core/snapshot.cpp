#include "sluice/snapshot.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace sluice {

void Histogram::observe(std::uint64_t ns) {
  // A bound belongs to its own bucket, as "le" says in the Prometheus text.
  const auto bound = std::lower_bound(bucket_bounds_ns.begin(), bucket_bounds_ns.end(), ns);
  ++counts[static_cast<std::size_t>(bound - bucket_bounds_ns.begin())];
  sum_ns += ns;
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  sum_ns += other.sum_ns;
}

std::uint64_t Histogram::count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace sluice
