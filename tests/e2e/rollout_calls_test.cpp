#include "tests/e2e/rollout_scene.hpp"

namespace sluice::e2e {
namespace {

/// A rollout that stays in its first step: it gets no traffic.
struct Waiting : RolloutScene {
  Waiting() {
    EXPECT_EQ(start().status, 201u);
    EXPECT_TRUE(holds("no_traffic"));
  }
};

TEST(RolloutCalls, TheSameIdAgainIsTheSameRollout) {
  Waiting scene;
  const AdminAnswer before = scene.rollout();
  const AdminAnswer again = scene.start("build-1");
  EXPECT_EQ(again.status, 200u) << again;
  for (const char* member : {"/id", "/started/at", "/from", "/to", "/state"})
    EXPECT_EQ(again.string(member), before.string(member)) << member;
  EXPECT_EQ(again.number("/attempt"), 1);
}

TEST(RolloutCalls, AnotherOneMeanwhileIsRefused) {
  Waiting scene;
  const AdminAnswer other = scene.start("build-2");
  EXPECT_EQ(other.status, 409u) << other;
  EXPECT_NE(other.string("/detail").find("build-1"), std::string::npos) << other;
  EXPECT_EQ(scene.rollout().string("/id"), "build-1");
}

TEST(RolloutCalls, AManualSplitMeanwhileIsRefused) {
  Waiting scene;
  const AdminAnswer split =
      scene.sluice.admin().put("/v1/routes/shop/split", R"({"weights":{"shop-v1":1,"shop-v2":1}})");
  EXPECT_EQ(split.status, 409u) << split;
  EXPECT_NE(split.string("/detail").find("build-1"), std::string::npos) << split;
  EXPECT_EQ(scene.weight(), 5);
}

TEST(RolloutCalls, IfMatchRefusesWhoWasSlower) {
  Waiting scene;
  EXPECT_EQ(scene.steer("pause", "If-Match: \"999999\"\r\n").status, 412u);
  EXPECT_EQ(scene.state(), "holding");
  const std::string tag = scene.rollout().fields.get("ETag");
  ASSERT_FALSE(tag.empty());
  EXPECT_EQ(scene.steer("pause", "If-Match: " + tag + "\r\n").status, 200u);
  EXPECT_NE(scene.rollout().fields.get("ETag"), tag);
  EXPECT_EQ(scene.steer("resume", "If-Match: " + tag + "\r\n").status, 412u);
  EXPECT_EQ(scene.state(), "paused");
}

TEST(RolloutCalls, IfMatchAtTheStartIsTheRevisionOfTheSplit) {
  const RolloutScene scene;
  const AdminClient admin = scene.sluice.admin();
  const std::string body = R"({"to":"shop-v2","id":"build-1"})";
  const AdminAnswer late = admin.call("POST", scene.path, body, "If-Match: \"999999\"\r\n");
  EXPECT_EQ(late.status, 412u) << late;
  EXPECT_EQ(scene.rollout().status, 404u);
  const std::string tag = admin.get("/v1/routes/shop").fields.get("ETag");
  const std::string fields = "If-Match: " + tag + "\r\n";
  EXPECT_EQ(admin.call("POST", scene.path, body, fields).status, 201u);
}

TEST(RolloutCalls, WhatCannotBeIsRefusedAndNamed) {
  const RolloutScene scene;
  const AdminClient admin = scene.sluice.admin();
  const struct {
    const char* body;
    const char* named;
  } orders[] = {
      {R"({"to":"shop-v3"})", "shop-v3"},
      {R"({"to":"shop-v2","from":"shop-v0"})", "shop-v0"},
      {R"({"to":"shop-v1"})", "shop-v1"},
      {R"({"id":"build-1"})", "to"},
      {R"({"to":"shop-v2","policy":{"step_tme":"1s"}})", "step_tme"},
      {R"({"to":"shop-v2","policy":{"steps":[50,5]}})", "steps"},
      {R"({"to":"shop-v2","policy":{"step_time":5}})", "step_time"},
      {R"({"to":"shop-v2","policy":{"alpha":2}})", "alpha"},
      {R"({"to":"shop-v2","policy":{"errors":{"max_rate":7}}})", "max_rate"},
      {R"({"to":"shop-v2","policy":{"gate":[{"before":51,"manual":true}]}})", "before"},
  };
  for (const auto& order : orders) {
    const AdminAnswer answer = admin.post(scene.path, order.body);
    EXPECT_EQ(answer.status, 422u) << order.body << answer;
    EXPECT_NE(answer.string("/detail").find(order.named), std::string::npos) << answer;
  }
  EXPECT_EQ(scene.rollout().status, 404u);
  EXPECT_EQ(admin.post("/v1/routes/shp/rollout", R"({"to":"shop-v2"})").status, 404u);
  EXPECT_EQ(scene.steer("pause").status, 404u);
  EXPECT_EQ(scene.weight(), 0);
}

TEST(RolloutCalls, APolicyOfTheStartCountsForThatRollout) {
  RolloutScene scene;
  ASSERT_EQ(scene.start("build-1", R"(,"policy":{"steps":[20,40],"step_time":"60s"})").status,
            201u);
  ASSERT_TRUE(eventually([&] { return scene.weight() == 20; })) << scene.told();
  EXPECT_EQ(scene.rollout().number("/steps"), 2);
  ASSERT_EQ(scene.steer("abort").status, 200u);
  ASSERT_TRUE(scene.reaches("rolled_back"));
  ASSERT_EQ(scene.start("build-2").status, 201u);
  EXPECT_TRUE(eventually([&] { return scene.weight() == 5; })) << scene.told();
  EXPECT_EQ(scene.rollout().number("/steps"), 3);
}

TEST(RolloutCalls, HistoryKeepsWhatEnded) {
  Waiting scene;
  ASSERT_EQ(scene.steer("abort").status, 200u);
  ASSERT_TRUE(scene.reaches("rolled_back"));
  ASSERT_EQ(scene.start("build-2").status, 201u);
  const AdminAnswer history = scene.sluice.admin().get(scene.path + "/history");
  ASSERT_EQ(history.status, 200u) << history;
  EXPECT_EQ(history.string("/rollouts/0/id"), "build-1") << history;
  EXPECT_EQ(history.string("/rollouts/0/state"), "rolled_back");
  std::string decisions;
  ASSERT_TRUE(history.at("/rollouts/0/decisions").is_array()) << history;
  for (const auto& entry : history.at("/rollouts/0/decisions").get_array()) {
    decisions += std::string(entry.at("decision").get_string()) + " ";
    EXPECT_FALSE(entry.at("words").get_string().empty()) << history;
  }
  for (const char* decision : {"start", "hold", "rollback"})
    EXPECT_NE(decisions.find(decision), std::string::npos) << decisions;
}

TEST(RolloutCalls, EventsTellOfTheRollout) {
  RolloutScene scene;
  RawClient reader(scene.sluice.admin_address());
  reader.send("GET /v1/events?types=rollout HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(read_response_head(reader.stream).status, 200u);
  ASSERT_EQ(scene.start().status, 201u);
  const std::string event = reader.stream.take_through("build-1");
  EXPECT_NE(event.find("event: rollout"), std::string::npos) << event;
}

}  // namespace
}  // namespace sluice::e2e
