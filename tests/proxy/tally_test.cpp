#include "proxy/tally.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <set>
#include <string>

namespace sluice::proxy {
namespace {

template <class Reason>
void expect_a_word_for_each() {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::count_); ++i) {
    const std::string_view word = to_string(static_cast<Reason>(i));
    EXPECT_FALSE(word.empty()) << i;
    EXPECT_TRUE(words.insert(word).second) << word;
  }
}

TEST(TallyReasonTest, EachHasAWordOfItsOwn) {
  expect_a_word_for_each<RetryReason>();
  expect_a_word_for_each<RejectReason>();
}

TEST(TallyTest, GivesTheSameEntryForTheSameNames) {
  Tally tally;
  RoutePoolTally& entry = tally.route_pool("shop", "v1");
  for (int i = 0; i < 1000; ++i) tally.route_pool("route" + std::to_string(i), "v1");
  EXPECT_EQ(&tally.route_pool("shop", "v1"), &entry) << "pointers stay good";
  EXPECT_NE(&tally.route_pool("shop", "v2"), &entry);
  EXPECT_EQ(&tally.route("shop"), &tally.route("shop"));
  EXPECT_EQ(&tally.listener("a"), &tally.listener("a"));
}

TEST(TallyTest, CountsCodesApart) {
  RoutePoolTally tally;
  tally.codes.add(200);
  tally.codes.add(503, 2);
  tally.codes.add(200);
  EXPECT_EQ(tally.codes.list(),
            (std::vector<std::pair<unsigned, std::uint64_t>>{{200, 2}, {503, 2}}));
}

Tally some_counts(std::uint64_t times) {
  Tally tally;
  RoutePoolTally& shop = tally.route_pool("shop", "v1");
  shop.codes.add(200, times);
  shop.duration.observe(1'000'000 * times);
  shop.response_head.observe(500'000 * times);
  shop.in_flight = times;
  for (std::uint64_t i = 0; i < times; ++i) count(shop.retries, RetryReason::stale);
  RouteTally& route = tally.route("shop");
  for (std::uint64_t i = 0; i < times; ++i) {
    count(route.rejected, RejectReason::none_can_serve);
    route.count_spill("v2", "v1");
  }
  ListenerTally& listener = tally.listener("0.0.0.0:80");
  listener.active = times;
  listener.idle = 2 * times;
  listener.upgraded = 3 * times;
  listener.accepted = 4 * times;
  return tally;
}

TEST(TallyTest, WritesAllItCounts) {
  Snapshot snapshot;
  some_counts(2).write_to(snapshot);
  ASSERT_EQ(snapshot.routes.size(), 1U);
  EXPECT_EQ(snapshot.routes[0].route, "shop");
  EXPECT_EQ(snapshot.routes[0].pool, "v1");
  EXPECT_EQ(snapshot.routes[0].codes[0].second, 2U);
  EXPECT_EQ(snapshot.routes[0].duration.sum_ns, 2'000'000U);
  EXPECT_EQ(snapshot.routes[0].response_head.count(), 1U);
  EXPECT_EQ(snapshot.routes[0].in_flight, 2U);
  EXPECT_EQ(snapshot.routes[0].retries, (std::vector<LabelledCount>{{"stale", 2}}));
  ASSERT_EQ(snapshot.rejected.size(), 1U) << "reasons that never came are left out";
  EXPECT_EQ(snapshot.rejected[0].reason, "none_can_serve");
  EXPECT_EQ(snapshot.rejected[0].count, 2U);
  ASSERT_EQ(snapshot.spills.size(), 1U);
  EXPECT_EQ(snapshot.spills[0].from, "v2");
  EXPECT_EQ(snapshot.spills[0].to, "v1");
  EXPECT_EQ(snapshot.spills[0].count, 2U);
  ASSERT_EQ(snapshot.listeners.size(), 1U);
  EXPECT_EQ(snapshot.listeners[0].accepted, 8U);
  EXPECT_EQ(snapshot.listeners[0].upgraded, 6U);
}

TEST(TallyTest, MergingAddsEntryByEntry) {
  Tally sum;
  sum.merge(some_counts(1));
  sum.merge(some_counts(3));
  sum.route_pool("other", "").codes.add(404);
  Snapshot snapshot;
  sum.write_to(snapshot);
  ASSERT_EQ(snapshot.routes.size(), 2U);
  const RoutePoolCounts& shop = snapshot.routes[1];
  EXPECT_EQ(shop.route, "shop");
  EXPECT_EQ(shop.codes[0].second, 4U);
  EXPECT_EQ(shop.duration.count(), 2U);
  EXPECT_EQ(shop.duration.sum_ns, 4'000'000U);
  EXPECT_EQ(shop.in_flight, 4U);
  EXPECT_EQ(shop.retries[0].second, 4U);
  EXPECT_EQ(snapshot.rejected[0].count, 4U);
  EXPECT_EQ(snapshot.spills[0].count, 4U);
  EXPECT_EQ(snapshot.listeners[0].idle, 8U);
}

TEST(TallyTest, CodesAreListedInTheOrderInWhichTheyCame) {
  CodeCounts counts;
  EXPECT_TRUE(counts.list().empty());
  counts.add(0);
  counts.add(502, 3);
  counts.add(200);
  counts.add(0, 4);
  counts.add(502);
  using List = std::vector<std::pair<unsigned, std::uint64_t>>;
  EXPECT_EQ(counts.list(), (List{{0, 5}, {502, 4}, {200, 1}})) << "0: nothing was sent";
}

TEST(TallyTest, MergingLeavesTheOtherAsItWas) {
  const Tally one = some_counts(1);
  Tally sum = some_counts(5);
  sum.merge(one);
  Snapshot snapshot;
  one.write_to(snapshot);
  EXPECT_EQ(snapshot.routes[0].codes[0].second, 1U);
}

TEST(TallyTest, AnEmptyOneWritesNothing) {
  Snapshot snapshot;
  Tally().write_to(snapshot);
  EXPECT_TRUE(snapshot.routes.empty());
  EXPECT_TRUE(snapshot.rejected.empty());
  EXPECT_TRUE(snapshot.listeners.empty());
}

}  // namespace
}  // namespace sluice::proxy
