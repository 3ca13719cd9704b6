#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/proxy/running_proxy.hpp"
#include "tests/proxy/this_process.hpp"
#include "tests/support/temp_dir.hpp"

/// Several proxies on one state folder.
namespace sluice::proxy {
namespace {

using support::eventually;

/// Two proxies in front of the same backends; the first one decides.
struct TwoProxies {
  explicit TwoProxies(const StickySettings& sticky = {}) {
    first.settings.server.state_dir = folder.file("state");
    first.settings.routes[0].sticky = sticky;
    first.start();
    second.settings = first.settings;
    second.start();
  }

  std::string kept() const { return support::read_file(folder.file("state/state.json")); }

  support::TempDir folder;
  RunningProxy first;
  RunningProxy second;
};

Status status_of(const RunningProxy& running) {
  return *running.proxy->status().get();
}

RouteStatus route_in(const RunningProxy& running) {
  return status_of(running).routes.at(0);
}

TEST(ProxyDecider, OneOfThemDecidesAndBothSayWho) {
  const TwoProxies pair;
  EXPECT_TRUE(status_of(pair.first).decider.is_self);
  EXPECT_EQ(status_of(pair.first).decider.held_by, "");
  EXPECT_FALSE(status_of(pair.second).decider.is_self);
  EXPECT_EQ(status_of(pair.second).decider.held_by, this_process());
  EXPECT_TRUE(pair.first.proxy->snapshot().get()->is_decider);
  EXPECT_FALSE(pair.second.proxy->snapshot().get()->is_decider);
  EXPECT_EQ(pair.second.recorder->count("log 2 follows " + this_process()), 1U);
  EXPECT_EQ(pair.first.recorder->count("follows"), 0U);
}

TEST(ProxyDecider, ASplitIsInForceInBoth) {
  const TwoProxies pair;
  EXPECT_EQ(pair.second.who_answers(), "v1");
  Answer<RouteStatus> answer;
  pair.first.proxy->set_split("all", {{"v2", 100}}, answer.done(), "alice");
  ASSERT_TRUE(answer.get());
  ASSERT_TRUE(eventually([&] { return pair.second.who_answers() == "v2"; }));
  EXPECT_EQ(route_in(pair.second).revision, 2U);
  EXPECT_EQ(route_in(pair.second).since.by, "alice");
  EXPECT_TRUE(pair.second.recorder->hears(
      "split all v1=1 v2=0 -> v1=0 v2=1 revision 2 why another process"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(pair.second.who_answers(), "v2");
}

TEST(ProxyDecider, ADrainHoldsInBothAndSoDoesItsEnd) {
  const TwoProxies pair;
  ASSERT_TRUE(pair.first.proxy->drain("v1").get());
  ASSERT_TRUE(eventually([&] { return pair.second.backend("v1").drain != DrainState::none; }));
  EXPECT_EQ(pair.second.who_answers(), "503") << "v2 has weight 0";
  EXPECT_TRUE(pair.second.recorder->hears("drain v1 by library"));
  EXPECT_TRUE(pair.second.recorder->hears("drained v1 cut 0"));
  ASSERT_TRUE(pair.first.proxy->undrain("v1").get());
  ASSERT_TRUE(eventually([&] { return pair.second.who_answers() == "v1"; }));
  EXPECT_TRUE(pair.second.recorder->hears("undrain v1 by another process"));
}

TEST(ProxyDecider, TheBackendsOfAPoolAreTheSameInBoth) {
  const TwoProxies pair;
  ASSERT_TRUE(pair.first.proxy->set_backends("v1", {{pair.first.v2.address(), weight_one}}).get());
  ASSERT_TRUE(eventually([&] { return pair.second.who_answers() == "v2"; }));
  EXPECT_EQ(pair.second.backend("v1").address, pair.first.v2.address());
  EXPECT_TRUE(pair.second.recorder->hears("membership v1 1 -> 1 why another process"));
}

TEST(ProxyDecider, NothingCanBeChangedWhereAnotherOneDecides) {
  const TwoProxies pair;
  const auto is_refused = [](const auto& outcome) {
    return !outcome && outcome.error().status == 409 &&
           outcome.error().detail == this_process() + " decides; ask it";
  };
  Proxy& second = *pair.second.proxy;
  EXPECT_TRUE(is_refused(second.set_split("all", {{"v2", 100}}).get()));
  EXPECT_TRUE(is_refused(second.drain("v1").get()));
  EXPECT_TRUE(is_refused(second.undrain("v1").get()));
  EXPECT_TRUE(is_refused(second.set_backends("v1", {{"127.0.0.1:1", weight_one}}).get()));
  EXPECT_TRUE(is_refused(second.start_rollout("all", {"v2"}).get()));
  EXPECT_TRUE(is_refused(second.steer_rollout("all", RolloutVerb::abort).get()));
  EXPECT_EQ(second.set_split("none", {{"v2", 100}}).get().error().status, 404U);
  EXPECT_EQ(status_of(pair.second).generation, 1U) << "nothing has changed";
  EXPECT_EQ(pair.kept(), "");
}

TEST(ProxyDecider, NothingHappensInTheOtherOneWhenNothingDiffers) {
  const TwoProxies pair;
  ASSERT_TRUE(pair.first.proxy->set_split("all", {{"v2", 100}}).get());
  ASSERT_TRUE(eventually([&] { return route_in(pair.second).revision == 2; }));
  const std::uint64_t generation = status_of(pair.second).generation;
  ASSERT_TRUE(pair.first.proxy->set_split("all", {{"v2", 100}}).get());
  ASSERT_TRUE(eventually([&] { return route_in(pair.second).revision == 3; }))
      << "it has read what was written";
  EXPECT_EQ(status_of(pair.second).generation, generation);
  EXPECT_EQ(pair.second.recorder->count("split all"), 1U);
}

TEST(ProxyDecider, TheNextOneTakesOverAndAThirdOneFollowsIt) {
  TwoProxies pair;
  ASSERT_TRUE(pair.first.proxy->set_split("all", {{"v2", 100}}).get());
  pair.first.proxy.reset();
  ASSERT_TRUE(pair.second.recorder->hears("decides from now on"));
  EXPECT_TRUE(status_of(pair.second).decider.is_self);
  EXPECT_EQ(pair.second.who_answers(), "v2") << "what was changed before still holds";
  EXPECT_EQ(route_in(pair.second).revision, 2U);

  RunningProxy third;
  third.settings = pair.second.settings;
  third.start();
  EXPECT_EQ(status_of(third).decider.held_by, this_process());
  EXPECT_EQ(third.who_answers(), "v2") << "from its first request on";
  const auto changed = pair.second.proxy->set_split("all", {{"v1", 100}}).get();
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->revision, 3U);
  EXPECT_TRUE(eventually([&] { return third.who_answers() == "v1"; }));
}

TEST(ProxyDecider, AReloadOfTheOneThatFollowsWritesNothing) {
  const TwoProxies pair;
  ASSERT_TRUE(pair.first.proxy->set_split("all", {{"v2", 100}}).get());
  ASSERT_TRUE(eventually([&] { return pair.second.who_answers() == "v2"; }));
  const std::string before = pair.kept();
  Settings other = pair.second.settings;
  other.routes[0].split = {{"v1", 60}, {"v2", 40}};
  const auto dropped = pair.second.proxy->reload(other).get();
  ASSERT_TRUE(dropped);
  EXPECT_EQ(dropped->notices.size(), 1U) << "the settings say something else than they did";
  EXPECT_EQ(route_in(pair.second).shares.at(0).in_force, 60U);
  EXPECT_EQ(pair.kept(), before);
  ASSERT_TRUE(pair.second.proxy->reload(pair.second.settings).get());
  EXPECT_EQ(pair.second.who_answers(), "v2") << "what the deciding one keeps holds here again";
  EXPECT_EQ(pair.kept(), before);
}

/// Who answers each of these users.
std::vector<std::string> seats(const RunningProxy& running) {
  std::vector<std::string> versions;
  RawClient client(running.address());
  for (int user = 0; user < 64; ++user) {
    versions.push_back(
        client.get("/", "X-User: user-" + std::to_string(user) + "\r\n").fields.get("X-Version"));
  }
  return versions;
}

TEST(ProxyDecider, ARolloutSeatsUsersAlikeInBothAndGoesOnInTheNextOne) {
  TwoProxies pair({StickyKind::header, "X-User"});
  RolloutOrder order;
  order.to = "v2";
  order.id = "build-1";
  order.policy = RolloutSettings{};
  order.policy->steps = {5000, 9500};
  ASSERT_TRUE(pair.first.proxy->start_rollout("all", order).get());
  const auto is_at_step = [](const RunningProxy& running) {
    const auto rollout = running.proxy->rollout("all").get();
    return rollout && rollout->step == 1 && route_in(running).shares.at(1).in_force == 5000;
  };
  ASSERT_TRUE(eventually([&] { return is_at_step(pair.first) && is_at_step(pair.second); }));
  std::vector<std::string> before = seats(pair.first);
  EXPECT_NE(std::count(before.begin(), before.end(), "v2"), 0);
  EXPECT_NE(std::count(before.begin(), before.end(), "v1"), 0);
  EXPECT_TRUE(eventually([&] { return seats(pair.second) == before; }));
  EXPECT_EQ(pair.second.recorder->count("rollout build-1"), 0U) << "who follows decides nothing";

  pair.first.proxy.reset();
  ASSERT_TRUE(pair.second.recorder->hears("rollout build-1 of route all goes on"));
  EXPECT_TRUE(is_at_step(pair.second));
  EXPECT_EQ(seats(pair.second), before);
  EXPECT_TRUE(pair.second.proxy->steer_rollout("all", RolloutVerb::abort).get());
  EXPECT_TRUE(eventually([&] { return route_in(pair.second).shares.at(1).in_force == 0; }));
}

}  // namespace
}  // namespace sluice::proxy
