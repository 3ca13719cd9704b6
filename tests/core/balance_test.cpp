#include "core/balance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace sluice::core {
namespace {

using Random = std::mt19937_64;

/// Backends named by their index, with the weights given.
class Farm {
 public:
  explicit Farm(const std::vector<Weight>& weights) {
    for (const Weight weight : weights) {
      Backend& backend = backends_.emplace_back();
      backend.address = std::to_string(members_.size());
      members_.push_back({.backend = &backend, .weight = weight});
    }
  }

  Backend& operator[](std::size_t index) { return backends_[index]; }
  Balancer balancer(Balance balance) const { return Balancer(balance, members_); }
  std::size_t size() const { return members_.size(); }
  Weight weight(std::size_t index) const { return members_[index].weight; }
  std::uint64_t total() const {
    std::uint64_t total = 0;
    for (const auto& member : members_) total += member.weight;
    return total;
  }

 private:
  std::deque<Backend> backends_;
  std::vector<Balancer::Member> members_;
};

/// The addresses of the next `count` choices, each finished at once.
std::string choices(Balancer& balancer, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += balancer.choose(0, {}).backend().address;
  return out;
}

constexpr Balance both[] = {Balance::least_request, Balance::round_robin};

class BalancerTest : public testing::TestWithParam<Balance> {};
INSTANTIATE_TEST_SUITE_P(Kinds, BalancerTest, testing::ValuesIn(both));

TEST_P(BalancerTest, CountsTheRequestInTheStepThatChooses) {
  Farm farm({100});
  Balancer balancer = farm.balancer(GetParam());
  const Ticket ticket = balancer.choose(1, {});
  ASSERT_TRUE(ticket);
  EXPECT_EQ(&ticket.backend(), &farm[0]);
  EXPECT_EQ(farm[0].in_flight, 1U);
}

TEST_P(BalancerTest, GivesNothingWithoutAnAdmittedBackend) {
  Farm farm({100, 100});
  farm[0].up = false;
  farm[1].draining = true;
  Balancer balancer = farm.balancer(GetParam());
  EXPECT_FALSE(balancer.can_serve());
  EXPECT_FALSE(balancer.choose(1, {}));
  Balancer empty(GetParam(), {});
  EXPECT_FALSE(empty.can_serve());
  EXPECT_FALSE(empty.choose(1, {}));
}

TEST_P(BalancerTest, ChoosesOnlyAmongTheAdmitted) {
  Random random(1);
  Farm farm({100, 500, 100, 100});
  Balancer balancer = farm.balancer(GetParam());
  farm[1].draining = true;
  farm[2].up = false;
  balancer.refresh();
  for (int i = 0; i < 1'000; ++i) {
    const Ticket ticket = balancer.choose(random(), {});
    ASSERT_TRUE(&ticket.backend() == &farm[0] || &ticket.backend() == &farm[3]);
  }
  EXPECT_GT(farm[0].requests, 0U);
  EXPECT_GT(farm[3].requests, 0U);
}

TEST_P(BalancerTest, PassesOverTheTriedOnes) {
  Random random(2);
  Farm farm({100, 9'000, 100, 300});
  Balancer balancer = farm.balancer(GetParam());
  const std::vector<Backend*> tried = {&farm[1], &farm[0]};
  for (int i = 0; i < 1'000; ++i) {
    const Ticket ticket = balancer.choose(random(), tried);
    ASSERT_TRUE(&ticket.backend() == &farm[2] || &ticket.backend() == &farm[3]);
  }
  EXPECT_GT(farm[2].requests, 0U);
  EXPECT_GT(farm[3].requests, 0U);
}

TEST_P(BalancerTest, GivesNothingWhenAllAdmittedWereTried) {
  Farm farm({100, 200, 300});
  farm[2].up = false;
  Balancer balancer = farm.balancer(GetParam());
  const std::vector<Backend*> tried = {&farm[0], &farm[1]};
  EXPECT_FALSE(balancer.choose(1, tried));
  EXPECT_TRUE(balancer.choose(1, {}));
}

TEST_P(BalancerTest, ServesTenThousandBackends) {
  Random random(3);
  Farm farm(std::vector<Weight>(10'000, 100));
  Balancer balancer = farm.balancer(GetParam());
  std::vector<Ticket> tickets;
  for (int i = 0; i < 20'000; ++i) tickets.push_back(balancer.choose(random(), {}));
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < farm.size(); ++i) most = std::max(most, farm[i].in_flight);
  EXPECT_LE(most, GetParam() == Balance::round_robin ? 2U : 6U);
}

TEST(LeastRequestTest, AnIdlePoolIsUsedByWeight) {
  Random random(4);
  Farm farm({100, 200, 700});
  Balancer balancer = farm.balancer(Balance::least_request);
  constexpr int rounds = 100'000;
  for (int i = 0; i < rounds; ++i) ASSERT_TRUE(balancer.choose(random(), {}));
  for (std::size_t i = 0; i < farm.size(); ++i) {
    const double share = farm.weight(i) / 1'000.0;
    EXPECT_NEAR(static_cast<double>(farm[i].requests), rounds * share,
                5 * std::sqrt(rounds * share * (1 - share)));
  }
}

TEST(LeastRequestTest, ARetryIsDrawnByWeightAmongTheRest) {
  Random random(5);
  Farm farm({9'800, 100, 300});
  Balancer balancer = farm.balancer(Balance::least_request);
  const std::vector<Backend*> tried = {&farm[0]};
  constexpr int rounds = 100'000;
  for (int i = 0; i < rounds; ++i) ASSERT_TRUE(balancer.choose(random(), tried));
  EXPECT_NEAR(static_cast<double>(farm[2].requests), rounds * 0.75,
              5 * std::sqrt(rounds * 0.75 * 0.25));
}

TEST(LeastRequestTest, OfTwoBackendsTheLessBusyOneServes) {
  Random random(6);
  Farm farm({100, 100});
  Balancer balancer = farm.balancer(Balance::least_request);
  farm[0].in_flight = 5;
  for (int i = 0; i < 100; ++i) {
    const Ticket ticket = balancer.choose(random(), {});
    ASSERT_EQ(&ticket.backend(), &farm[1]);
  }
}

TEST(LeastRequestTest, LoadIsMeasuredPerWeight) {
  Farm farm({100, 300});
  Balancer balancer = farm.balancer(Balance::least_request);
  farm[0].in_flight = 2;
  farm[1].in_flight = 5;
  EXPECT_EQ(&balancer.choose(7, {}).backend(), &farm[1]);
  farm[1].in_flight = 7;
  EXPECT_EQ(&balancer.choose(7, {}).backend(), &farm[0]);
}

TEST(LeastRequestTest, KeepsTheLoadEven) {
  Random random(7);
  Farm farm({100, 100, 200, 400, 100, 100});
  Balancer balancer = farm.balancer(Balance::least_request);
  std::vector<Ticket> open;
  for (int i = 0; i < 20'000; ++i) {
    if (open.size() < 1'000) {
      open.push_back(balancer.choose(random(), {}));
    } else {
      open[random() % open.size()] = balancer.choose(random(), {});
    }
  }
  // A purely random choice would stray by about 10 per weight of 1.
  for (std::size_t i = 0; i < farm.size(); ++i) {
    EXPECT_NEAR(farm[i].in_flight / (farm.weight(i) / 100.0), 100.0, 8.0) << i;
  }
}

// Pitfall P13.
TEST(LeastRequestTest, FailuresDoNotAttractRequests) {
  Random random(8);
  Farm farm({100, 100});
  Balancer balancer = farm.balancer(Balance::least_request);
  constexpr int rounds = 20'000;
  for (int i = 0; i < rounds; ++i) {
    Ticket ticket = balancer.choose(random(), {});
    if (&ticket.backend() == &farm[0]) ticket.fail(FailureReason::connect_refused);
  }
  EXPECT_NEAR(static_cast<double>(farm[0].requests), rounds / 2.0, 5 * std::sqrt(rounds / 4.0));
}

TEST(RoundRobinTest, EqualBackendsAlternate) {
  Farm farm({300, 300, 300});
  Balancer balancer = farm.balancer(Balance::round_robin);
  EXPECT_EQ(choices(balancer, 7), "0120120");
}

TEST(RoundRobinTest, HeavyBackendsDoNotGetTheirTurnsInABunch) {
  Farm farm({500, 100, 100});
  Balancer balancer = farm.balancer(Balance::round_robin);
  EXPECT_EQ(choices(balancer, 14), "00010020001002");
}

TEST(RoundRobinTest, OneThatIsPassedOverKeepsItsTurn) {
  Farm farm({100, 100, 100});
  Balancer balancer = farm.balancer(Balance::round_robin);
  const std::vector<Backend*> tried = {&farm[0]};
  EXPECT_EQ(balancer.choose(0, tried).backend().address, "1");
  EXPECT_EQ(choices(balancer, 2), "02");
}

TEST(RoundRobinTest, OneThatIsAdmittedAnewGetsNoBurst) {
  Farm farm({100, 100, 100, 100});
  farm[3].up = false;
  Balancer balancer = farm.balancer(Balance::round_robin);
  EXPECT_EQ(choices(balancer, 1'000), [] {
    std::string expected;
    for (int i = 0; i < 1'000; ++i) expected += static_cast<char>('0' + i % 3);
    return expected;
  }());
  farm[3].up = true;
  balancer.refresh();
  EXPECT_EQ(choices(balancer, 8), "12301230");
}

TEST(RoundRobinTest, ALightOneThatIsAdmittedAnewGetsNoBurst) {
  Farm farm({1'000, 800, 100});
  farm[2].up = false;
  Balancer balancer = farm.balancer(Balance::round_robin);
  choices(balancer, 500);
  farm[2].up = true;
  balancer.refresh();
  choices(balancer, 19);
  EXPECT_EQ(farm[2].requests, 1U);
}

TEST(RoundRobinTest, ARefreshThatChangesNothingDoesNotDisturbTheTurns) {
  Farm farm({500, 100, 100});
  Balancer balancer = farm.balancer(Balance::round_robin);
  std::string seen;
  for (int i = 0; i < 14; ++i) {
    balancer.refresh();
    seen += choices(balancer, 1);
  }
  EXPECT_EQ(seen, "00010020001002");
}

class RoundRobinShareTest : public testing::TestWithParam<std::vector<Weight>> {};
INSTANTIATE_TEST_SUITE_P(Weights, RoundRobinShareTest,
                         testing::Values(std::vector<Weight>{1, 1}, std::vector<Weight>{1, 2, 3},
                                         std::vector<Weight>{997, 1, 1, 1},
                                         std::vector<Weight>{100, 100, 100, 250, 333},
                                         std::vector<Weight>{1'000, 1, 999, 500, 500, 7, 7, 7, 7},
                                         std::vector<Weight>{64, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));

TEST_P(RoundRobinShareTest, NoBackendIsEverATurnAwayFromItsShare) {
  Farm farm(GetParam());
  Balancer balancer = farm.balancer(Balance::round_robin);
  const auto total = static_cast<double>(farm.total());
  for (std::uint64_t turn = 1; turn <= 2 * farm.total(); ++turn) {
    ASSERT_TRUE(balancer.choose(0, {}));
    for (std::size_t i = 0; i < farm.size(); ++i) {
      const double share = static_cast<double>(turn) * farm.weight(i) / total;
      ASSERT_LT(std::abs(static_cast<double>(farm[i].requests) - share), 1.0)
          << "turn " << turn << ", backend " << i;
    }
  }
  for (std::size_t i = 0; i < farm.size(); ++i) {
    EXPECT_EQ(farm[i].requests, 2 * std::uint64_t{farm.weight(i)});
  }
}

TEST(RoundRobinTest, SharesFollowTheWeightsAlsoWithRetries) {
  Random random(9);
  Farm farm({100, 300, 600, 250});
  Balancer balancer = farm.balancer(Balance::round_robin);
  for (int i = 0; i < 12'500; ++i) {
    const std::vector<Backend*> tried = {&farm[random() % farm.size()]};
    const bool is_retry = random() % 20 == 0;
    ASSERT_TRUE(balancer.choose(0, is_retry ? tried : std::vector<Backend*>{}));
  }
  for (std::size_t i = 0; i < farm.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(farm[i].requests), farm.weight(i) * 10.0, 3.0) << i;
  }
}

TEST(RoundRobinTest, TheLargestWeightsDoNotOverflow) {
  Farm farm({weight_max, weight_max, weight_max / 2, 1});
  Balancer balancer = farm.balancer(Balance::round_robin);
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(balancer.choose(0, {}));
  EXPECT_EQ(farm[0].requests, 40'000U);
  EXPECT_EQ(farm[1].requests, 40'000U);
  EXPECT_NEAR(static_cast<double>(farm[2].requests), 20'000, 1);
}

}  // namespace
}  // namespace sluice::core
