#include "bench/rollout_sim/figures.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::sim {
namespace {

/// P(at most `hits` of `tries`) at this probability.
double binomial_at_most(std::uint64_t hits, std::uint64_t tries, double probability) {
  if (probability <= 0) return 1;
  if (probability >= 1) return hits >= tries ? 1 : 0;
  const auto count = static_cast<double>(tries);
  double sum = 0;
  for (std::uint64_t k = 0; k <= hits; ++k) {
    const auto number = static_cast<double>(k);
    sum += std::exp(std::lgamma(count + 1) - std::lgamma(number + 1) -
                    std::lgamma(count - number + 1) + number * std::log(probability) +
                    (count - number) * std::log1p(-probability));
  }
  return std::min(sum, 1.0);
}

/// The probability at which `hits` or fewer have the chance `part`.
double where_at_most(std::uint64_t hits, std::uint64_t tries, double part) {
  double low = 0;
  double high = 1;
  for (int halving = 0; halving < 50; ++halving) {
    const double middle = (low + high) / 2;
    (binomial_at_most(hits, tries, middle) > part ? low : high) = middle;
  }
  return low;
}

std::vector<double> sorted(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

Interval clopper_pearson(std::uint64_t hits, std::uint64_t tries, double doubt) {
  Interval interval;
  if (hits > 0) interval.low = where_at_most(hits - 1, tries, 1 - doubt);
  if (hits < tries) interval.high = where_at_most(hits, tries, doubt);
  return interval;
}

std::optional<double> quantile(std::vector<double> numbers, double part) {
  if (numbers.empty()) return std::nullopt;
  const std::vector<double> in_order = sorted(std::move(numbers));
  const double place = part * static_cast<double>(in_order.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, in_order.size() - 1);
  return std::lerp(in_order[below], in_order[above], place - static_cast<double>(below));
}

std::uint64_t Figures::rolled_back_on_evidence() const {
  std::uint64_t without = rolled_back;
  for (const char* reason : {"deadline", "inconclusive"}) {
    const auto found = reasons.find(reason);
    if (found != reasons.end()) without -= found->second;
  }
  return without;
}

Figures figures_of(const Scenario& scenario, const PolicyKind& kind,
                   const std::vector<TrialResult>& results) {
  Figures figures{.scenario = scenario.name, .policy = kind.name, .truth = scenario.truth};
  figures.runs = results.size();
  std::vector<double> delays;
  std::vector<double> promotions;
  std::vector<double> errors_by_then;
  std::vector<double> errors;
  for (const TrialResult& result : results) {
    if (result.end == End::rolled_back) {
      ++figures.rolled_back;
      ++figures.reasons[result.reason];
      delays.push_back(result.delay_s);
    }
    if (result.end == End::promoted) promotions.push_back(result.end_s);
    figures.held += result.has_held ? 1 : 0;
    figures.ejected += result.has_ejected ? 1 : 0;
    errors_by_then.push_back(static_cast<double>(result.harm_by_then.errors));
    errors.push_back(static_cast<double>(result.harm.errors));
    const double share = 1 / static_cast<double>(results.size());
    figures.errors_mean += share * errors.back();
    figures.slow_mean += share * static_cast<double>(result.harm.slow);
    figures.on_new_mean += share * static_cast<double>(result.harm.on_new);
  }
  figures.promoted = promotions.size();
  figures.detect_median_s = quantile(delays, 0.5);
  figures.detect_p90_s = quantile(delays, 0.9);
  figures.promote_median_s = quantile(promotions, 0.5);
  figures.errors_by_then_median = quantile(errors_by_then, 0.5);
  figures.errors_median = quantile(errors, 0.5);
  return figures;
}

}  // namespace sluice::sim
