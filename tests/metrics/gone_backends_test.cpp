#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/metrics/exposition.hpp"

namespace sluice::metrics::test {
namespace {

using namespace std::chrono_literals;

/// An exporter that is scraped at chosen moments, and one backend.
struct GoneBackend : ::testing::Test {
  GoneBackend() {
    snapshot.backends.resize(1);
    one().pool = "p";
    one().backend = "b";
    one().requests = 10;
  }

  BackendCounts& one() { return snapshot.backends[0]; }
  bool shown_at(std::chrono::steady_clock::duration at) {
    last = exporter.render(snapshot, std::chrono::steady_clock::time_point(at));
    return Exposition(last).has("sluice_backend_requests_total", {{"pool", "p"}, {"backend", "b"}});
  }

  Exporter exporter;
  Snapshot snapshot;
  std::string last;
};

TEST_F(GoneBackend, IsShownOnceWithItsFinalCounts) {
  EXPECT_TRUE(shown_at(0s));
  one().gone = true;
  one().requests = 12;
  EXPECT_TRUE(shown_at(15s));
  EXPECT_NE(last.find("sluice_backend_requests_total{pool=\"p\",backend=\"b\"} 12\n"), last.npos);
  EXPECT_FALSE(shown_at(30s));
  EXPECT_FALSE(shown_at(45s));
}

TEST_F(GoneBackend, IsNotUpWhateverItsLastCheckSaid) {
  one().up = true;
  one().gone = true;
  ASSERT_TRUE(shown_at(0s));
  EXPECT_EQ(Exposition(last).value("sluice_backend_up", {{"pool", "p"}, {"backend", "b"}}), 0);
}

TEST_F(GoneBackend, StaysWhileARequestATunnelOrAConnectionIsLeft) {
  one().gone = true;
  for (auto BackendCounts::*count :
       {&BackendCounts::in_flight, &BackendCounts::upgraded, &BackendCounts::open}) {
    one().*count = 1;
    EXPECT_TRUE(shown_at(0s));
    EXPECT_TRUE(shown_at(15s));
    one().*count = 0;
  }
  EXPECT_TRUE(shown_at(30s)) << "the final counts have not been shown yet";
  EXPECT_FALSE(shown_at(45s));
}

TEST_F(GoneBackend, LeavesFiveMinutesAfterItWasFirstSeenGoneThoughNotQuiet) {
  EXPECT_TRUE(shown_at(0min));
  one().gone = true;
  one().upgraded = 1;
  EXPECT_TRUE(shown_at(1min));
  EXPECT_TRUE(shown_at(6min - 1ms));
  EXPECT_FALSE(shown_at(6min));
  one().upgraded = 0;
  EXPECT_FALSE(shown_at(7min)) << "once out it stays out";
}

TEST_F(GoneBackend, IsShownAgainWhenItComesBack) {
  one().gone = true;
  EXPECT_TRUE(shown_at(0s));
  EXPECT_FALSE(shown_at(15s));
  one().gone = false;
  EXPECT_TRUE(shown_at(30s));
  EXPECT_TRUE(shown_at(45s));
  one().gone = true;
  EXPECT_TRUE(shown_at(60s)) << "its new final counts are to be shown too";
  EXPECT_FALSE(shown_at(75s));
}

TEST_F(GoneBackend, IsForgottenWhenItLeftTheSnapshot) {
  one().gone = true;
  EXPECT_TRUE(shown_at(0s));
  const auto left = one();
  snapshot.backends.clear();
  EXPECT_FALSE(shown_at(15s));
  snapshot.backends.push_back(left);
  EXPECT_TRUE(shown_at(30s));
}

TEST_F(GoneBackend, DoesNotTakeOthersOfTheSameAddressOrPoolAlong) {
  one().gone = true;
  auto other = one();
  other.gone = false;
  other.pool = "q";
  snapshot.backends.push_back(other);
  EXPECT_TRUE(shown_at(0s));
  EXPECT_FALSE(shown_at(15s));
  EXPECT_TRUE(
      Exposition(last).has("sluice_backend_requests_total", {{"pool", "q"}, {"backend", "b"}}));
}

TEST_F(GoneBackend, DoesNotLeaveWhenTheSameBackendIsConfiguredToo) {
  auto old_one = one();
  old_one.gone = true;
  snapshot.backends.push_back(old_one);
  EXPECT_TRUE(shown_at(0s));
  EXPECT_TRUE(shown_at(15s));
  EXPECT_NE(last.find("sluice_backend_requests_total{pool=\"p\",backend=\"b\"} 20\n"), last.npos);
}

}  // namespace
}  // namespace sluice::metrics::test
