#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/rollout_sim/trial.hpp"

namespace sluice::sim {

/// Both ends of an interval for a probability.
struct Interval {
  double low = 0;
  double high = 1;
};

/// The exact interval of Clopper and Pearson (1934) for `hits` of `tries`: each end is beyond the
/// truth with probability at most `doubt`. Requires tries > 0.
Interval clopper_pearson(std::uint64_t hits, std::uint64_t tries, double doubt);

/// Of numbers in any order; none of nothing.
std::optional<double> quantile(std::vector<double> numbers, double part);

/// What the runs of a policy in a scenario come to.
struct Figures {
  std::string scenario;
  std::string policy;
  Truth truth = Truth::either;
  std::uint64_t runs = 0;
  std::uint64_t rolled_back = 0;
  std::uint64_t promoted = 0;
  std::uint64_t held = 0;                             ///< runs that held at some time
  std::uint64_t ejected = 0;                          ///< runs that took out a backend
  std::map<std::string, std::uint64_t> reasons = {};  ///< of rollbacks
  std::optional<double> detect_median_s = {};  ///< of those rolled back, since NEW became worse
  std::optional<double> detect_p90_s = {};
  std::optional<double> promote_median_s = {};
  /// Errors that OLD would not have made, of requests that came before the decision.
  std::optional<double> errors_by_then_median = {};
  /// The same, of those that came before it was in force.
  std::optional<double> errors_median = {};
  double errors_mean = 0;
  /// Slow answers that OLD would not have given.
  double slow_mean = 0;
  double on_new_mean = 0;

  /// Rollbacks on evidence; a deadline or a lack of conclusion is none.
  std::uint64_t rolled_back_on_evidence() const;
};

Figures figures_of(const Scenario& scenario, const PolicyKind& kind,
                   const std::vector<TrialResult>& results);

}  // namespace sluice::sim
