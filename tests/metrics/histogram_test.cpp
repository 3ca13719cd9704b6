#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>

#include "tests/metrics/exposition.hpp"

namespace sluice::metrics::test {
namespace {

Snapshot snapshot_with(const Histogram& duration) {
  Snapshot snapshot;
  snapshot.routes.push_back({.route = "r",
                             .pool = "p",
                             .codes = {},
                             .duration = duration,
                             .response_head = {},
                             .in_flight = 0,
                             .retries = {}});
  return snapshot;
}

/// Upper bound in seconds -> cumulative count.
std::map<double, double> buckets_of(const Exposition& shown, const std::string& family) {
  std::map<double, double> buckets;
  for (const auto& [series, value] : shown.all()) {
    if (series.name == family + "_bucket") buckets[std::stod(series.labels.at("le"))] = value;
  }
  return buckets;
}

TEST(ExposedHistogram, CountsEachBoundInTheBucketsFromThereOn) {
  Histogram duration;
  for (const auto bound : bucket_bounds_ns) duration.observe(bound);
  duration.observe(61'000'000'000);
  const auto buckets =
      buckets_of(exposed(snapshot_with(duration)), "sluice_request_duration_seconds");
  const std::map<double, double> expected = {{0.0005, 1},
                                             {0.001, 2},
                                             {0.0025, 3},
                                             {0.005, 4},
                                             {0.01, 5},
                                             {0.025, 6},
                                             {0.05, 7},
                                             {0.1, 8},
                                             {0.25, 9},
                                             {0.5, 10},
                                             {1, 11},
                                             {2.5, 12},
                                             {5, 13},
                                             {10, 14},
                                             {30, 15},
                                             {60, 16},
                                             {std::numeric_limits<double>::infinity(), 17}};
  EXPECT_EQ(buckets, expected);
}

TEST(ExposedHistogram, HasSumInSecondsAndACountEqualToTheLastBucket) {
  Histogram duration;
  duration.observe(1'500'000);
  duration.observe(2'000'000'000);
  duration.observe(90'000'000'000);
  const auto shown = exposed(snapshot_with(duration));
  const std::map<std::string, std::string> labels = {{"route", "r"}, {"pool", "p"}};
  EXPECT_DOUBLE_EQ(shown.value("sluice_request_duration_seconds_sum", labels), 92.0015);
  EXPECT_EQ(shown.value("sluice_request_duration_seconds_count", labels), 3);
  auto with_bound = labels;
  with_bound["le"] = "+Inf";
  EXPECT_EQ(shown.value("sluice_request_duration_seconds_bucket", with_bound), 3);
}

TEST(ExposedHistogram, WritesBoundsWithoutRoundingNoise) {
  const auto text = Exporter().render(snapshot_with({}), {});
  for (const char* bound : {"0.0005", "0.001", "0.0025", "0.1", "0.25", "60", "+Inf"}) {
    EXPECT_NE(text.find("le=\"" + std::string(bound) + "\"} 0\n"), text.npos) << bound;
  }
}

TEST(ExposedHistogram, KeepsDurationAndResponseHeadApart) {
  auto snapshot = full_snapshot();
  const auto shown = exposed(snapshot);
  const std::map<std::string, std::string> labels = {{"route", "shop"}, {"pool", "v2"}};
  EXPECT_EQ(shown.value("sluice_request_duration_seconds_count", labels), 3);
  EXPECT_DOUBLE_EQ(shown.value("sluice_request_duration_seconds_sum", labels), 0.0055);
  EXPECT_EQ(shown.value("sluice_response_head_seconds_count", labels), 4);
  EXPECT_DOUBLE_EQ(shown.value("sluice_response_head_seconds_sum", labels), 400);
}

TEST(ExposedHistogram, HasNoResponseHeadForRequestsThatReachedNoPool) {
  const auto shown = exposed(full_snapshot());
  const std::map<std::string, std::string> labels = {{"route", "shop"}, {"pool", ""}};
  EXPECT_TRUE(shown.has("sluice_request_duration_seconds_count", labels));
  EXPECT_FALSE(shown.has("sluice_response_head_seconds_count", labels));
}

}  // namespace
}  // namespace sluice::metrics::test
