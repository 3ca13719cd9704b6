#include "core/ledger.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::core {
namespace {

constexpr std::size_t errors = index_of(Stream::errors);

Observation seen(double weight, std::uint64_t old_requests, std::uint64_t new_bad,
                 const std::string& backend = "n1") {
  Observation observation;
  observation.weight = weight;
  observation.old_pool.requests[errors] = old_requests;
  observation.new_pool.requests[errors] = observation.new_pool.bad[errors] = new_bad;
  if (new_bad > 0) observation.by_backend.push_back({backend, observation.new_pool.bad});
  return observation;
}

TEST(VersionCountsTest, AddsEveryNumber) {
  VersionCounts counts;
  counts.requests.fill(8);
  counts.bad.fill(4);
  counts.repeats.fill(2);
  counts.period_repeats.fill(1);
  counts.repeated_requests = 3;
  VersionCounts twice = counts;
  twice.add(counts);
  for (std::size_t stream = 0; stream < stream_count; ++stream) {
    EXPECT_EQ(twice.requests[stream], 16U);
    EXPECT_EQ(twice.bad[stream], 8U);
    EXPECT_EQ(twice.repeats[stream], 4U);
    EXPECT_EQ(twice.period_repeats[stream], 2U);
    EXPECT_EQ(evident(twice, stream), 4U);
    EXPECT_EQ(evident_in_period(twice, stream), 6U);
  }
  EXPECT_EQ(twice.repeated_requests, 6U);
  EXPECT_FALSE(twice.is_zero());
  EXPECT_TRUE(VersionCounts{}.is_zero());
}

TEST(LedgerTest, CountsOfOneWeightAndPeriodAreOneEntry) {
  Ledger ledger;
  ledger.add(seen(0.05, 10, 1));
  ledger.add(seen(0.05, 5, 2));
  ASSERT_EQ(ledger.entries().size(), 1U);
  EXPECT_EQ(ledger.entries()[0].old_pool.requests[errors], 15U);
  EXPECT_EQ(ledger.entries()[0].new_pool.bad[errors], 3U);
  EXPECT_EQ(ledger.entries()[0].by_backend[0].bad[errors], 3U);
}

TEST(LedgerTest, WeightsAndPeriodsAreKeptApart) {
  Ledger ledger;
  ledger.add(seen(0.05, 1, 0));
  ledger.add(seen(0.25, 2, 0));
  ledger.restart();
  ledger.add(seen(0.05, 4, 0));
  ASSERT_EQ(ledger.entries().size(), 3U);
  EXPECT_EQ(ledger.entries()[2].period, 1U);
  EXPECT_EQ(ledger.total().old_pool.requests[errors], 7U);
}

TEST(LedgerTest, ALateOutcomeGoesToThePeriodInWhichItWasSeen) {
  Ledger ledger;
  ledger.add(seen(0.05, 1, 0));
  ledger.restart();
  ledger.add(seen(0.25, 2, 0));
  Observation late = seen(0.05, 0, 3);
  late.period = 0;
  ledger.add(late);
  ASSERT_EQ(ledger.entries().size(), 2U);
  EXPECT_EQ(ledger.entries()[0].new_pool.bad[errors], 3U);
}

TEST(LedgerTest, PeriodsNeverFallFromEntryToEntry) {
  Ledger ledger;
  for (int restart = 0; restart < 5; ++restart) ledger.restart();
  for (const std::uint32_t period : {4U, 1U, 5U, 0U, 3U, 1U, 4U, 2U}) {
    Observation late = seen(0.01 * (period + 1), 1, 0);
    late.period = period;
    ledger.add(late);
  }
  for (std::size_t index = 1; index < ledger.entries().size(); ++index) {
    EXPECT_LE(ledger.entries()[index - 1].period, ledger.entries()[index].period);
  }
  EXPECT_EQ(ledger.total().old_pool.requests[errors], 8U);
}

TEST(LedgerTest, APeriodThatHasNotBegunIsThePresentOne) {
  Ledger ledger;
  ledger.restart();
  Observation early = seen(0.05, 1, 0);
  early.period = 9;
  ledger.add(early);
  ledger.add(seen(0.05, 1, 0));
  ASSERT_EQ(ledger.entries().size(), 1U);
  EXPECT_EQ(ledger.entries()[0].period, 1U);
}

TEST(LedgerTest, NothingSeenIsNoEntry) {
  Ledger ledger;
  ledger.add(seen(0.05, 0, 0));
  EXPECT_TRUE(ledger.entries().empty());
}

TEST(LedgerTest, BackendsAddUpByName) {
  Ledger ledger;
  ledger.add(seen(0.05, 0, 1, "n1"));
  ledger.add(seen(0.25, 0, 2, "n2"));
  ledger.restart();
  ledger.add(seen(0.25, 0, 4, "n1"));
  const Observation total = ledger.total();
  ASSERT_EQ(total.by_backend.size(), 2U);
  EXPECT_EQ(total.by_backend[0].backend, "n1");
  EXPECT_EQ(total.by_backend[0].bad[errors], 5U);
  EXPECT_EQ(total.by_backend[1].bad[errors], 2U);
}

TEST(LedgerTest, ByWeightPeriodsAreOneAndBackendsAreLeftOut) {
  Ledger ledger;
  ledger.add(seen(0.05, 1, 1));
  ledger.add(seen(0.25, 2, 0));
  ledger.restart();
  ledger.add(seen(0.05, 4, 2));
  ledger.restart();
  ledger.add(seen(0.25, 8, 3, "n2"));
  ledger.add(seen(0.5, 16, 0));
  const std::vector<Observation> rows = ledger.by_weight();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].weight, 0.05);
  EXPECT_EQ(rows[0].old_pool.requests[errors], 5U);
  EXPECT_EQ(rows[0].new_pool.bad[errors], 3U);
  EXPECT_EQ(rows[1].weight, 0.25);
  EXPECT_EQ(rows[1].old_pool.requests[errors], 10U);
  EXPECT_EQ(rows[1].new_pool.bad[errors], 3U);
  EXPECT_EQ(rows[2].weight, 0.5);
  EXPECT_EQ(rows[2].old_pool.requests[errors], 16U);
  for (const Observation& row : rows) EXPECT_TRUE(row.by_backend.empty());
}

TEST(LedgerTest, NothingSeenHasNoWeight) {
  EXPECT_TRUE(Ledger{}.by_weight().empty());
}

TEST(LedgerTest, IsTheSameAfterItWasRestored) {
  Ledger ledger;
  ledger.add(seen(0.05, 3, 1));
  ledger.restart();
  ledger.add(seen(0.25, 3, 1));
  EXPECT_EQ(Ledger::restore(ledger.period(), ledger.entries()), ledger);
}

}  // namespace
}  // namespace sluice::core
