#include <filesystem>

#include "tests/e2e/rollout_scene.hpp"

namespace sluice::e2e {
namespace {

/// `[[route.shop.rollout.hook]]`. `on` and `target` as in TOML.
std::string hook_table(const std::string& on, const std::string& target,
                       const std::string& lines = "") {
  return "\n[[route.shop.rollout.hook]]\non = " + on + "\n" + target + "\n" + lines;
}

std::string url_of(const std::string& address) {
  return "url = \"http://" + address + "/events\"";
}

constexpr const char* quick_try = "timeout = \"500ms\"\nretries = 0\n";

/// What a hook was told, as JSON objects, in order.
std::vector<boost::json::object> told(const TestBackend& hook) {
  std::vector<boost::json::object> events;
  for (const SeenRequest& request : hook.requests()) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/events");
    EXPECT_EQ(request.fields.get("Content-Type"), "application/json");
    boost::json::error_code error;
    const boost::json::value body = boost::json::parse(request.body, error);
    EXPECT_TRUE(!error && body.is_object()) << request.body;
    if (body.is_object()) events.push_back(body.get_object());
  }
  return events;
}

std::string text_in(const boost::json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

/// The names of the events in order, the same ones in a row once.
std::string names_in_order(const std::vector<boost::json::object>& events) {
  std::string names;
  std::string last;
  for (const auto& event : events) {
    if (text_in(event, "event") != last) names += text_in(event, "event") + " ";
    last = text_in(event, "event");
  }
  return names;
}

TEST(RolloutHooks, AnHttpHookIsToldOfEverythingInOrder) {
  TestBackend hook("hook", answers(204, ""));
  RolloutScene scene(
      {.policy = {.tables = hook_table(R"(["started", "step", "promoted", "drained"])",
                                       url_of(hook.address()))}});
  const Load users(scene.users());
  ASSERT_EQ(scene.start("build-7").status, 201u);
  ASSERT_TRUE(scene.reaches("done"));
  ASSERT_TRUE(eventually([&] { return names_in_order(told(hook)).ends_with("drained "); }));
  const auto events = told(hook);
  EXPECT_EQ(names_in_order(events), "started step promoted drained ");
  EXPECT_GE(events.size(), 6u) << "one for each of three steps";
  for (const auto& event : events) {
    EXPECT_EQ(text_in(event, "id"), "build-7");
    EXPECT_EQ(text_in(event, "route"), "shop");
    EXPECT_EQ(text_in(event, "from"), "shop-v1");
    EXPECT_EQ(text_in(event, "to"), "shop-v2");
  }
}

TEST(RolloutHooks, AHookThatFailsOnceIsToldAgain) {
  auto refusals = std::make_shared<std::atomic<int>>(1);
  TestBackend hook("hook", [refusals](Exchange& exchange) {
    exchange.read_body();
    exchange.answer(refusals->fetch_sub(1) > 0 ? 500 : 200, "");
  });
  RolloutScene scene({.policy = {.tables = hook_table(R"(["started"])", url_of(hook.address()))}});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  EXPECT_TRUE(scene.reaches("done"));
  EXPECT_EQ(hook.request_count(), 2u);
}

TEST(RolloutHooks, ACommandRunsWhenItIsRolledBack) {
  const TempDir directory;
  const std::string file = directory.file("undone");
  const std::string command = "command = [\"/bin/sh\", \"-c\", \"cat > " + file +
                              ".new; echo $0 >> " + file + ".new; mv " + file + ".new " + file +
                              "\", \"a b\"]";
  RolloutScene scene(
      {.policy = {.step_time = "60s", .tables = hook_table(R"(["rolled_back"])", command)}});
  const Load users(scene.users(12));
  ASSERT_EQ(scene.start("build-8").status, 201u);
  ASSERT_TRUE(scene.reaches_step(1, 20));
  EXPECT_FALSE(std::filesystem::exists(file));
  scene.new_pool.fail(300);
  ASSERT_TRUE(scene.reaches("rolled_back"));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file); }));
  std::string text = read_file(file);
  ASSERT_TRUE(text.ends_with("a b\n")) << "an argument is not one word: " << text;
  text.resize(text.size() - 4);
  boost::json::error_code error;
  const boost::json::value event = boost::json::parse(text, error);
  ASSERT_TRUE(event.is_object()) << text;
  EXPECT_EQ(text_in(event.get_object(), "event"), "rolled_back");
  EXPECT_EQ(text_in(event.get_object(), "id"), "build-8");
  EXPECT_EQ(text_in(event.get_object(), "reason"), "errors");
}

TEST(RolloutHooks, ADeadHookHoldsTheRollout) {
  RolloutScene scene(
      {.policy = {.tables = hook_table(R"(["step"])", url_of(free_address()), quick_try)}});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.holds("hook"));
  const double weight = scene.weight();
  EXPECT_TRUE(scene.keeps(seconds(2), [&] { return scene.weight() == weight; }));
  EXPECT_EQ(scene.state(), "holding");
}

TEST(RolloutHooks, ACommandThatFailsOrIsMissingHoldsTheRollout) {
  for (const std::string command : {"/bin/false", "/no/such/program"}) {
    RolloutScene scene(
        {.policy = {.tables =
                        hook_table(R"(["step"])", "command = [\"" + command + "\"]", quick_try)}});
    const Load users(scene.users());
    ASSERT_EQ(scene.start().status, 201u);
    EXPECT_TRUE(scene.holds("hook")) << command;
  }
}

TEST(RolloutHooks, AHookThatHangsIsGivenUpAtItsTimeout) {
  const auto latch = std::make_shared<Latch>();
  TestBackend hook("hook", answers_after(latch));
  RolloutScene scene(
      {.policy = {.tables = hook_table(R"(["step"])", url_of(hook.address()), quick_try)}});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  EXPECT_TRUE(scene.holds("hook"));
  EXPECT_GE(hook.request_count(), 1u);
  latch->release();
}

TEST(RolloutHooks, ADeadHookIsNotInTheWayOfARollback) {
  RolloutScene scene({.policy = {.step_time = "60s",
                                 .tables = hook_table(R"(["step", "rolled_back"])",
                                                      url_of(free_address()), quick_try)}});
  Load users(scene.users(12));
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.reaches_step(1, 20));
  scene.new_pool.fail(300);
  EXPECT_TRUE(scene.reaches("rolled_back", seconds(10)));
  EXPECT_TRUE(scene.serves_only(users, "v1"));
}

TEST(RolloutHooks, AGateOpensWhenItsHookAgrees) {
  auto agrees = std::make_shared<std::atomic<bool>>(false);
  TestBackend gate("gate", [agrees](Exchange& exchange) {
    exchange.read_body();
    exchange.answer(*agrees ? 200 : 503, "");
  });
  RolloutScene scene(
      {.policy = {.tables = "\n[[route.shop.rollout.gate]]\nbefore = 50\nhook = \"http://" +
                            gate.address() + "/approve\"\n"}});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(gate.wait_for_requests(1)) << scene.told();
  ASSERT_TRUE(scene.holds("gate"));
  EXPECT_TRUE(scene.keeps(seconds(1), [&] { return scene.weight() == 5; }));
  *agrees = true;
  EXPECT_TRUE(scene.reaches("done"));
  EXPECT_EQ(gate.last().method, "POST");
  EXPECT_EQ(gate.last().target, "/approve");
  EXPECT_NE(gate.last().body.find("build-1"), std::string::npos) << gate.last().body;
}

TEST(RolloutHooks, AGateWhoseHookIsDeadStaysClosed) {
  RolloutScene scene(
      {.policy = {.tables = "\n[[route.shop.rollout.gate]]\nbefore = 50\nhook = \"http://" +
                            free_address() + "/approve\"\n"}});
  const Load users(scene.users());
  ASSERT_EQ(scene.start().status, 201u);
  ASSERT_TRUE(scene.holds("gate"));
  EXPECT_TRUE(scene.keeps(seconds(2), [&] { return scene.weight() == 5; }));
}

}  // namespace
}  // namespace sluice::e2e
