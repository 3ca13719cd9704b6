#include "core/evidence.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/core/seen.hpp"

namespace sluice::core {
namespace {

constexpr std::array<double, 1> twice{2};
constexpr Claim at_most_ten_percent_more{1.10, twice};

Observation from_backend(Observation observation, const std::string& backend,
                         Stream stream = Stream::errors) {
  BackendBad bad{backend, {}};
  bad.bad[index_of(stream)] = observation.new_pool.bad[index_of(stream)];
  observation.by_backend.push_back(bad);
  return observation;
}

TEST(LogSumExpTest, OfNothingIsMinusInfinity) {
  EXPECT_EQ(log_sum_exp({}), -std::numeric_limits<double>::infinity());
  const std::array<double, 2> nothing{-std::numeric_limits<double>::infinity(),
                                      -std::numeric_limits<double>::infinity()};
  EXPECT_EQ(log_sum_exp(nothing), -std::numeric_limits<double>::infinity());
}

TEST(LogSumExpTest, NeitherOverflowsNorVanishes) {
  EXPECT_DOUBLE_EQ(log_sum_exp(std::array<double, 2>{1e4, 1e4}), 1e4 + std::log(2));
  EXPECT_DOUBLE_EQ(log_sum_exp(std::array<double, 2>{-1e4, -1e4}), -1e4 + std::log(2));
  EXPECT_DOUBLE_EQ(log_sum_exp(std::array<double, 2>{0, -1e9}), 0);
}

// The numbers of the formulas in the header, by hand: w = 5 %, rho0 = 1.1, r = 2.
TEST(BetsTest, AreAsTheFormulasSay) {
  const double step = std::log((0.95 + 0.05 * 1.1) / (0.95 + 0.05 * 1.1 * 2));
  EXPECT_NEAR(step, -0.05329, 1e-5);
  Bets bets;
  bets.add(at_most_ten_percent_more, 0.05, 0, 1);
  EXPECT_NEAR(bets.log_value(at_most_ten_percent_more), std::log(2) + step, 1e-12);
  bets.add(at_most_ten_percent_more, 0.05, 3, 0);
  EXPECT_NEAR(bets.log_value(at_most_ten_percent_more), std::log(2) + 4 * step, 1e-12);
}

TEST(BetsTest, AMixtureIsTheMeanOfItsBets) {
  constexpr std::array<double, 2> ratios{2, 10};
  const Claim claim{1, ratios};
  Bets bets;
  bets.add(claim, 0.25, 1, 2);
  const double of_two = 4 * std::pow(1 / (0.75 + 0.5), 3);
  const double of_ten = 100 * std::pow(1 / (0.75 + 2.5), 3);
  EXPECT_NEAR(std::exp(bets.log_value(claim)), (of_two + of_ten) / 2, 1e-12);
}

TEST(BetsTest, AWeightThatDecidesBeforehandSaysNothing) {
  for (const double weight : {0.0, 1.0, -0.5, 2.0, std::numeric_limits<double>::quiet_NaN()}) {
    Bets bets;
    bets.add(at_most_ten_percent_more, weight, 5, 7);
    EXPECT_EQ(bets.log_value(at_most_ten_percent_more), 0) << weight;
  }
}

TEST(BetsTest, AsTheWeightVanishesOnlyNewsEventsSayAnything) {
  Bets of_new;
  of_new.add(at_most_ten_percent_more, 1e-12, 0, 1);
  EXPECT_NEAR(of_new.logs[0], std::log(2), 1e-11);
  Bets of_old;
  of_old.add(at_most_ten_percent_more, 1e-12, 1, 0);
  EXPECT_NEAR(of_old.logs[0], -1.1e-12, 1e-20);
}

TEST(BetsTest, AsTheWeightFillsOnlyOldsEventsSayAnything) {
  Bets of_new;
  of_new.add(at_most_ten_percent_more, 1 - 1e-12, 0, 1);
  EXPECT_NEAR(of_new.logs[0], 0, 1e-11);
  Bets of_old;
  of_old.add(at_most_ten_percent_more, 1 - 1e-12, 1, 0);
  EXPECT_NEAR(of_old.logs[0], -std::log(2), 1e-11);
}

TEST(ClaimTest, OnlyErrorsAreToleratedMoreOften) {
  EXPECT_EQ(claim_of(Stream::errors, 1.25).tolerance, 1.25);
  EXPECT_EQ(claim_of(Stream::client_errors, 1.25).tolerance, 1.25);
  for (const Stream stream : {Stream::p50, Stream::p90, Stream::p99}) {
    EXPECT_EQ(claim_of(stream, 1.25).tolerance, 1);
  }
}

TEST(ClaimTest, AlternativesAreWorseThanWhatIsTolerated) {
  for (std::size_t index = 0; index < stream_count; ++index) {
    const Claim claim = claim_of(static_cast<Stream>(index), 1.1);
    EXPECT_LE(claim.ratios.size(), max_ratios);
    for (const double ratio : claim.ratios) EXPECT_GT(ratio, 1);
  }
}

TEST(StakeTest, AllStakesAreOneBound) {
  double sum = 0;
  for (std::size_t index = 0; index < stream_count; ++index) {
    sum += stake_of(static_cast<Stream>(index));
  }
  EXPECT_DOUBLE_EQ(sum, 1);
}

TEST(EvidenceTest, IsOneWhenNothingWasSeenHoweverOftenItBeginsAnew) {
  Evidence evidence(EvidenceRules{});
  for (int period = 0; period < 2000; ++period) {
    ASSERT_NEAR(evidence.total(), 1, 1e-9) << period;
    evidence.restart();
  }
}

TEST(EvidenceTest, GoodRequestsSayNothing) {
  Observation good;
  good.weight = 0.05;
  good.old_pool.requests.fill(1'000'000);
  good.new_pool.requests.fill(50'000);
  Evidence evidence(EvidenceRules{});
  evidence.add(good);
  EXPECT_DOUBLE_EQ(evidence.total(), 1);
}

TEST(EvidenceTest, RequestsThatRepeatWhatTheirUnitSaidSayNothing) {
  Observation repeats = seen(0.05, 10, 30);
  repeats.old_pool.repeats = repeats.old_pool.period_repeats = repeats.old_pool.bad;
  repeats.new_pool.repeats = repeats.new_pool.period_repeats = repeats.new_pool.bad;
  Evidence evidence(EvidenceRules{.by_units = true});
  evidence.restart();
  evidence.add(repeats);
  EXPECT_DOUBLE_EQ(evidence.total(), 1);
}

TEST(EvidenceTest, AFewErrorsOfNewAloneAreEnough) {
  Evidence evidence(EvidenceRules{});
  evidence.add(seen(0.05, 0, 3));
  EXPECT_LT(evidence.total(), 1000);
  evidence.add(seen(0.05, 0, 2));
  EXPECT_GE(evidence.total(), 1000);
  EXPECT_EQ(evidence.strongest(), Stream::errors);
}

TEST(EvidenceTest, ErrorsOfBothInProportionAreNone) {
  Evidence evidence(EvidenceRules{});
  evidence.add(seen(0.05, 950, 50));
  EXPECT_LT(evidence.total(), 1);
}

TEST(EvidenceTest, SaysWhichStreamSpeaksAgainstNew) {
  for (std::size_t index = 0; index < stream_count; ++index) {
    const auto stream = static_cast<Stream>(index);
    Evidence evidence(EvidenceRules{});
    evidence.add(seen(0.05, 2, 60, stream));
    EXPECT_EQ(evidence.strongest(), stream);
    EXPECT_GT(evidence.of(stream), 1000);
    EXPECT_GT(evidence.total(), 1000);
  }
}

TEST(EvidenceTest, ALateFaultIsSeenByTheCopyThatBeganLate) {
  Evidence without(EvidenceRules{});
  without.add(seen(0.05, 1000, 40));
  without.add(seen(0.05, 0, 8));
  EXPECT_LT(without.total(), 20);
  Evidence with(EvidenceRules{});
  with.add(seen(0.05, 1000, 40));
  with.restart();
  with.add(seen(0.05, 0, 8));
  EXPECT_GE(with.total(), 1000);
}

TEST(EvidenceTest, OutcomesOfAPeriodDoNotReachCopiesThatBeganAfterIt) {
  Observation late = seen(0.5, 0, 100, Stream::p50);
  late.period = 0;
  Evidence before(EvidenceRules{});
  before.add(seen(0.5, 300, 100, Stream::p50));
  before.add(late);
  before.restart();
  Evidence after(EvidenceRules{});
  after.add(seen(0.5, 300, 100, Stream::p50));
  after.restart();
  after.add(late);
  EXPECT_NEAR(after.total() / before.total(), 1, 1e-9);
}

TEST(EvidenceTest, UnitsAreNotMultipliedWithWhatTheySaidBefore) {
  const Observation one = seen(0.05, 0, 2);
  Evidence by_units(EvidenceRules{.by_units = true});
  Evidence by_requests(EvidenceRules{});
  for (int period = 0; period < 4; ++period) {
    // Only in the first period they are new.
    Observation again = one;
    if (period > 0) again.new_pool.repeats = again.new_pool.bad;
    by_units.restart();
    by_units.add(again);
    by_requests.restart();
    by_requests.add(one);
  }
  EXPECT_GE(by_requests.total(), 1000);
  EXPECT_LT(by_units.total(), 1000);
}

TEST(EvidenceTest, StaysFiniteWithABillionBadEvents) {
  constexpr std::uint64_t billion = 1'000'000'000;
  for (const auto& [bad_old, bad_new] :
       {std::pair{billion, billion}, std::pair{billion, std::uint64_t{0}},
        std::pair{std::uint64_t{0}, billion}}) {
    for (const double weight : {1e-6, 0.05, 0.5, 0.95, 1 - 1e-9}) {
      Evidence evidence(EvidenceRules{});
      for (int period = 0; period < 5; ++period) {
        for (std::size_t index = 0; index < stream_count; ++index) {
          evidence.add(seen(weight, bad_old, bad_new, static_cast<Stream>(index)));
        }
        evidence.restart();
      }
      SCOPED_TRACE(testing::Message() << bad_old << " " << bad_new << " " << weight);
      EXPECT_TRUE(std::isfinite(evidence.total()));
      EXPECT_GT(evidence.total(), 0);
    }
  }
}

TEST(EvidenceTest, RecoversFromAnythingByBeginningAnew) {
  Evidence evidence(EvidenceRules{});
  evidence.add(seen(0.05, 1'000'000'000, 0));
  evidence.restart();
  evidence.add(seen(0.05, 0, 8));
  EXPECT_GE(evidence.total(), 1000);
}

TEST(EvidenceWithoutBackendsTest, LeavesOutWhatTheyDid) {
  Ledger ledger;
  ledger.add(from_backend(seen(0.05, 3, 6), "broken"));
  ledger.add(from_backend(seen(0.05, 0, 2), "sound"));
  ledger.restart();
  ledger.add(from_backend(seen(0.05, 1, 4), "broken"));
  Evidence others(EvidenceRules{});
  others.add(seen(0.05, 3, 2));
  others.restart();
  others.add(seen(0.05, 1, 0));
  EXPECT_NEAR(Evidence(EvidenceRules{}, ledger, {"broken"}).total(), others.total(), 1e-12);
  EXPECT_GT(Evidence(EvidenceRules{}, ledger).total(), 1000);
}

TEST(EvidenceWithoutBackendsTest, NamesThatDidNothingChangeNothing) {
  Ledger ledger;
  ledger.add(from_backend(seen(0.05, 3, 6), "n1"));
  EXPECT_EQ(Evidence(EvidenceRules{}, ledger, {"n2", ""}).total(),
            Evidence(EvidenceRules{}, ledger).total());
}

}  // namespace
}  // namespace sluice::core
