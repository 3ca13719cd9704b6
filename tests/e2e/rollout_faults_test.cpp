#include "tests/e2e/rollout_scene.hpp"

namespace sluice::e2e {
namespace {

/// A rollout that stays in its first step, at 5 %, with users.
struct Stepping : RolloutScene {
  explicit Stepping(Policy policy = {.step_time = "60s"}, unsigned connections = 12)
      : RolloutScene({.policy = std::move(policy)}), users(RolloutScene::users(connections)) {
    EXPECT_EQ(start().status, 201u);
    EXPECT_TRUE(reaches_step(1, 20));
    EXPECT_EQ(weight(), 5);
  }

  Load users;
};

/// What a NEW that breaks every tenth request looks like.
struct Fault {
  LoadCounts users;
  double per_second = 0;     ///< requests of users
  std::int64_t took_ms = 0;  ///< from the first bad answer to the decision, by the clocks of both
  std::int64_t back_ms = 0;  ///< from the decision until OLD has everything
};

Fault break_every_tenth(Stepping& scene) {
  Fault fault;
  const auto begin = Clock::now();
  const std::uint64_t before = scene.users.counts().requests;
  EXPECT_TRUE(scene.users.wait_for_further(1000));
  const std::chrono::duration<double> time = Clock::now() - begin;
  fault.per_second = static_cast<double>(scene.users.counts().requests - before) / time.count();
  scene.new_pool.fail(100);
  EXPECT_TRUE(scene.reaches("rolled_back"));
  const auto rollback = scene.decision("rollback");
  EXPECT_TRUE(rollback.has_value()) << scene.told();
  EXPECT_GT(scene.new_pool.first_bad_ms(), 0);
  if (rollback) {
    fault.took_ms = rollback->at_ms - scene.new_pool.first_bad_ms();
    fault.back_ms = moment_ms(scene.rollout().string("/since")) - rollback->at_ms;
    EXPECT_EQ(rollback->reason, "errors");
  }
  EXPECT_EQ(scene.weight(), 0);
  EXPECT_TRUE(scene.serves_only(scene.users, "v1"));
  fault.users = scene.users.stop();
  return fault;
}

/// The bar is 3 s at 1000 requests a second; a machine that gives fewer has to see as many.
void expect_quick(const Fault& fault) {
  const double limit_ms = 3000 * std::max(1.0, 1000 / fault.per_second);
  EXPECT_LE(static_cast<double>(fault.took_ms), limit_ms) << fault.per_second << " requests/s";
  if (!is_slow_build) {
    EXPECT_LE(fault.back_ms, 200);
  }
}

TEST(RolloutFaults, ErrorsAreRolledBackWithinSecondsAndShieldedUsersSeeNone) {
  Stepping scene;
  const Fault fault = break_every_tenth(scene);
  expect_quick(fault);
  EXPECT_EQ(fault.users.failures, 0u) << fault.users.first_failure;
  const AdminAnswer end = scene.rollout();
  EXPECT_GT(end.number("/counts/new/errors"), 0) << end;
  EXPECT_GT(end.number("/counts/shielded"), 0) << end;
  EXPECT_EQ(end.number("/counts/bad_delivered"), 0) << end;
  EXPECT_EQ(scene.sluice.admin().metric("sluice_rollout_decisions_total",
                                        {"decision=\"rollback\"", "reason=\"errors\""}),
            1);
}

TEST(RolloutFaults, WithoutTheShieldUsersSeeErrorsUntilItIsRolledBack) {
  Stepping scene({.step_time = "60s", .more = "shield = false\n"});
  const Fault fault = break_every_tenth(scene);
  expect_quick(fault);
  EXPECT_GT(fault.users.failures, 0u);
  EXPECT_LE(fault.users.failures, scene.new_pool.bad());
  const AdminAnswer end = scene.rollout();
  EXPECT_EQ(end.number("/counts/shielded"), 0) << end;
  EXPECT_GT(end.number("/counts/bad_delivered"), 0) << end;
}

TEST(RolloutFaults, AVersionThatIsSlowAtItsP99IsNeverPromoted) {
  RolloutScene scene({.policy = {.steps = "[5, 25, 50, 95]",
                                 .step_time = "2s",
                                 .bake = "10s",
                                 .min_requests = 200,
                                 .latency = ""}});
  for (Version* version : {&scene.old_pool, &scene.new_pool})
    version->take(milliseconds(4), milliseconds(8));
  scene.new_pool.stall(50, milliseconds(60));
  Load users(scene.users(16));
  ASSERT_EQ(scene.start().status, 201u);
  const bool is_back = scene.reaches("rolled_back");
  const AdminAnswer end = scene.rollout();
  EXPECT_TRUE(is_back || end.string("/state") == "holding") << scene.told();
  EXPECT_GE(decimal(end, "/evidence/p99"), 20) << end;
  EXPECT_EQ(users.stop().failures, 0u);
}

TEST(RolloutFaults, AVersionThatDiesIsRolledBack) {
  Stepping scene;
  scene.new_pool.kill();
  EXPECT_TRUE(scene.reaches("rolled_back", seconds(10)));
  EXPECT_TRUE(scene.serves_only(scene.users, "v1"));
  const LoadCounts counts = scene.users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
}

TEST(RolloutFaults, OneDeadBackendOfTwoHoldsTheRollout) {
  // The step outlasts a machine that is slow to kill, and `keeps` outlasts the step.
  Stepping scene({.step_time = "6s"});
  const double weight = scene.weight();
  scene.new_pool.two.kill();
  ASSERT_TRUE(scene.holds(""));
  EXPECT_TRUE(scene.keeps(seconds(7), [&] {
    const std::string state = scene.state();
    return !is_rolled_back(state) && state != "promoted" && scene.weight() <= weight;
  }));
  const AdminAnswer end = scene.rollout();
  EXPECT_EQ(end.number("/step"), 1) << end;
  const std::string reason = end.string("/reason");
  EXPECT_TRUE(reason == "new_unhealthy" || reason == "one_backend") << end;
  EXPECT_EQ(scene.users.stop().failures, 0u);
}

/// Both versions fail so many of a thousand requests for some seconds while `change` happens.
template <class Change>
void expect_to_outlive_an_outage(Stepping& scene, unsigned per_mille, Change change) {
  scene.old_pool.fail(per_mille);
  scene.new_pool.fail(per_mille);
  change();
  EXPECT_TRUE(scene.keeps(seconds(1), [&] { return !is_rolled_back(scene.state()); }));
  EXPECT_GT(scene.old_pool.bad(), 100u);
  EXPECT_GT(scene.new_pool.bad(), 5u);
  EXPECT_GT(scene.users.counts().failures, 100u) << "users did not see the outage";
  scene.old_pool.fail(0);
  scene.new_pool.fail(0);
  EXPECT_TRUE(scene.reaches("done", seconds(90)));
}

TEST(RolloutFaults, AnOutageOfBothVersionsIsNoReasonToRollBack) {
  Stepping scene({.step_time = "3s"});
  expect_to_outlive_an_outage(scene, 1000, [] {});
}

TEST(RolloutFaults, AnOutageOfBothVersionsThatSomeRequestsSurviveIsNone) {
  Stepping scene({.step_time = "3s"});
  expect_to_outlive_an_outage(scene, 400, [] {});
}

/// Failures of NEW that are counted later than OLD's must not look like more behind a new weight.
TEST(RolloutFaults, AnOutageOfBothVersionsAcrossStepsIsNone) {
  Stepping scene({.steps = "[5, 40, 60, 80, 95]", .step_time = "3s", .bake = "2s"});
  expect_to_outlive_an_outage(scene, 1000, [&scene] {
    double most = 0;
    EXPECT_TRUE(eventually([&] {
      const AdminAnswer now = scene.rollout();
      most = std::max(most, decimal(now, "/evidence/total"));
      return now.number("/step") == 5 || is_rolled_back(now.string("/state"));
    }));
    EXPECT_LT(most, 1000) << scene.told();
  });
}

TEST(RolloutFaults, WithoutTrafficItHoldsAndGoesOnWhenThereIsSome) {
  RolloutScene scene;
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.holds("no_traffic"));
  EXPECT_EQ(scene.rollout().number("/step"), 1);
  EXPECT_EQ(scene.judged(), 0);
  const Load users(scene.users());
  EXPECT_TRUE(scene.reaches("done"));
}

TEST(RolloutFaults, WithoutTrafficItHoldsForEverWhateverThePolicySays) {
  for (const std::string reaction : {"advance", "rollback"}) {
    RolloutScene scene(
        {.policy = {.more = "step_timeout = \"500ms\"\non_inconclusive = \"" + reaction + "\"\n"}});
    ASSERT_EQ(scene.start().status, 201u);
    ASSERT_TRUE(scene.holds("no_traffic"));
    EXPECT_TRUE(scene.keeps(seconds(3), [&] {
      const AdminAnswer now = scene.rollout();
      return now.string("/state") == "holding" && now.number("/step") == 1;
    })) << reaction;
    EXPECT_EQ(scene.weight(), 5);
  }
}

TEST(RolloutFaults, ItIsNeverRolledBackOntoABrokenOldVersion) {
  Stepping scene;
  scene.old_pool.kill();
  ASSERT_TRUE(scene.holds("old_down", seconds(10)));
  scene.new_pool.fail(500);
  EXPECT_TRUE(
      scene.keeps(seconds(3), [&] { return scene.state() == "holding" && scene.weight() >= 5; }));
  EXPECT_GT(scene.new_pool.bad(), 100u);
  EXPECT_NE(scene.rollout().string("/reason").find("old_down"), std::string::npos) << scene.told();
  scene.old_pool.start();
  EXPECT_TRUE(scene.reaches("rolled_back")) << "the old version is back, the new one is bad";
}

TEST(RolloutFaults, AnAbortIsNotDoneOntoABrokenOldVersion) {
  Stepping scene;
  scene.old_pool.kill();
  ASSERT_TRUE(scene.holds("old_down", seconds(10)));
  scene.steer("abort");
  EXPECT_TRUE(scene.keeps(seconds(1), [&] { return scene.weight() > 0; }));
}

TEST(RolloutFaults, ABreachAtAClosedGateRollsBack) {
  RolloutScene scene({.policy = {.tables = manual_gate("50")}});
  Load users(scene.users(12));
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.holds("gate"));
  scene.new_pool.fail(200);
  EXPECT_TRUE(scene.reaches("rolled_back", seconds(10)));
  EXPECT_GT(scene.new_pool.bad(), 0u);
  EXPECT_TRUE(scene.serves_only(users, "v1"));
}

TEST(RolloutFaults, AGateThatStaysClosedRollsBackAtItsTimeoutIfAsked) {
  for (const std::string reaction : {"rollback", "hold"}) {
    RolloutScene scene(
        {.policy = {.tables = manual_gate(
                        "50", "timeout = \"500ms\"\non_timeout = \"" + reaction + "\"\n")}});
    Load users(scene.users());
    ASSERT_EQ(scene.start().status, 201u);
    ASSERT_TRUE(reaction == "hold" ? scene.holds("gate") : scene.reaches("rolled_back"));
    const double weight = reaction == "hold" ? 5 : 0;
    EXPECT_TRUE(scene.keeps(seconds(2), [&] { return scene.weight() == weight; }));
    EXPECT_EQ(users.stop().failures, 0u);
  }
}

TEST(RolloutFaults, ABreachWhilePausedRollsBack) {
  Stepping scene;
  ASSERT_EQ(scene.steer("pause").status, 200u);
  scene.new_pool.fail(200);
  EXPECT_TRUE(scene.reaches("rolled_back", seconds(10)));
  EXPECT_GT(scene.new_pool.bad(), 0u);
  EXPECT_TRUE(scene.serves_only(scene.users, "v1"));
}

TEST(RolloutFaults, AVersionThatTurnsBadInTheBakeIsRolledBack) {
  RolloutScene scene({.policy = {.bake = "60s"}});
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches("baking"));
  scene.new_pool.fail(100);
  EXPECT_TRUE(scene.reaches("rolled_back", seconds(10)));
  EXPECT_TRUE(scene.serves_only(users, "v1"));
}

TEST(RolloutFaults, AVersionThatIsNotHealthyYetGetsNoTraffic) {
  RolloutScene scene;
  scene.new_pool.kill();
  for (const int backend : {0, 1})
    ASSERT_TRUE(eventually(
        [&] { return backend_word(scene.sluice, "health", "shop-v2", backend) == "down"; }));
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  EXPECT_TRUE(scene.keeps(seconds(1), [&] { return scene.weight() == 0; }));
  EXPECT_EQ(scene.rollout().number("/step"), 0) << scene.told();
  scene.new_pool.start();
  EXPECT_TRUE(scene.reaches("done"));
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
}

}  // namespace
}  // namespace sluice::e2e
