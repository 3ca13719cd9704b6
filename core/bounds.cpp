#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "core/evidence.hpp"

/// Evidence of health, absolute rates, and bounds for people to read.
namespace sluice::core {
namespace {

/// Against "at least as bad as the bound": NEW is this part of it.
constexpr std::array<double, 4> healthy_parts{0.67, 0.5, 0.25, 0.05};
constexpr std::array<double, 6> above_rate{1.5, 2, 3, 5, 10, 30};
constexpr double largest_rate = 0.95;
constexpr double doubt = 0.05;
constexpr double doubt_quantile = 1.6448536269514722;  ///< of the normal distribution
constexpr std::uint64_t exact_until = 500;

/// P(at most `bad` events) of a Poisson number with this mean.
double poisson_at_most(std::uint64_t bad, double mean) {
  double log_term = -mean;
  double sum = std::exp(log_term);
  for (std::uint64_t k = 1; k <= bad; ++k) {
    log_term += std::log(mean / static_cast<double>(k));
    sum += std::exp(log_term);
  }
  return std::min(sum, 1.0);
}

/// The largest mean that `bad` events leave possible; at most `exact_until` of them. A rollout that
/// waits asks for the same one tick after tick.
double poisson_bound(std::uint64_t bad) {
  thread_local std::array<double, exact_until + 1> known{};
  if (known[bad] > 0) return known[bad];
  const auto failed = static_cast<double>(bad);
  double low = failed;
  double high = failed + 4 * std::sqrt(failed + 1) + 4;
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = (low + high) / 2;
    (poisson_at_most(bad, middle) > doubt ? low : high) = middle;
  }
  known[bad] = high;
  return high;
}

double log_refutation(const std::vector<Observation>& by_weight, Stream stream, double ratio) {
  const Claim claim{ratio, claim_of(stream, 1).ratios};
  Bets bets;
  for (const Observation& entry : by_weight) {
    bets.add(claim, entry.weight, evident(entry.old_pool, index_of(stream)),
             evident(entry.new_pool, index_of(stream)));
  }
  return bets.log_value(claim);
}

}  // namespace

double evidence_of_health(const Ledger& ledger, double ratio) {
  // Mirrored: under the claim a bad event is one of NEW's with probability at least
  // w ratio / (1 - w + w ratio), and each bet says it is less.
  std::array<double, healthy_parts.size()> logs{};
  for (const Observation& entry : ledger.by_weight()) {
    const double weight = entry.weight;
    if (!(weight > 0 && weight < 1)) continue;
    const auto of_new = static_cast<double>(evident(entry.new_pool, error_stream));
    const double events = of_new + static_cast<double>(evident(entry.old_pool, error_stream));
    const double on_new = weight * ratio;
    for (std::size_t k = 0; k < logs.size(); ++k) {
      const double part = healthy_parts[k];
      const double step = -std::log1p(on_new * (part - 1) / (1 - weight + on_new));
      logs[k] += events * step + of_new * std::log(part);
    }
  }
  const double log_value = log_sum_exp(logs) - std::log(static_cast<double>(logs.size()));
  return std::min(std::exp(log_value), std::numeric_limits<double>::max());
}

double evidence_above_rate(double rate, std::uint64_t requests, std::uint64_t bad) {
  const auto failed = static_cast<double>(std::min(bad, requests));
  const double succeeded = static_cast<double>(requests) - failed;
  std::array<double, above_rate.size()> logs{};
  for (std::size_t k = 0; k < logs.size(); ++k) {
    const double alternative = std::max(rate, std::min(rate * above_rate[k], largest_rate));
    logs[k] = failed * std::log(alternative / rate) +
              succeeded * (std::log1p(-alternative) - std::log1p(-rate));
  }
  const double log_value = log_sum_exp(logs) - std::log(static_cast<double>(logs.size()));
  return std::min(std::exp(log_value), std::numeric_limits<double>::max());
}

double rate_upper_bound(std::uint64_t requests, std::uint64_t bad) {
  if (requests == 0) return 1;
  const auto failed = static_cast<double>(bad);
  if (bad > exact_until) {
    // Wilson and Hilferty, 1931: good to five digits here, and it takes no sum over all events.
    const double degrees = failed + 1;
    const double root = 1 - 1 / (9 * degrees) + doubt_quantile / (3 * std::sqrt(degrees));
    return std::min(degrees * root * root * root / static_cast<double>(requests), 1.0);
  }
  return std::min(poisson_bound(bad) / static_cast<double>(requests), 1.0);
}

double ratio_lower_bound(const Ledger& ledger, Stream stream) {
  const double refuted = std::log(1 / doubt);
  const std::vector<Observation> by_weight = ledger.by_weight();
  double low = std::log(1e-4);
  double high = std::log(1e5);
  if (log_refutation(by_weight, stream, std::exp(low)) < refuted) return 0;
  for (int halving = 0; halving < 50; ++halving) {
    const double middle = (low + high) / 2;
    (log_refutation(by_weight, stream, std::exp(middle)) >= refuted ? low : high) = middle;
  }
  return std::exp(low);
}

}  // namespace sluice::core
