#pragma once

#include <cstddef>
#include <vector>

namespace sluice::sim {

/// How many events happen in a time, when they happen independently. Drawn by inversion, from a
/// table that is as exact as the uniform numbers are.
class PoissonLaw {
 public:
  /// Requires 0 <= mean.
  explicit PoissonLaw(double mean);
  /// The quantile `part`, in [0, 1).
  std::size_t at(double part) const;

 private:
  std::vector<double> at_most_;  ///< by number: the chance of no more
};

}  // namespace sluice::sim
