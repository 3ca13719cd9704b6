#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>

#include "core/evidence.hpp"
#include "tests/core/binomial.hpp"
#include "tests/core/seen.hpp"

namespace sluice::core {
namespace {

using Random = std::mt19937_64;

Ledger ledger_of(const Observation& observation) {
  Ledger ledger;
  ledger.add(observation);
  return ledger;
}

// Half of the 95 % quantile of chi-squared with 2 (bad + 1) degrees of freedom: Garwood 1936.
TEST(RateUpperBoundTest, IsGarwoods) {
  constexpr std::array<std::pair<std::uint64_t, double>, 6> known{{{0, 2.995732},
                                                                   {1, 4.743865},
                                                                   {2, 6.295794},
                                                                   {3, 7.753657},
                                                                   {5, 10.513035},
                                                                   {10, 16.962219}}};
  for (const auto& [bad, bound] : known) {
    EXPECT_NEAR(rate_upper_bound(100'000, bad) * 100'000, bound, 1e-4) << bad;
  }
}

TEST(RateUpperBoundTest, FallsWithRequestsAndGrowsWithBadOnes) {
  double last = 1;
  for (std::uint64_t requests = 1; requests <= 1'000'000; requests *= 10) {
    EXPECT_LE(rate_upper_bound(requests, 0), last);
    last = rate_upper_bound(requests, 0);
  }
  for (std::uint64_t bad = 0; bad < 3000; bad += 100) {
    EXPECT_LT(rate_upper_bound(100'000, bad), rate_upper_bound(100'000, bad + 100));
  }
}

TEST(RateUpperBoundTest, IsAProbability) {
  EXPECT_EQ(rate_upper_bound(0, 0), 1);
  EXPECT_EQ(rate_upper_bound(1, 1), 1);
  EXPECT_EQ(rate_upper_bound(10, 10), 1);
}

TEST(RateUpperBoundTest, OfManyBadOnesIsTwoDeviationsAbove) {
  const double bound = rate_upper_bound(1'000'000, 10'000);
  EXPECT_NEAR(bound * 1'000'000, 10'000 + 1.645 * 100, 5);
}

TEST(EvidenceAboveRateTest, HasMeanOneAtTheRate) {
  for (const double rate : {0.001, 0.02, 0.3, 0.9, 0.97}) {
    double mean = 0;
    for (std::uint64_t bad = 0; bad <= 50; ++bad) {
      mean += binomial(bad, 50, rate) * evidence_above_rate(rate, 50, bad);
    }
    EXPECT_NEAR(mean, 1, 1e-9) << rate;
  }
}

TEST(EvidenceAboveRateTest, GrowsAboveTheRateOnly) {
  EXPECT_EQ(evidence_above_rate(0.02, 0, 0), 1);
  EXPECT_LT(evidence_above_rate(0.02, 1000, 20), 1);
  EXPECT_GT(evidence_above_rate(0.02, 1000, 60), 1000);
  EXPECT_TRUE(std::isfinite(evidence_above_rate(0.02, 1'000'000'000, 1'000'000'000)));
  // More bad ones than requests: as many.
  EXPECT_EQ(evidence_above_rate(0.02, 5, 7), evidence_above_rate(0.02, 5, 5));
}

TEST(EvidenceOfHealthTest, HasMeanOneWhereNewIsJustTooBad) {
  for (const double weight : {0.01, 0.05, 0.5, 0.95}) {
    const double share = weight * 1.5 / (1 - weight + weight * 1.5);
    double mean = 0;
    for (std::uint64_t of_new = 0; of_new <= 40; ++of_new) {
      mean += binomial(of_new, 40, share) *
              evidence_of_health(ledger_of(seen(weight, 40 - of_new, of_new)), 1.5);
    }
    EXPECT_NEAR(mean, 1, 1e-9) << weight;
  }
}

TEST(EvidenceOfHealthTest, GrowsWithErrorsThatAreNotNews) {
  EXPECT_EQ(evidence_of_health(Ledger{}, 1.5), 1);
  EXPECT_GT(evidence_of_health(ledger_of(seen(0.5, 100, 50)), 1.5), 20);
  EXPECT_LT(evidence_of_health(ledger_of(seen(0.5, 50, 100)), 1.5), 1);
  EXPECT_TRUE(std::isfinite(evidence_of_health(ledger_of(seen(0.5, 1'000'000'000, 0)), 1.5)));
}

TEST(RatioLowerBoundTest, SaysNothingAboutNothing) {
  EXPECT_EQ(ratio_lower_bound(Ledger{}, Stream::errors), 0);
  EXPECT_EQ(ratio_lower_bound(ledger_of(seen(0.5, 100, 0)), Stream::errors), 0);
}

TEST(RatioLowerBoundTest, ComesNearTheTruthFromBelow) {
  // NEW 10 times as bad, at 5 %: 10 / 29 of the bad events are its own.
  const double bound = ratio_lower_bound(ledger_of(seen(0.05, 1900, 1000)), Stream::errors);
  EXPECT_LT(bound, 10);
  EXPECT_GT(bound, 7);
}

TEST(LedgerBoundsTest, DoNotDependOnPeriods) {
  Ledger whole;
  Ledger parts;
  for (std::uint64_t period = 0; period < 50; ++period) {
    for (const double weight : {0.01, 0.05, 0.25}) {
      const Observation observation = seen(weight, 5 + period % 3, 2 + period % 2);
      whole.add(observation);
      parts.add(observation);
    }
    parts.restart();
  }
  ASSERT_EQ(parts.entries().size(), 150U);
  EXPECT_EQ(ratio_lower_bound(parts, Stream::errors), ratio_lower_bound(whole, Stream::errors));
  EXPECT_GT(ratio_lower_bound(parts, Stream::errors), 1);
  EXPECT_EQ(evidence_of_health(parts, 1.5), evidence_of_health(whole, 1.5));
}

TEST(RatioLowerBoundTest, IsAboveTheTruthAtMostOnceInTwenty) {
  Random random(3);
  constexpr int runs = 2000;
  for (const double truth : {0.5, 1.0, 4.0}) {
    int above = 0;
    for (int run = 0; run < runs; ++run) {
      Ledger ledger;
      for (const double weight : {0.01, 0.05, 0.25}) {
        std::binomial_distribution<std::uint64_t> of_new(
            60, weight * truth / (1 - weight + weight * truth));
        const std::uint64_t bad = of_new(random);
        ledger.add(seen(weight, 60 - bad, bad));
      }
      above += ratio_lower_bound(ledger, Stream::errors) > truth ? 1 : 0;
    }
    EXPECT_LE(above, runs * 0.05 + 4 * std::sqrt(runs * 0.05 * 0.95)) << truth;
  }
}

}  // namespace
}  // namespace sluice::core
