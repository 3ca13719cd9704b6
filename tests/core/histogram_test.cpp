#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "sluice/snapshot.hpp"

namespace sluice {
namespace {

std::size_t bucket_of(std::uint64_t ns) {
  Histogram histogram;
  histogram.observe(ns);
  std::size_t bucket = 0;
  while (histogram.counts[bucket] == 0) ++bucket;
  return bucket;
}

TEST(HistogramTest, StartsEmpty) {
  EXPECT_EQ(Histogram{}.count(), 0U);
  EXPECT_EQ(Histogram{}.sum_ns, 0U);
}

TEST(HistogramTest, ABoundBelongsToTheBucketBelowIt) {
  EXPECT_EQ(bucket_of(0), 0U);
  for (std::size_t i = 0; i < bucket_bounds_ns.size(); ++i) {
    EXPECT_EQ(bucket_of(bucket_bounds_ns[i] - 1), i);
    EXPECT_EQ(bucket_of(bucket_bounds_ns[i]), i);
    EXPECT_EQ(bucket_of(bucket_bounds_ns[i] + 1), i + 1);
  }
  EXPECT_EQ(bucket_of(std::numeric_limits<std::uint64_t>::max()), bucket_bounds_ns.size());
}

TEST(HistogramTest, AddsUpDurations) {
  Histogram histogram;
  histogram.observe(1'000'000);
  histogram.observe(2'000'000);
  histogram.observe(90'000'000'000);
  EXPECT_EQ(histogram.count(), 3U);
  EXPECT_EQ(histogram.sum_ns, 90'003'000'000U);
}

TEST(HistogramTest, MergesBucketByBucket) {
  Histogram one;
  one.observe(400'000);
  one.observe(70'000'000'000);
  Histogram other;
  other.observe(400'000);
  other.observe(3'000'000);
  one.merge(other);
  EXPECT_EQ(one.counts[0], 2U);
  EXPECT_EQ(one.counts[3], 1U);
  EXPECT_EQ(one.counts.back(), 1U);
  EXPECT_EQ(one.count(), 4U);
  EXPECT_EQ(one.sum_ns, 70'003'800'000U);
}

}  // namespace
}  // namespace sluice
