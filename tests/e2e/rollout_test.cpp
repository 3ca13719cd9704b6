#include <list>
#include <set>

#include "tests/e2e/rollout_scene.hpp"

namespace sluice::e2e {
namespace {

std::size_t advances(const RolloutScene& scene) {
  std::size_t count = 0;
  for (const Decision& decision : scene.decisions())
    if (decision.decision == "advance") ++count;
  return count;
}

TEST(Rollout, AGoodVersionPassesAllStepsAndTheOldOneIsDrained) {
  RolloutScene scene;
  Load users(scene.users());
  ASSERT_TRUE(users.wait_for_further(100));
  EXPECT_EQ(scene.new_pool.requests(), 0u);
  const AdminAnswer started = scene.start();
  EXPECT_EQ(started.status, 201u) << started;
  EXPECT_EQ(started.string("/id"), "build-1");
  EXPECT_EQ(started.string("/from"), "shop-v1");
  std::set<std::int64_t> weights;
  std::set<std::string> states;
  eventually([&] {
    const AdminAnswer now = scene.rollout();
    weights.insert(now.number("/weights/shop-v2"));
    states.insert(now.string("/state"));
    return states.contains("done") || states.contains("rolled_back");
  });
  ASSERT_TRUE(scene.reaches("done"));
  for (const std::int64_t weight : {5, 50, 95, 100}) EXPECT_TRUE(weights.contains(weight));
  for (const char* state : {"stepping", "baking", "promoted"}) EXPECT_TRUE(states.contains(state));
  EXPECT_TRUE(scene.decision("start").has_value()) << scene.told();
  EXPECT_GE(advances(scene), 2u) << scene.told();
  EXPECT_EQ(scene.weight(), 100);
  for (const int backend : {0, 1})
    EXPECT_EQ(backend_word(scene.sluice, "drain", "shop-v1", backend), "drained");
  EXPECT_TRUE(scene.serves_only(users, "v2"));
  LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
  EXPECT_GT(counts.versions["v1"], 0u);
  EXPECT_GT(counts.versions["v2"], 0u);
}

TEST(Rollout, PausedItKeepsItsWeightAndResumedItGoesOn) {
  RolloutScene scene;
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1));
  const AdminAnswer paused = scene.steer("pause");
  ASSERT_EQ(paused.status, 200u) << paused;
  ASSERT_EQ(paused.string("/state"), "paused") << paused;
  const double weight = scene.weight();
  EXPECT_GT(weight, 0);
  EXPECT_TRUE(scene.keeps(milliseconds(1500),
                          [&] { return scene.state() == "paused" && scene.weight() == weight; }));
  ASSERT_EQ(scene.steer("resume").status, 200u);
  EXPECT_TRUE(scene.reaches("done"));
}

TEST(Rollout, AbortedItIsBackOnTheOldVersionAndRetriedItStartsOnceMore) {
  RolloutScene scene({.policy = {.step_time = "1s"}});
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1));
  EXPECT_EQ(scene.steer("retry").status, 409u);
  ASSERT_EQ(scene.steer("abort").status, 200u);
  ASSERT_TRUE(scene.reaches("rolled_back", seconds(5)));
  const auto rollback = scene.decision("rollback");
  ASSERT_TRUE(rollback.has_value()) << scene.told();
  EXPECT_EQ(rollback->reason, "operator");
  EXPECT_EQ(scene.weight(), 0);
  EXPECT_TRUE(scene.serves_only(users, "v1"));

  const AdminAnswer again = scene.start("build-1");
  EXPECT_EQ(again.status, 200u) << again;
  EXPECT_EQ(again.string("/state"), "rolled_back") << "it is final for this id";
  const AdminAnswer retried = scene.steer("retry");
  EXPECT_EQ(retried.status, 200u) << retried;
  EXPECT_EQ(retried.number("/attempt"), 2) << retried;
  EXPECT_TRUE(scene.reaches("done"));
  EXPECT_EQ(users.stop().failures, 0u);
}

TEST(Rollout, UndoneAfterThePromotionAllTrafficIsOnTheOldVersionAtOnce) {
  RolloutScene scene({.policy = {.retain_old = "60s"}});
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches("promoted"));
  EXPECT_EQ(scene.weight(), 100);
  EXPECT_TRUE(scene.serves_only(users, "v2"));
  ASSERT_EQ(scene.steer("undo").status, 200u);
  ASSERT_TRUE(scene.reaches("rolled_back", seconds(2)));
  EXPECT_EQ(scene.weight(), 0);
  EXPECT_TRUE(scene.serves_only(users, "v1"));
  const LoadCounts counts = users.stop();
  EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
}

TEST(Rollout, PromoteGoesToTheNextStepWithoutWaiting) {
  RolloutScene scene({.policy = {.step_time = "60s", .bake = "60s", .retain_old = "60s"}});
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  for (const auto& [step, weight] : {std::pair{1, 5}, {2, 50}, {3, 95}}) {
    ASSERT_TRUE(scene.reaches_step(step));
    EXPECT_TRUE(eventually([&, percent = weight] { return scene.weight() == percent; }));
    ASSERT_EQ(scene.steer("promote").status, 200u) << scene.told();
  }
  EXPECT_TRUE(scene.reaches("promoted", seconds(5)));
}

TEST(Rollout, PromoteFullGivesEverythingToTheNewVersionAtOnce) {
  RolloutScene scene({.policy = {.step_time = "60s", .bake = "60s", .retain_old = "60s"}});
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1));
  ASSERT_EQ(scene.steer("promote?full=true").status, 200u) << scene.told();
  ASSERT_TRUE(scene.reaches("promoted", seconds(2)));
  EXPECT_EQ(scene.weight(), 100);
  EXPECT_TRUE(scene.serves_only(users, "v2"));
}

TEST(Rollout, AnApprovedGateOpens) {
  RolloutScene scene({.policy = {.tables = manual_gate("50")}});
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.holds("gate"));
  EXPECT_TRUE(scene.keeps(seconds(1), [&] { return scene.weight() == 5; }));
  const AdminAnswer approved = scene.steer("approve");
  EXPECT_EQ(approved.status, 200u) << approved;
  EXPECT_TRUE(scene.reaches("done"));
  EXPECT_EQ(scene.steer("approve").status, 409u);
}

TEST(Rollout, ObservedItSaysWhatItWouldDoAndMovesNoWeight) {
  RolloutScene scene(
      {.policy = {.more = "mode = \"observe\"\n"}, .split = "shop-v1 = 80, shop-v2 = 20"});
  Load users(scene.users());
  ASSERT_TRUE(users.wait_for_further(200));
  ASSERT_EQ(scene.start().status, 201u);
  EXPECT_EQ(scene.rollout().string("/mode"), "observe");
  ASSERT_TRUE(eventually([&] { return scene.judged() >= 20; })) << scene.told();
  scene.new_pool.fail(300);
  const auto warned = [&] { return scene.told().find("would_roll_back") != std::string::npos; };
  EXPECT_TRUE(scene.keeps(milliseconds(500), [&] { return scene.weight() == 20; }));
  EXPECT_TRUE(eventually(warned)) << scene.told();
  EXPECT_FALSE(is_rolled_back(scene.state())) << scene.told();
  EXPECT_TRUE(scene.keeps(seconds(1), [&] { return scene.weight() == 20; }));
  EXPECT_GT(scene.new_pool.bad(), 0u);
}

TEST(Rollout, ForcedRequestsAreNotJudged) {
  // The step ends when the gate is opened: all errors come within it on any machine.
  RolloutScene scene(
      {.policy = {.tables = manual_gate("50")},
       .route_lines =
           "force = [ { header = \"X-Release\", value = \"new\", pool = \"shop-v2\" } ]\n"});
  Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1));
  LoadOptions tester = scene.users(2);
  tester.request = request_text("GET", "/broken", "X-Release: new\r\n");
  tester.max_requests = 300;
  const LoadCounts seen = Load(tester).finish();
  EXPECT_EQ(seen.requests, 300u);
  EXPECT_GE(scene.new_pool.bad(), 300u);
  const AdminAnswer before = scene.rollout();
  EXPECT_EQ(before.number("/step"), 1) << before;
  EXPECT_LT(decimal(before, "/evidence/errors"), 20) << "it would hold: " << before;
  ASSERT_TRUE(scene.holds("gate"));
  EXPECT_EQ(scene.steer("approve").status, 200u);
  EXPECT_TRUE(scene.reaches("done"));
  const AdminAnswer end = scene.rollout();
  EXPECT_EQ(end.number("/counts/new/errors"), 0) << end;
  EXPECT_EQ(users.stop().failures, 0u);
}

constexpr const char* sticky = "sticky = { cookie = \"unit\" }\n";

std::string request_of(const std::string& user, const std::string& target = "/") {
  return request_text("GET", target, "Cookie: unit=" + user + "\r\n");
}

TEST(RolloutSticky, UsersOnlyMoveFromOldToNew) {
  RolloutScene scene({.route_lines = sticky});
  Load strangers(scene.users());
  std::list<Load> users;
  for (int user = 0; user < 20; ++user) {
    LoadOptions options = scene.users(1);
    options.request = request_of("u" + std::to_string(user));
    users.emplace_back(options);
  }
  for (Load& user : users) ASSERT_TRUE(user.wait_for_further(2));
  ASSERT_EQ(scene.start().status, 201u);
  eventually([&] {
    for (Load& user : users) user.mark();
    const std::string state = scene.state();
    return state == "done" || state == "rolled_back";
  });
  ASSERT_TRUE(scene.reaches("done"));
  std::size_t moved = 0;
  for (Load& user : users) {
    ASSERT_TRUE(user.wait_for_further(5));
    LoadCounts counts = user.stop();
    EXPECT_EQ(counts.failures, 0u) << counts.first_failure;
    bool is_new = false;
    for (auto& [mark, versions] : counts.versions_by_mark) {
      EXPECT_FALSE(is_new && versions["v1"] > 0) << "a user moved back: " << scene.told();
      is_new |= versions["v2"] > 0;
    }
    if (is_new && counts.versions["v1"] > 0) ++moved;
  }
  EXPECT_EQ(moved, users.size()) << "not every user was on either version";
}

TEST(RolloutSticky, OneLoopingClientWithErrorsCausesNoRollback) {
  RolloutScene scene({.policy = {.step_time = "60s"}, .route_lines = sticky});
  Load strangers(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1));
  std::string unlucky;
  for (int user = 0; unlucky.empty() && user < 1000; ++user) {
    const std::string name = "u" + std::to_string(user);
    if (scene.sluice.client().ask(request_of(name)).body == "v2") unlucky = name;
  }
  ASSERT_FALSE(unlucky.empty());
  const std::uint64_t before = scene.new_pool.bad();
  LoadOptions looping = scene.users(1);
  looping.request = request_of(unlucky, "/broken");
  looping.max_requests = 200;
  EXPECT_EQ(Load(looping).finish().failures, 200u);
  EXPECT_GE(scene.new_pool.bad() - before, 200u) << "the client was not on the new version";
  EXPECT_TRUE(scene.keeps(seconds(2), [&] { return !is_rolled_back(scene.state()); }));
  EXPECT_LT(decimal(scene.rollout(), "/evidence/total"), 20) << scene.told();
}

}  // namespace
}  // namespace sluice::e2e
