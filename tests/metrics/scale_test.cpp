#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <string>

#include "tests/metrics/exposition.hpp"

namespace sluice::metrics::test {
namespace {

Snapshot snapshot_of(int backends) {
  Snapshot snapshot;
  const auto pattern = full_snapshot().backends[0];
  for (int i = 0; i < backends; ++i) {
    auto& one = snapshot.backends.emplace_back(pattern);
    one.pool = "pool-" + std::to_string(i % 100);
    one.backend = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":8080";
    one.gone = i % 10 == 0;
  }
  return snapshot;
}

/// The least CPU time of three renders, in seconds.
double cost_of(const Snapshot& snapshot) {
  Exporter exporter;
  double least = 1e9;
  for (int round = 0; round < 3; ++round) {
    const auto begin = std::clock();
    exporter.render(snapshot, {});
    least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return least;
}

TEST(Scale, ShowsEachOfTenThousandBackends) {
  const auto shown = exposed(snapshot_of(10'000));
  const auto count = std::count_if(shown.all().begin(), shown.all().end(), [](const auto& entry) {
    return entry.first.name == "sluice_backend_up";
  });
  EXPECT_EQ(count, 10'000);
}

TEST(Scale, CostsInProportionToTheBackends) {
  const double small = cost_of(snapshot_of(1'000));
  const double large = cost_of(snapshot_of(10'000));
  RecordProperty("seconds_for_10000", std::to_string(large));
  // Ten times the work and some for the sort; quadratic work would be a hundred times.
  EXPECT_LT(large, std::max(small, 0.002) * 40);
}

}  // namespace
}  // namespace sluice::metrics::test
