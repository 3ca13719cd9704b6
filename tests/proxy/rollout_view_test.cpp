#include "proxy/program/rollout_view.hpp"

#include <gtest/gtest.h>

#include "proxy/admin_rollout_json.hpp"
#include "proxy/program/rollout_watch.hpp"
#include "tests/proxy/rollout_sample.hpp"
#include "tests/support/has.hpp"

namespace sluice::proxy::program {
namespace {

using support::has;

TEST(RolloutView, StatusIsACompactBlock) {
  EXPECT_EQ(rollout_view(to_json(sample_rollout()), false),
            "rollout build-42 on shop: holding (errors), step 2 of 5\n"
            "started 2024-05-01T12:00:00.000Z by alice, in this state since "
            "2024-05-01T12:00:30.250Z\n"
            "shop-v2 fails more often than shop-v1\n"
            "\n"
            "POOL     SHARE                        REQUESTS\n"
            "shop-v1  94.5%  ###################-      1102\n"
            "shop-v2   5.5%  #-------------------        58\n"
            "\n"
            "STREAM  BAD OLD  BAD NEW  AT LEAST     E  ROLLS BACK AT\n"
            "errors        1        3      2.5x    52\n"
            "p99          11        1         -   0.5\n"
            "all                                 24.5           1000\n"
            "\n"
            "errors that reached users: 1, repeated on shop-v1: 2\n"
            "next: goes on when what stands against it is over (2024-05-01T14:00:00.000Z)\n");
}

TEST(RolloutView, ModeAttemptAndQueueAreSaid) {
  RolloutStatus rollout = sample_rollout();
  rollout.mode = RolloutMode::observe;
  rollout.attempt = 2;
  rollout.queued = "build-43";
  const std::string view = rollout_view(to_json(rollout), false);
  EXPECT_TRUE(has(view, "step 2 of 5, observes only\n")) << view;
  EXPECT_TRUE(has(view, ", attempt 2\n")) << view;
  EXPECT_TRUE(has(view, "queued: build-43\n")) << view;
}

TEST(RolloutView, EndOfABadReleaseIsRed) {
  RolloutStatus rollout = sample_rollout();
  rollout.state = RolloutState::rolled_back;
  EXPECT_TRUE(has(rollout_view(to_json(rollout), true), "\033[31mrolled_back\033[0m (errors)"));
}

TEST(RolloutView, BarIsFullOnlyWithEverythingAndEmptyOnlyWithNothing) {
  RolloutStatus rollout = sample_rollout();
  rollout.weight = 1;
  EXPECT_TRUE(has(rollout_view(to_json(rollout), false), "0.01%  #-------------------"));
  rollout.weight = 0;
  EXPECT_TRUE(has(rollout_view(to_json(rollout), false), "   0%  --------------------"));
  EXPECT_TRUE(has(rollout_view(to_json(rollout), false), " 100%  ####################"));
}

TEST(RolloutView, ExplanationIsSentencesThenTables) {
  const std::string view = explanation_view(explanation_json(sample_rollout()), false);
  EXPECT_TRUE(view.starts_with("build-42 on shop is holding, step 2 of 5: ")) << view;
  EXPECT_TRUE(has(view, "\nerrors: shop-v2 failed 3 of 58 requests (5.2 %), ")) << view;
  EXPECT_TRUE(has(view,
                  "\n        5.5%  old       1102       1    0    0    0              0\n"
                  "              new         58       3    0    0    0              0\n"))
      << view;
  EXPECT_TRUE(has(view,
                  "\n2024-05-01T12:00:00.000Z  start     operator  alice started the "
                  "rollout of shop-v2\n"))
      << view;
}

TEST(RolloutView, HistoryIsATable) {
  EXPECT_EQ(rollout_history_view("{\"rollouts\":[]}", false), "no rollout has ended\n");
  RolloutStatus ended = sample_rollout();
  ended.state = RolloutState::rolled_back;
  EXPECT_EQ(rollout_history_view(to_json(std::vector<RolloutStatus>{ended}), false),
            "ID        FROM     TO       STATE        REASON  REQUESTS NEW  ERRORS TO USERS  "
            "STARTED\n"
            "build-42  shop-v1  shop-v2  rolled_back  errors            58                1  "
            "2024-05-01T12:00:00.000Z by alice\n");
}

TEST(RolloutView, WhatIsNoJsonIsShownAsItIsAndMissingMembersReadAsNothing) {
  EXPECT_EQ(rollout_view("plain", false), "plain");
  EXPECT_EQ(explanation_view("plain", false), "plain");
  EXPECT_EQ(rollout_line("plain"), "plain");
  EXPECT_TRUE(rollout_view("{}", false).starts_with("rollout  on : "));
}

TEST(RolloutView, LineSaysStateStepWeightAndWhy) {
  EXPECT_EQ(rollout_line(to_json(sample_rollout())),
            "build-42: holding (errors), step 2 of 5, shop-v2 5.5%, 58 requests, E 24.5; shop-v2 "
            "fails more often than shop-v1");
}

class RolloutWatching : public ::testing::Test {
 protected:
  bool take(RolloutState state) {
    rollout.state = state;
    return watch.take(to_json(rollout));
  }

  RolloutStatus rollout = sample_rollout();
  RolloutWatch watch{"", false};
};

TEST_F(RolloutWatching, ShowsChangesOfStateStepAndWeightOnly) {
  EXPECT_TRUE(take(RolloutState::stepping));
  rollout.requests_new += 100;
  rollout.evidence = 3;
  EXPECT_FALSE(take(RolloutState::stepping));
  rollout.weight = 600;
  EXPECT_TRUE(take(RolloutState::stepping));
  rollout.step = 3;
  EXPECT_TRUE(take(RolloutState::stepping));
  EXPECT_TRUE(take(RolloutState::holding));
  EXPECT_EQ(watch.verdict(), std::nullopt);
}

TEST_F(RolloutWatching, EndsWhenPromotedOrRolledBackAndNotBefore) {
  for (const RolloutState state :
       {RolloutState::staged, RolloutState::mirroring, RolloutState::stepping,
        RolloutState::holding, RolloutState::paused, RolloutState::baking,
        RolloutState::rolling_back}) {
    take(state);
    EXPECT_EQ(watch.verdict(), std::nullopt) << to_string(state);
  }
  take(RolloutState::rolled_back);
  EXPECT_EQ(watch.verdict(), watch_rolled_back);
  for (const RolloutState state :
       {RolloutState::promoted, RolloutState::draining, RolloutState::done}) {
    RolloutWatch other("build-42", false);
    rollout.state = state;
    other.take(to_json(rollout));
    EXPECT_EQ(other.verdict(), watch_promoted) << to_string(state);
  }
}

TEST_F(RolloutWatching, HoldEndsItWhenAskedFor) {
  watch = RolloutWatch("", true);
  take(RolloutState::stepping);
  EXPECT_EQ(watch.verdict(), std::nullopt);
  take(RolloutState::holding);
  EXPECT_EQ(watch.verdict(), watch_held);
}

TEST_F(RolloutWatching, NextReleaseIsNotTakenForTheOneWatched) {
  take(RolloutState::stepping);
  RolloutStatus ended = rollout;
  ended.state = RolloutState::rolled_back;
  rollout.id = "build-43";
  EXPECT_FALSE(take(RolloutState::promoted));
  EXPECT_EQ(watch.verdict(), std::nullopt);
  ASSERT_TRUE(watch.wants_history());
  watch.take_history(to_json(std::vector<RolloutStatus>{ended}));
  EXPECT_EQ(watch.verdict(), watch_rolled_back);
}

TEST_F(RolloutWatching, QueuedReleaseWaitsForTheOneBefore) {
  watch = RolloutWatch("build-43", false);
  rollout.queued = "build-43";
  EXPECT_TRUE(take(RolloutState::rolled_back));
  EXPECT_FALSE(watch.wants_history());
  EXPECT_EQ(watch.verdict(), std::nullopt);
  rollout.queued = "";
  rollout.id = "build-43";
  take(RolloutState::promoted);
  EXPECT_EQ(watch.verdict(), watch_promoted);
}

TEST_F(RolloutWatching, UnknownReleaseIsRefused) {
  watch = RolloutWatch("build-1", false);
  take(RolloutState::stepping);
  ASSERT_TRUE(watch.wants_history());
  watch.take_history("{\"rollouts\":[]}");
  EXPECT_EQ(watch.verdict(), watch_refused);
}

}  // namespace
}  // namespace sluice::proxy::program
