#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "proxy/program/rollout_watch.hpp"
#include "tests/proxy/admin_running.hpp"
#include "tests/proxy/rollout_sample.hpp"
#include "tests/proxy/verbs_run.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy::program {
namespace {

using std::chrono::milliseconds;

class RolloutVerbs : public ::testing::Test {
 protected:
  Ran rollout(std::vector<std::string> words) {
    words.insert(words.begin(), "rollout");
    words.insert(words.end(), {"--admin", admin.address()});
    return run(std::move(words));
  }
  void stands(RolloutStatus status) {
    admin.on_control([&](FakeControl& control) { control.rollouts = {std::move(status)}; });
  }
  /// What is answered, question by question; the last one again and again.
  void will_stand(std::deque<Outcome<RolloutStatus>> answers) {
    admin.on_control([&](FakeControl& control) {
      control.on_rollout = [answers = std::move(answers)]() mutable {
        const Outcome<RolloutStatus> answer = answers.front();
        if (answers.size() > 1) answers.pop_front();
        return answer;
      };
    });
  }
  static RolloutStatus sample_in(RolloutState state, std::size_t step = 2) {
    RolloutStatus status = sample_rollout();
    status.state = state;
    status.step = step;
    status.reason = status.words = "";
    return status;
  }

  RunningAdmin admin;
};

/// Runs a watch with short pauses.
struct WatchRun {
  WatchCode code = watch_refused;
  std::string out;
  std::string err;
};
WatchRun watch(const std::string& address, WatchOrder order) {
  std::ostringstream out;
  std::ostringstream err;
  order.route = "shop";
  order.pause = milliseconds(1);
  Connection connection;
  connection.admin = address;
  const WatchCode code = watch_rollout(connection, order, {out, err, false});
  return {code, out.str(), err.str()};
}

TEST_F(RolloutVerbs, StartSendsWhatWasGiven) {
  const support::TempDir directory;
  support::write_file(directory.file("policy.json"), R"({"step_time":"10s"})"
                                                     "\n");
  const Ran ran = rollout({"start", "shop", "--to", "shop-v2", "--from", "shop-v1", "--id", "b-1",
                           "--policy", directory.file("policy.json"), "--if-match", "7"});
  EXPECT_EQ(ran.code, exit_done) << ran.err;
  EXPECT_TRUE(ran.out.starts_with("rollout b-1 on shop: staged\n")) << ran.out;
  admin.on_control([](FakeControl& control) {
    EXPECT_EQ(control.rollout_order.to, "shop-v2");
    EXPECT_EQ(control.rollout_order.from, "shop-v1");
    EXPECT_EQ(control.rollout_order.id, "b-1");
    ASSERT_TRUE(control.rollout_order.policy);
    EXPECT_EQ(control.rollout_order.policy->step_time, milliseconds(10'000));
    EXPECT_EQ(control.if_match, 7U);
  });
}

TEST_F(RolloutVerbs, ReadingVerbsShowOrPrintTheJson) {
  stands(sample_rollout());
  EXPECT_TRUE(rollout({"status", "shop"}).out.starts_with("rollout build-42 on shop: holding"));
  EXPECT_TRUE(rollout({"explain", "shop"}).out.starts_with("build-42 on shop is holding"));
  EXPECT_EQ(rollout({"history", "shop"}).out, "no rollout has ended\n");
  EXPECT_TRUE(rollout({"status", "shop", "--json"}).out.starts_with("{\"id\":\"build-42\""));
  EXPECT_TRUE(has(rollout({"explain", "shop", "--json"}).out, "\"streams\":["));
  EXPECT_EQ(rollout({"history", "shop", "--json"}).out, "{\"rollouts\":[]}\n");
}

TEST_F(RolloutVerbs, SteeringVerbsReachTheirCalls) {
  stands(sample_rollout());
  const std::pair<std::vector<std::string>, RolloutVerb> cases[] = {
      {{"pause"}, RolloutVerb::pause},     {{"resume"}, RolloutVerb::resume},
      {{"promote"}, RolloutVerb::promote}, {{"promote", "--full"}, RolloutVerb::promote_full},
      {{"abort"}, RolloutVerb::abort},     {{"undo"}, RolloutVerb::undo},
      {{"approve"}, RolloutVerb::approve}, {{"retry"}, RolloutVerb::retry},
  };
  for (const auto& [words, verb] : cases) {
    std::vector<std::string> line = words;
    line.push_back("shop");
    EXPECT_EQ(rollout(line).code, exit_done) << words.back();
    admin.on_control([wanted = verb](FakeControl& control) { EXPECT_EQ(control.verb, wanted); });
  }
  EXPECT_EQ(rollout({"pause", "shop", "--if-match", "8"}).code, exit_refused);
}

TEST_F(RolloutVerbs, WrongCommandLinesAskNothing) {
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"start", "shop"},
      {"start", "--to", "shop-v2"},
      {"start", "shop", "--to", "p", "--policy", "/nowhere"},
      {"start", "shop", "--to", "p", "--timeout", "10m"},
      {"start", "shop", "--to", "p", "--exit-on-hold"},
      {"start", "shop", "--to", "p", "--watch", "--timeout", "10"},
      {"watch", "shop", "--timeout", "soon"},
      {"pause", "shop", "--full"},
      {"pause", "shop", "--if-match", "x"},
      {"stop", "shop"},
  };
  for (const auto& words : lines) {
    const Ran ran = rollout(words);
    EXPECT_EQ(ran.code, exit_usage) << ::testing::PrintToString(words);
    EXPECT_NE(ran.err, "") << ::testing::PrintToString(words);
  }
  admin.on_control([](FakeControl& control) { EXPECT_TRUE(control.calls.empty()); });
}

TEST_F(RolloutVerbs, WatchEndsWithHowTheRolloutEnded) {
  stands(sample_in(RolloutState::promoted));
  EXPECT_EQ(rollout({"watch", "shop"}).code, watch_promoted);
  stands(sample_in(RolloutState::rolled_back));
  const Ran ran = rollout({"watch", "shop", "--id", "build-42", "--timeout", "10m"});
  EXPECT_EQ(ran.code, watch_rolled_back);
  EXPECT_EQ(ran.out, "build-42: rolled_back, step 2 of 5, shop-v2 5.5%, 58 requests, E 24.5\n");
  stands(sample_in(RolloutState::holding));
  EXPECT_EQ(rollout({"watch", "shop", "--exit-on-hold"}).code, watch_held);
  EXPECT_EQ(rollout({"watch", "shop", "--timeout", "0s"}).code, watch_timeout);
  EXPECT_EQ(rollout({"watch", "shoe"}).code, watch_refused);
  EXPECT_EQ(rollout({"watch", "shop", "--id", "build-1"}).code, watch_refused);
}

TEST_F(RolloutVerbs, StartCanWatchUntilTheEnd) {
  will_stand({Denial{404, "", "none yet"}, sample_in(RolloutState::rolled_back)});
  const Ran ran = rollout({"start", "shop", "--to", "shop-v2", "--id", "build-42", "--watch"});
  EXPECT_EQ(ran.code, watch_rolled_back) << ran.err;
  EXPECT_TRUE(ran.out.starts_with("build-42: rolled_back")) << ran.out;
  admin.on_control([](FakeControl& control) { control.deny = Denial{409, "", "Under way."}; });
  EXPECT_EQ(rollout({"start", "shop", "--to", "p", "--id", "b", "--watch"}).code, watch_refused);
}

TEST_F(RolloutVerbs, WatchPrintsALineForEachChange) {
  will_stand({sample_in(RolloutState::stepping, 1), sample_in(RolloutState::stepping, 1),
              sample_in(RolloutState::stepping, 2), sample_in(RolloutState::baking, 5),
              sample_in(RolloutState::promoted, 5)});
  const WatchRun watched = watch(admin.address(), {});
  EXPECT_EQ(watched.code, watch_promoted);
  EXPECT_EQ(std::count(watched.out.begin(), watched.out.end(), '\n'), 4) << watched.out;
}

TEST_F(RolloutVerbs, WatchOutlivesAProxyThatIsStopping) {
  will_stand({sample_in(RolloutState::stepping), Denial{503, "", "The proxy stops."},
              Denial{503, "", "The proxy stops."}, sample_in(RolloutState::rolled_back)});
  const WatchRun watched = watch(admin.address(), {});
  EXPECT_EQ(watched.code, watch_rolled_back);
  EXPECT_EQ(watched.err, "sluice: 503 Service Unavailable: The proxy stops. Trying again.\n");
}

/// An error stream that does something when it is first flushed.
class Reacting : public std::stringbuf {
 public:
  explicit Reacting(std::function<void()> react) : react_(std::move(react)) {}
  int sync() override {
    if (react_) std::exchange(react_, nullptr)();
    return 0;
  }

 private:
  std::function<void()> react_;
};

TEST(RolloutWatchAddress, ProxyThatComesBackIsFollowedAgain) {
  const std::string address = support::free_address();
  std::optional<RunningAdmin> admin;
  Reacting said([&] {
    admin.emplace(AdminOptions{}, address);
    admin->on_control([](FakeControl& control) {
      control.rollouts = {sample_rollout()};
      control.rollouts[0].state = RolloutState::promoted;
    });
  });
  std::ostream err(&said);
  std::ostringstream out;
  WatchOrder order;
  order.route = "shop";
  order.pause = milliseconds(1);
  Connection connection;
  connection.admin = address;
  EXPECT_EQ(watch_rollout(connection, order, {out, err, false}), watch_promoted);
  EXPECT_TRUE(admin) << "the proxy was not missed";
  EXPECT_TRUE(has(said.str(), "cannot reach the proxy at " + address)) << said.str();
}

TEST(RolloutWatchAddress, MissingProxyIsGivenUpAtLast) {
  WatchOrder patient;
  patient.timeout = milliseconds(20);
  EXPECT_EQ(watch(support::free_address(), patient).code, watch_timeout);
  WatchOrder impatient;
  impatient.patience = milliseconds(20);
  EXPECT_EQ(watch(support::free_address(), impatient).code, watch_refused);
}

}  // namespace
}  // namespace sluice::proxy::program
