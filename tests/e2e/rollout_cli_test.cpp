#include "tests/e2e/rollout_scene.hpp"

namespace sluice::e2e {
namespace {

/// `sluice rollout <words> --admin …`, run to its end.
FinishedRun rollout_verb(const RolloutScene& scene, std::vector<std::string> words) {
  words.insert(words.begin(), {program_path(), "rollout"});
  words.insert(words.end(), {"--admin", scene.sluice.admin_address()});
  return run_to_end(words);
}

std::string told(const FinishedRun& run) {
  return "exit code " + std::to_string(run.exit_code) + "\n" + run.out + run.err;
}

boost::json::object object_of(const FinishedRun& run) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(run.out, error);
  EXPECT_TRUE(!error && value.is_object()) << told(run);
  return value.is_object() ? value.get_object() : boost::json::object();
}

void expect_words(const std::string& text, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    EXPECT_NE(text.find(word), std::string::npos) << word << " is not in:\n" << text;
}

TEST(RolloutCli, StartAndWatchEndsWith0OnPromotion) {
  RolloutScene scene({.policy = {.retain_old = "60s"}});
  const Load users(scene.users());
  const FinishedRun run = rollout_verb(scene, {"start", "shop", "--to", "shop-v2", "--id",
                                               "build-9", "--watch", "--timeout", "60s"});
  EXPECT_EQ(run.exit_code, 0) << told(run);
  expect_words(run.out, {"build-9", "shop-v2", "promoted"});
  EXPECT_EQ(scene.state(), "promoted");
  EXPECT_EQ(scene.weight(), 100);
}

TEST(RolloutCli, StartAndWatchEndsWith2OnRollback) {
  RolloutScene scene({.policy = {.step_time = "60s"}});
  scene.new_pool.fail(300);
  const Load users(scene.users(12));
  const FinishedRun run = rollout_verb(scene, {"start", "shop", "--to", "shop-v2", "--watch"});
  EXPECT_EQ(run.exit_code, 2) << told(run);
  expect_words(run.out, {"rolled"});
  EXPECT_EQ(scene.state(), "rolled_back");
}

TEST(RolloutCli, WatchEndsWith4AtItsTimeoutAndWith3OnAHoldIfAsked) {
  const RolloutScene scene;
  const FinishedRun start = rollout_verb(scene, {"start", "shop", "--to", "shop-v2"});
  EXPECT_EQ(start.exit_code, 0) << told(start);
  const auto begin = Clock::now();
  const FinishedRun late = rollout_verb(scene, {"watch", "shop", "--timeout", "1s"});
  EXPECT_EQ(late.exit_code, 4) << told(late);
  EXPECT_GE(Clock::now() - begin, milliseconds(900));
  EXPECT_FALSE(late.err.empty());
  ASSERT_TRUE(scene.holds("no_traffic"));
  const FinishedRun held = rollout_verb(scene, {"watch", "shop", "--exit-on-hold"});
  EXPECT_EQ(held.exit_code, 3) << told(held);
  EXPECT_EQ(scene.state(), "holding") << "watching changes nothing";
}

TEST(RolloutCli, WhatTheProxyRefusesEndsWith1AndSaysWhy) {
  const RolloutScene scene;
  const FinishedRun unknown = rollout_verb(scene, {"start", "shop", "--to", "shop-v3"});
  EXPECT_EQ(unknown.exit_code, 1) << told(unknown);
  expect_words(unknown.err, {"shop-v3"});
  EXPECT_EQ(rollout_verb(scene, {"status", "shop"}).exit_code, 1);
  EXPECT_EQ(rollout_verb(scene, {"start", "shop"}).exit_code, 2) << "--to is needed";
  EXPECT_EQ(rollout_verb(scene, {"start", "shop", "--to", "shop-v3", "--watch"}).exit_code, 1);
}

TEST(RolloutCli, StatusAsJsonIsThatOfTheAdminInterface) {
  const RolloutScene scene;
  ASSERT_EQ(scene.start("build-9").status, 201u);
  ASSERT_TRUE(scene.holds("no_traffic"));
  const boost::json::object status = object_of(rollout_verb(scene, {"status", "shop", "--json"}));
  EXPECT_EQ(status.at("id"), "build-9");
  EXPECT_EQ(status.at("state"), "holding");
  EXPECT_EQ(status.at("reason"), "no_traffic");
  EXPECT_EQ(status.at("weights").at("shop-v2").to_number<int>(), 5);
  const FinishedRun table = rollout_verb(scene, {"status", "shop"});
  EXPECT_EQ(table.exit_code, 0);
  expect_words(table.out, {"build-9", "holding", "shop-v2"});
}

TEST(RolloutCli, ExplainNamesTheStreamAndTheCounts) {
  RolloutScene scene({.policy = {.step_time = "60s"}});
  Load users(scene.users(12));
  ASSERT_EQ(scene.start("build-9").status, 201u);
  ASSERT_TRUE(scene.reaches_step(1, 20));
  scene.new_pool.fail(300);
  ASSERT_TRUE(scene.reaches("rolled_back"));
  users.stop();
  // What was under way at the end is counted a moment later: all three have to say the same.
  AdminAnswer end;
  FinishedRun run;
  boost::json::value json;
  ASSERT_TRUE(eventually([&] {
    end = scene.rollout();
    run = rollout_verb(scene, {"explain", "shop"});
    json = object_of(rollout_verb(scene, {"explain", "shop", "--json"}));
    return end.text == scene.rollout().text;
  }));
  EXPECT_EQ(run.exit_code, 0) << told(run);
  expect_words(run.out, {"build-9", "errors", "shop-v1", "shop-v2",
                         std::to_string(end.number("/counts/new/requests")),
                         std::to_string(end.number("/counts/new/errors"))});

  const auto& streams = json.at("streams").as_array();
  const auto errors = std::find_if(streams.begin(), streams.end(), [](const auto& stream) {
    return stream.at("stream") == "errors";
  });
  ASSERT_NE(errors, streams.end());
  EXPECT_EQ(errors->at("new").at("bad").to_number<std::int64_t>(),
            end.number("/counts/new/errors"));
  EXPECT_GE(json.at("evidence").to_number<double>(), 1000);
  EXPECT_GT(errors->at("ratio_lower_bound").to_number<double>(), 1);
  EXPECT_EQ(json.at("backends").as_array().size(), 2u) << "both backends of NEW were bad";
}

TEST(RolloutCli, EveryVerbReachesTheRollout) {
  RolloutScene scene({.policy = {.step_time = "60s", .bake = "60s", .retain_old = "60s"}});
  const Load users(scene.users());
  ASSERT_EQ(rollout_verb(scene, {"start", "shop", "--to", "shop-v2"}).exit_code, 0);
  ASSERT_TRUE(scene.reaches_step(1));
  const std::vector<std::pair<std::vector<std::string>, std::string>> verbs = {
      {{"pause", "shop"}, "paused"},      {{"resume", "shop"}, ""},
      {{"promote", "shop"}, ""},          {{"promote", "shop", "--full"}, "promoted"},
      {{"undo", "shop"}, "rolled_back"},  {{"retry", "shop"}, ""},
      {{"abort", "shop"}, "rolled_back"},
  };
  for (const auto& [words, state] : verbs) {
    const FinishedRun run = rollout_verb(scene, words);
    EXPECT_EQ(run.exit_code, 0) << words[0] << ": " << told(run);
    if (!state.empty()) {
      EXPECT_TRUE(scene.reaches(state, seconds(5))) << words[0];
    }
  }
  const FinishedRun refused = rollout_verb(scene, {"approve", "shop"});
  EXPECT_EQ(refused.exit_code, 1) << told(refused);
  ASSERT_EQ(rollout_verb(scene, {"start", "shop", "--to", "shop-v2"}).exit_code, 0);
  const FinishedRun history = rollout_verb(scene, {"history", "shop"});
  EXPECT_EQ(history.exit_code, 0) << told(history);
  expect_words(history.out, {"rolled_back"});
}

TEST(RolloutCli, WatchOutlivesARestartOfTheProxy) {
  RolloutScene scene({.policy = {.step_time = "1s"}, .keeps_state = true});
  ASSERT_EQ(scene.start("build-9").status, 201u);
  const TempDir directory;
  ChildProcess watch({program_path(), "rollout", "watch", "shop", "--timeout", "60s", "--admin",
                      scene.sluice.admin_address()},
                     directory.file("out"), directory.file("err"));
  ASSERT_TRUE(eventually([&] { return !read_file(directory.file("out")).empty(); }));
  scene.sluice.restart();
  const Load users(scene.users());
  EXPECT_EQ(watch.wait_exit(seconds(60)), 0) << read_file(directory.file("err"));
  expect_words(read_file(directory.file("out")), {"build-9", "promoted"});
}

}  // namespace
}  // namespace sluice::e2e
