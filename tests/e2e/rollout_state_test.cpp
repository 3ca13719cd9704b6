#include <deque>
#include <filesystem>
#include <random>

#include "tests/e2e/rollout_scene.hpp"

namespace sluice::e2e {
namespace {

SceneSettings kept(Policy policy) {
  return {.policy = std::move(policy), .keeps_state = true};
}

/// How a rollout stood, as far as a restart must keep it.
struct Standing {
  explicit Standing(const AdminAnswer& rollout)
      : id(rollout.string("/id")),
        state(rollout.string("/state")),
        started(rollout.string("/started/at")),
        step(rollout.number("/step")),
        weight(rollout.number("/weights/shop-v2")),
        revision(rollout.number("/revision")),
        counts{rollout.number("/counts/old/requests"), rollout.number("/counts/new/requests"),
               rollout.number("/counts/old/errors"), rollout.number("/counts/new/errors")} {}

  std::string id;
  std::string state;
  std::string started;
  std::int64_t step;
  std::int64_t weight;
  std::int64_t revision;
  std::array<std::int64_t, 4> counts;
};

/// How it stood at least 1.5 s ago, under load.
Standing standing_before(const RolloutScene& scene) {
  std::deque<std::pair<Clock::time_point, Standing>> seen;
  eventually([&] {
    seen.emplace_back(Clock::now(), Standing(scene.rollout()));
    return Clock::now() - seen.front().first >= milliseconds(1500);
  });
  return seen.front().second;
}

/// The weight of the step that the rollout is in, by the steps of the policy; -1: not known.
double weight_of(const Standing& rollout, const std::vector<double>& steps) {
  if (rollout.state == "staged" || rollout.state == "rolled_back") return 0;
  if (rollout.state == "promoted" || rollout.state == "draining" || rollout.state == "done")
    return 100;
  const auto step = static_cast<std::size_t>(rollout.step);
  return step >= 1 && step <= steps.size() ? steps[step - 1] : -1;
}

/// Whether step, weights of the rollout and weights of the route are the same, at one moment.
bool agrees(const RolloutScene& scene, const std::vector<double>& steps) {
  const Standing before(scene.rollout());
  const double in_force = scene.weight();
  const Standing after(scene.rollout());
  return before.revision == after.revision && static_cast<double>(after.weight) == in_force &&
         in_force == weight_of(after, steps);
}

/// Waits until the state file has `text`.
bool keeps(const RolloutScene& scene, const std::string& text) {
  return eventually([&] {
    return read_file(scene.sluice.file("state/state.json")).find(text) != std::string::npos;
  });
}

/// Regression: the first verdict of a health check that finds the machine well let it serve again.
TEST(RolloutState, ABackendThatWasTakenOutStaysOutAcrossARestartUntilItIsRepaired) {
  RolloutScene scene(kept({.steps = "[50, 95]", .step_time = "60s"}));
  const auto is_up = [&] {
    return scene.sluice.admin().metric("sluice_backend_up",
                                       {"backend=\"" + scene.new_pool.one.address() + "\""});
  };
  ASSERT_EQ(scene.start().status, 201u);
  auto users = std::make_unique<Load>(scene.users());
  ASSERT_TRUE(scene.reaches_step(1, 30));
  scene.new_pool.one.fail(150);
  ASSERT_TRUE(scene.holds("one_backend"));
  EXPECT_EQ(is_up(), 0);
  ASSERT_TRUE(keeps(scene, "\"ejected\":[\"" + scene.new_pool.one.address() + "\"]"));
  scene.sluice.process().kill();
  users->stop();
  scene.sluice.restart();
  EXPECT_EQ(is_up(), 0) << scene.told();
  const std::uint64_t before = scene.new_pool.one.requests();
  users = std::make_unique<Load>(scene.users());
  ASSERT_TRUE(users->wait_for_further(200));
  EXPECT_EQ(scene.new_pool.one.requests(), before);
  EXPECT_EQ(scene.rollout().string("/reason"), "one_backend");

  scene.new_pool.one.kill();
  ASSERT_TRUE(scene.sluice.logs(" is down: "));
  scene.new_pool.one.fail(0);
  scene.new_pool.one.start();
  EXPECT_TRUE(eventually([&] { return is_up() == 1; }));
  EXPECT_TRUE(eventually([&] { return scene.new_pool.one.requests() > before; }));
  EXPECT_TRUE(eventually([&] { return scene.rollout().string("/reason") != "one_backend"; }))
      << scene.told();
}

TEST(RolloutState, Kill9InTheMiddleOfAStepKeepsEverything) {
  // Longer than any machine takes to start the program again.
  RolloutScene scene(kept({.step_time = "60s"}));
  ASSERT_EQ(scene.start().status, 201u);
  auto users = std::make_unique<Load>(scene.users());
  ASSERT_TRUE(scene.reaches_step(1, 30));
  const Standing before = standing_before(scene);
  ASSERT_EQ(before.step, 1);
  EXPECT_GE(before.counts[1], 30);
  const pid_t killed = scene.sluice.pid();
  scene.sluice.process().kill();
  users->stop();
  scene.sluice.restart();
  EXPECT_NE(scene.sluice.pid(), killed);
  const AdminAnswer answer = scene.rollout();
  const Standing after(answer);
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.started, before.started);
  EXPECT_EQ(after.step, before.step) << answer;
  EXPECT_EQ(after.weight, before.weight) << answer;
  EXPECT_TRUE(after.state == "stepping" || after.state == "holding") << answer;
  EXPECT_GE(after.revision, before.revision);
  for (std::size_t at = 0; at < before.counts.size(); ++at)
    EXPECT_GE(after.counts[at], before.counts[at]) << at << ": " << answer;
  EXPECT_EQ(scene.weight(), 5);
  users = std::make_unique<Load>(scene.users());
  EXPECT_EQ(scene.steer("promote?full=true").status, 200u);
  EXPECT_TRUE(scene.reaches("done"));
  EXPECT_EQ(users->stop().failures, 0u);
}

TEST(RolloutState, EvidenceAgainstANewVersionSurvivesKill9) {
  RolloutScene scene(kept({.step_time = "60s", .more = "catastrophe = 0\n"}));
  ASSERT_EQ(scene.start().status, 201u);
  auto users = std::make_unique<Load>(scene.users());
  ASSERT_TRUE(scene.reaches_step(1, 20));
  ASSERT_EQ(scene.steer("pause").status, 200u);
  scene.new_pool.fail(15);
  ASSERT_TRUE(eventually([&] { return scene.rollout().number("/counts/new/errors") >= 1; }));
  scene.new_pool.fail(0);
  const Standing before = standing_before(scene);
  scene.sluice.process().kill();
  users->stop();
  scene.sluice.restart();
  const Standing after(scene.rollout());
  EXPECT_EQ(after.state, "paused") << scene.told();
  EXPECT_GE(after.counts[3], before.counts[3]);
  EXPECT_GE(after.counts[3], 1);
}

TEST(RolloutState, Kill9AtAnyMomentLosesNothing) {
  const std::vector<double> steps = {5, 20, 50, 80, 95};
  RolloutScene scene(kept({.steps = "[5, 20, 50, 80, 95]", .step_time = "1s", .bake = "1s"}));
  ASSERT_EQ(scene.start().status, 201u);
  std::minstd_rand random(20);
  for (int round = 0; round < 5; ++round) {
    auto users = std::make_unique<Load>(scene.users());
    ASSERT_TRUE(users->wait_for_further(50 + random() % 1500));
    const Standing before(scene.rollout());
    scene.sluice.process().kill();
    users->stop();
    scene.sluice.restart();
    const Standing after(scene.rollout());
    EXPECT_EQ(after.id, before.id);
    EXPECT_EQ(after.started, before.started);
    EXPECT_GE(after.weight, before.weight) << scene.told();
    if (static_cast<double>(before.weight) == weight_of(before, steps)) {
      EXPECT_GE(after.step, before.step) << scene.told();
    }
    EXPECT_GE(after.revision, before.revision) << scene.told();
    EXPECT_FALSE(is_rolled_back(after.state)) << scene.told();
    EXPECT_TRUE(eventually([&] { return agrees(scene, steps); }, seconds(2))) << scene.told();
  }
  Load users(scene.users());
  EXPECT_TRUE(scene.reaches("done"));
  EXPECT_EQ(scene.weight(), 100);
}

TEST(RolloutState, AWeightThatWasSeenInForceSurvivesKill9) {
  const std::vector<double> steps = {5, 20, 50, 80, 95};
  RolloutScene scene(kept({.steps = "[5, 20, 50, 80, 95]", .bake = "60s"}));
  ASSERT_EQ(scene.start().status, 201u);
  for (const double weight : steps) {
    auto users = std::make_unique<Load>(scene.users(12));
    ASSERT_TRUE(eventually([&] { return scene.weight() == weight; })) << scene.told();
    scene.sluice.process().kill();
    users->stop();
    scene.sluice.restart();
    EXPECT_EQ(scene.weight(), weight) << scene.told();
    EXPECT_TRUE(eventually([&] { return agrees(scene, steps); }, seconds(2))) << scene.told();
  }
}

TEST(RolloutState, ARollbackSurvivesKill9) {
  RolloutScene scene(kept({.step_time = "60s"}));
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1));
  scene.new_pool.fail(500);
  ASSERT_TRUE(scene.reaches("rolled_back"));
  users.stop();
  scene.sluice.restart();
  EXPECT_EQ(scene.state(), "rolled_back") << scene.told();
  EXPECT_TRUE(scene.decision("rollback").has_value()) << scene.told();
  EXPECT_EQ(scene.weight(), 0);
  Load later(scene.users());
  EXPECT_TRUE(scene.serves_only(later, "v1"));
}

TEST(RolloutState, APausedRolloutIsPausedAfterARestart) {
  RolloutScene scene(kept({}));
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.holds("no_traffic"));
  ASSERT_EQ(scene.steer("pause").status, 200u);
  scene.sluice.restart();
  EXPECT_EQ(scene.state(), "paused") << scene.told();
  EXPECT_EQ(scene.weight(), 5);
  ASSERT_EQ(scene.steer("resume").status, 200u);
  const Load users(scene.users());
  EXPECT_TRUE(scene.reaches("done"));
}

TEST(RolloutState, AReleaseThatWaitsBeginsAfterKill9WhenTheFirstHasEnded) {
  RolloutScene scene(kept({.more = "supersede = \"queue\"\n"}));
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.holds("no_traffic"));
  const AdminAnswer waits = scene.start("build-2");
  ASSERT_EQ(waits.string("/queued"), "build-2") << waits;
  scene.sluice.process().kill();
  scene.sluice.restart();
  ASSERT_EQ(scene.rollout().string("/id"), "build-1") << scene.told();
  EXPECT_EQ(scene.rollout().string("/queued"), "build-2") << scene.told();
  ASSERT_EQ(scene.steer("abort").status, 200u);
  ASSERT_TRUE(eventually([&] { return scene.rollout().string("/id") == "build-2"; }))
      << scene.told();
  const Load users(scene.users());
  EXPECT_TRUE(scene.reaches("done"));
}

TEST(RolloutState, AReleaseThatWaitsBehindAnObservingOneBeginsWhenThatIsAborted) {
  RolloutScene scene(kept({.more = "mode = \"observe\"\nsupersede = \"queue\"\n"}));
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_EQ(scene.start("build-2").string("/queued"), "build-2");
  ASSERT_EQ(scene.steer("abort").status, 200u);
  EXPECT_TRUE(eventually([&] { return scene.rollout().string("/id") == "build-2"; }))
      << scene.told();
}

TEST(RolloutState, ABrokenFileGivesAllTrafficToTheOldVersionAndIsTold) {
  RolloutScene scene(kept({.step_time = "60s"}));
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(eventually([&] { return scene.weight() == 5; }));
  scene.sluice.process().kill();
  const std::size_t before = scene.sluice.operational_log().size();
  int broken = 0;
  using std::filesystem::recursive_directory_iterator;
  for (const auto& entry : recursive_directory_iterator(scene.sluice.file("state")))
    if (entry.is_regular_file() && entry.file_size() > 0) {
      std::filesystem::resize_file(entry.path(), entry.file_size() / 2);
      ++broken;
    }
  ASSERT_GT(broken, 0) << "nothing was kept";
  scene.sluice.restart();
  EXPECT_EQ(scene.weight(), 0);
  EXPECT_NE(scene.sluice.operational_log().substr(before).find("state"), std::string::npos);
  Load users(scene.users());
  EXPECT_TRUE(scene.serves_only(users, "v1"));
}

/// A second program on the state directory of the first one.
void share_state(const RolloutScene& first, RolloutScene& second) {
  second.sluice.process().kill();
  const std::string own = second.sluice.file("state");
  std::filesystem::remove_all(own);
  std::filesystem::create_directory_symlink(first.sluice.file("state"), own);
  second.sluice.restart();
}

TEST(RolloutState, ASecondProcessOnTheSameDirectoryDecidesNothing) {
  RolloutScene first(kept({}));
  RolloutScene second(kept({}));
  share_state(first, second);
  ASSERT_EQ(first.start().status, 201u);
  const AdminAnswer refused = second.start("build-2");
  EXPECT_EQ(refused.status, 409u) << refused;
  const std::string pid = std::to_string(first.sluice.pid());
  EXPECT_NE(refused.string("/detail").find(pid), std::string::npos) << pid << ": " << refused;
  EXPECT_TRUE(eventually([&] { return first.weight() == 5 && second.weight() == 5; }));
  EXPECT_EQ(first.rollout().string("/id"), "build-1");
  EXPECT_EQ(second.rollout().string("/id"), "build-1") << "it shows what the other one does";
  EXPECT_EQ(second.steer("abort").status, 409u);
  const Load users(first.users());
  EXPECT_TRUE(first.reaches("done"));
  EXPECT_TRUE(eventually([&] { return second.weight() == 100; })) << second.told();
}

TEST(RolloutState, TheNextProcessOnTheDirectoryGoesOnWithTheRollout) {
  RolloutScene first(kept({}));
  RolloutScene second(kept({}));
  share_state(first, second);
  ASSERT_EQ(first.start().status, 201u);
  ASSERT_TRUE(first.holds("no_traffic"));
  first.sluice.process().kill();
  second.sluice.restart();
  EXPECT_EQ(second.rollout().string("/id"), "build-1") << second.told();
  EXPECT_EQ(second.weight(), 5);
  const Load users(second.users());
  EXPECT_TRUE(second.reaches("done"));
}

}  // namespace
}  // namespace sluice::e2e
