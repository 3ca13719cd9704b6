#include "core/latency.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace sluice::core {
namespace {

constexpr std::uint64_t us = 1000;
constexpr std::uint64_t ms = 1'000'000;

/// A thousand requests, 1 to 1000 ms.
LatencyHistogram thousand() {
  LatencyHistogram histogram;
  for (std::uint64_t duration = 1; duration <= 1000; ++duration) histogram.observe(duration * ms);
  return histogram;
}

TEST(LatencyHistogramTest, EveryDurationIsInABucketThatHoldsIt) {
  for (std::uint64_t duration = 0; duration < 130'000'000; duration += 1 + duration / 97) {
    const std::size_t index = LatencyHistogram::index_of(duration * us);
    ASSERT_LT(index, LatencyHistogram::size);
    ASSERT_LT(duration * us, LatencyHistogram::upper_ns(index)) << duration;
    if (index > 0) {
      ASSERT_GE(duration * us, LatencyHistogram::upper_ns(index - 1)) << duration;
    }
  }
}

TEST(LatencyHistogramTest, BucketsAreNarrow) {
  for (std::size_t index = LatencyHistogram::fine; index < LatencyHistogram::size; ++index) {
    const auto low = static_cast<double>(LatencyHistogram::upper_ns(index - 1));
    EXPECT_LE(static_cast<double>(LatencyHistogram::upper_ns(index)), low * 1.032) << index;
  }
}

TEST(LatencyHistogramTest, TheLastBucketTakesEverythingElse) {
  constexpr std::uint64_t endless = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(LatencyHistogram::index_of(endless), LatencyHistogram::size - 1);
  EXPECT_GE(LatencyHistogram::upper_ns(LatencyHistogram::size - 1), 120'000 * ms);
}

TEST(LatencyHistogramTest, AddsUp) {
  LatencyHistogram sum = thousand();
  sum.add(thousand());
  std::uint64_t count = 0;
  for (std::size_t index = 0; index < LatencyHistogram::size; ++index) {
    EXPECT_EQ(sum.at(index), 2 * thousand().at(index)) << index;
    count += sum.at(index);
  }
  EXPECT_EQ(count, 2000U);
}

TEST(LatencyGaugeTest, IsSilentUntilItHasSeenEnough) {
  LatencyGauge gauge;
  EXPECT_FALSE(gauge.quantile(0.5));
  LatencyHistogram few;
  for (int i = 0; i < 99; ++i) few.observe(ms);
  gauge.follow(few, 100);
  EXPECT_FALSE(gauge.quantile(0.5));
  few.observe(ms);
  few.observe(ms);
  gauge.follow(few, 1);
  EXPECT_TRUE(gauge.quantile(0.5));
}

TEST(LatencyGaugeTest, QuantilesAreThoseOfTheRequests) {
  LatencyGauge gauge;
  gauge.follow(thousand(), 100);
  for (const double part : {0.5, 0.9, 0.99}) {
    const auto quantile = static_cast<double>(*gauge.quantile(part));
    EXPECT_GE(quantile, part * 1000 * ms * 0.999) << part;
    EXPECT_LE(quantile, part * 1000 * ms * 1.035) << part;
  }
}

TEST(LatencyGaugeTest, OnlyWhatIsNewCounts) {
  LatencyGauge gauge;
  LatencyHistogram so_far = thousand();
  gauge.follow(so_far, 100);
  for (int tick = 0; tick < 10; ++tick) gauge.follow(so_far, 0);
  for (int i = 0; i < 3000; ++i) so_far.observe(2000 * ms);
  gauge.follow(so_far, 0);
  EXPECT_LT(*gauge.quantile(0.24), 1000 * ms);
  EXPECT_GE(*gauge.quantile(0.26), 2000 * ms);
}

TEST(LatencyGaugeTest, WhatWasSeenCountsHalfAfterAMinute) {
  LatencyGauge gauge;
  LatencyHistogram so_far;
  for (int i = 0; i < 2000; ++i) so_far.observe(10 * ms);
  gauge.follow(so_far, 0);
  for (int i = 0; i < 1000; ++i) so_far.observe(500 * ms);
  gauge.follow(so_far, 60'000);
  EXPECT_LT(*gauge.quantile(0.499), 11 * ms);
  EXPECT_GE(*gauge.quantile(0.501), 500 * ms);
}

TEST(LatencyGaugeTest, ForgetsWhenNothingComesAnyMore) {
  LatencyGauge gauge;
  const LatencyHistogram so_far = thousand();
  gauge.follow(so_far, 0);
  gauge.follow(so_far, 600'000);
  EXPECT_FALSE(gauge.quantile(0.5));
}

}  // namespace
}  // namespace sluice::core
