#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/evidence.hpp"
#include "tests/core/binomial.hpp"
#include "tests/core/seen.hpp"

namespace sluice::core {
namespace {

using Random = std::mt19937_64;

constexpr std::array<double, 7> tried_weights{0.0001, 0.01, 0.05, 0.25, 0.5, 0.95, 0.9999};
constexpr double tolerance = 1.10;

/// The largest probability with which a bad event is one of NEW's while the claim holds.
double largest_share(double weight, const Claim& claim) {
  return weight * claim.tolerance / (1 - weight + weight * claim.tolerance);
}

struct Case {
  Stream stream;
  double weight;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (std::size_t index = 0; index < stream_count; ++index) {
    for (const double weight : tried_weights) cases.push_back({static_cast<Stream>(index), weight});
  }
  return cases;
}

class EvidenceMeanTest : public testing::TestWithParam<Case> {
 protected:
  Claim claim() const { return claim_of(GetParam().stream, tolerance); }

  /// The mean of E after `events` bad ones of which each is one of NEW's with this probability:
  /// with a restart in the middle, every way to split them between the halves counted exactly.
  double exact_mean(std::uint64_t events, double share, bool restarts) const {
    const auto& [stream, weight] = GetParam();
    const std::uint64_t half = events / 2;
    double mean = 0;
    for (std::uint64_t first = 0; first <= half; ++first) {
      for (std::uint64_t second = 0; second <= events - half; ++second) {
        Evidence evidence(EvidenceRules{.error_tolerance = tolerance});
        evidence.add(seen(weight, half - first, first, stream));
        if (restarts) evidence.restart();
        evidence.add(seen(weight, events - half - second, second, stream));
        mean += binomial(first, half, share) * binomial(second, events - half, share) *
                evidence.of(stream);
      }
    }
    return mean;
  }
};

// Bets that the claim is at its extreme are fair: their mean is one, not merely at most one.
TEST_P(EvidenceMeanTest, IsOneWhileTheClaimHoldsJustSo) {
  const double share = largest_share(GetParam().weight, claim());
  for (const std::uint64_t events : {1U, 2U, 7U, 24U}) {
    EXPECT_NEAR(exact_mean(events, share, false), 1, 1e-6) << events;
    EXPECT_NEAR(exact_mean(events, share, true), 1, 1e-6) << events << " with a restart";
  }
}

TEST_P(EvidenceMeanTest, IsLessWhileNewIsBetter) {
  const double share = 0.8 * largest_share(GetParam().weight, claim());
  for (const bool restarts : {false, true}) EXPECT_LT(exact_mean(24, share, restarts), 1);
}

INSTANTIATE_TEST_SUITE_P(StreamsAndWeights, EvidenceMeanTest, testing::ValuesIn(all_cases()));

/// A rollout in which NEW is just as bad as is tolerated: a weight for each event, a restart now
/// and then.
struct Walk {
  Random random;
  Stream stream;
  bool restarts;

  /// E after `events` bad events, and the largest on the way.
  std::pair<double, double> run(std::size_t events) {
    const Claim claim = claim_of(stream, tolerance);
    Evidence evidence(EvidenceRules{.error_tolerance = tolerance});
    double largest = 1;
    double weight = 0.01;
    for (std::size_t event = 0; event < events; ++event) {
      if (random() % 8 == 0) weight = tried_weights[random() % tried_weights.size()];
      if (restarts && random() % 6 == 0) evidence.restart();
      const bool of_new = std::uniform_real_distribution<>()(random) < largest_share(weight, claim);
      evidence.add(seen(weight, of_new ? 0 : 1, of_new ? 1 : 0, stream));
      largest = std::max(largest, evidence.of(stream));
    }
    return {evidence.of(stream), largest};
  }
};

class EvidenceWalkTest : public testing::TestWithParam<std::tuple<Stream, bool>> {};

TEST_P(EvidenceWalkTest, TheMeanIsAtMostOneAndLargeValuesAreRare) {
  constexpr std::size_t runs = 4000;
  Walk walk{Random(7), std::get<0>(GetParam()), std::get<1>(GetParam())};
  double sum = 0;
  double squares = 0;
  std::size_t above_20 = 0;
  for (std::size_t run = 0; run < runs; ++run) {
    const auto [last, largest] = walk.run(40);
    sum += last;
    squares += last * last;
    above_20 += largest >= 20 ? 1 : 0;
  }
  const double mean = sum / runs;
  const double error = std::sqrt((squares / runs - mean * mean) / runs);
  EXPECT_LE(mean, 1 + 4 * error);
  // Ville: at most one in twenty, looked at after every event. Four standard errors of that.
  EXPECT_LE(static_cast<double>(above_20), runs * 0.05 + 4 * std::sqrt(runs * 0.05 * 0.95));
}

INSTANTIATE_TEST_SUITE_P(Streams, EvidenceWalkTest,
                         testing::Combine(testing::Values(Stream::errors, Stream::p50, Stream::p90,
                                                          Stream::p99, Stream::client_errors),
                                          testing::Bool()));

/// Random bad events of random backends, one by one, in periods that never fall.
std::vector<Observation> random_events(Random& random, std::size_t count) {
  std::vector<Observation> events;
  std::uint32_t period = 0;
  for (std::size_t index = 0; index < count; ++index) {
    if (random() % 20 == 0) ++period;
    const auto stream = static_cast<Stream>(random() % stream_count);
    const bool of_new = random() % 3 == 0;
    Observation event =
        seen(tried_weights[random() % tried_weights.size()], of_new ? 0 : 1, of_new, stream);
    event.period = period;
    if (of_new) {
      event.by_backend.push_back({"n" + std::to_string(random() % 3), event.new_pool.bad});
    }
    events.push_back(event);
  }
  return events;
}

Ledger ledger_of(const std::vector<Observation>& events, std::uint32_t period) {
  Ledger ledger;
  while (ledger.period() < period) ledger.restart();
  for (const Observation& event : events) ledger.add(event);
  return ledger;
}

class EvidenceOfCountsTest : public testing::TestWithParam<bool> {
 protected:
  EvidenceRules rules() const { return {.error_tolerance = tolerance, .by_units = GetParam()}; }
};

void expect_same(const Evidence& left, const Evidence& right) {
  for (std::size_t index = 0; index < stream_count; ++index) {
    const auto stream = static_cast<Stream>(index);
    EXPECT_NEAR(left.of(stream) / right.of(stream), 1, 1e-9) << to_string(stream);
  }
  EXPECT_NEAR(left.total() / right.total(), 1, 1e-9);
}

TEST_P(EvidenceOfCountsTest, FromCountsIsTheSameAsEventByEvent) {
  Random random(11);
  for (int round = 0; round < 100; ++round) {
    const auto events = random_events(random, 200);
    Evidence event_by_event(rules());
    std::uint32_t period = 0;
    for (const Observation& event : events) {
      for (; period < event.period; ++period) event_by_event.restart();
      event_by_event.add(event);
    }
    expect_same(Evidence(rules(), ledger_of(events, period)), event_by_event);
  }
}

TEST_P(EvidenceOfCountsTest, TheOrderInWhichCountsArriveMakesNoDifference) {
  Random random(12);
  for (int round = 0; round < 100; ++round) {
    auto events = random_events(random, 200);
    const std::uint32_t last = events.back().period;
    const Ledger in_order = ledger_of(events, last);
    std::shuffle(events.begin(), events.end(), random);
    const Ledger shuffled = ledger_of(events, last);
    expect_same(Evidence(rules(), shuffled), Evidence(rules(), in_order));
    expect_same(Evidence(rules(), shuffled, {"n1"}), Evidence(rules(), in_order, {"n1"}));
    EXPECT_EQ(shuffled.total().old_pool, in_order.total().old_pool);
    EXPECT_EQ(shuffled.total().new_pool, in_order.total().new_pool);
  }
}

TEST_P(EvidenceOfCountsTest, LeavingOutABackendNeverAddsEvidence) {
  Random random(13);
  for (int round = 0; round < 200; ++round) {
    const auto events = random_events(random, 100);
    const Ledger ledger = ledger_of(events, events.back().period);
    const double full = Evidence(rules(), ledger).total();
    for (const char* backend : {"n0", "n1", "n2"}) {
      EXPECT_LE(Evidence(rules(), ledger, {backend}).total(), full * (1 + 1e-9));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, EvidenceOfCountsTest, testing::Bool());

}  // namespace
}  // namespace sluice::core
