#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "proxy/local_control.hpp"
#include "proxy/state_json.hpp"
#include "tests/proxy/running_proxy.hpp"
#include "tests/support/temp_dir.hpp"

/// The decision among control sides on one state folder, all on the thread of the test.
namespace sluice::proxy {
namespace {

namespace fs = std::filesystem;

Settings settings_in(const std::string& folder) {
  Settings settings = quiet_settings();
  settings.server.workers = 1;
  settings.server.state_dir = folder;
  settings.pools = {pool_of("v1", {"127.0.0.1:1"}), pool_of("v2", {"127.0.0.1:2"})};
  settings.routes = {route_of("all", "/", {{"v1", 100}, {"v2", 0}})};
  return settings;
}

/// The control side of one proxy with a worker; no listener, no admin interface.
class Side {
 public:
  explicit Side(const Settings& settings) : state(settings.server.state_dir), log("off") {
    const std::string problem = state.prepare();
    if (!problem.empty()) throw support::Failure(problem);
    control = std::make_unique<LocalControl>(
        LocalControl::Parts{io, fleet, state, log, notices, listeners}, settings);
    fleet.start();
    control->start([this] { is_ready = true; });
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  ~Side() {
    fleet.release_and_join();
    control->stop();
    state.close();
    listeners.close();
    io.restart();
    io.poll();
  }

  boost::asio::io_context io;
  StateFile state;
  AccessLog log;
  std::atomic<unsigned> connections{0};
  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
  Notices notices{io, recorder};
  Fleet fleet{io, 1, Worker::Shared{log, connections}};
  Listeners listeners{fleet};
  std::unique_ptr<LocalControl> control;
  bool is_ready = false;
};

/// Lets all of them work until `holds`.
template <class Predicate>
bool work(std::initializer_list<Side*> sides, Predicate holds,
          support::Clock::duration limit = support::patience) {
  return support::eventually(
      [&] {
        for (Side* side : sides) {
          side->io.restart();
          side->io.poll();
        }
        return holds();
      },
      limit);
}

const Actor alice{"alice", "test"};

/// Whether the call was allowed.
testing::AssertionResult sets_split(Side& side, Weight v1, Weight v2) {
  std::optional<Outcome<RouteStatus>> answer;
  side.control->set_split("all", {{"v1", v1}, {"v2", v2}}, std::nullopt, alice,
                          [&](Outcome<RouteStatus> outcome) { answer = std::move(outcome); });
  if (!work({&side}, [&] { return answer.has_value(); })) {
    return testing::AssertionFailure() << "no answer";
  }
  if (*answer) return testing::AssertionSuccess();
  return testing::AssertionFailure() << answer->error().status << " " << answer->error().detail;
}

Weight weight_of_v2(Side& side) {
  return side.control->route("all")->shares.at(1).in_force;
}

std::string this_process() {
  return "process " + std::to_string(::getpid());
}

TEST(ControlDecider, TheOneThatHandsOverFollowsTheOneThatTakesOver) {
  const support::TempDir folder;
  Side old(settings_in(folder.file("state")));
  Side next(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&old, &next}, [&] { return old.is_ready && next.is_ready; }));
  EXPECT_TRUE(old.control->decides());
  EXPECT_FALSE(next.control->decides());
  EXPECT_FALSE(next.control->decide_now()) << "the old one has not let go";
  ASSERT_TRUE(sets_split(old, 90, 10));

  bool is_free = false;
  old.control->hand_over([&] { is_free = true; });
  ASSERT_TRUE(work({&old}, [&] { return is_free; }));
  EXPECT_FALSE(old.control->decides());
  const auto refused = sets_split(old, 1, 1);
  EXPECT_FALSE(refused);
  EXPECT_NE(std::string(refused.message()).find("409"), std::string::npos) << refused.message();
  EXPECT_TRUE(next.control->decide_now()) << "at once, without a turn of its loop";
  EXPECT_EQ(weight_of_v2(next), 10U);
  ASSERT_TRUE(sets_split(next, 50, 50));
  EXPECT_TRUE(work({&old, &next}, [&] { return weight_of_v2(old) == 50; }));
  EXPECT_TRUE(work({&old, &next},
                   [&] { return old.recorder->count("log 2 follows " + this_process()) > 0; }));
  EXPECT_EQ(next.recorder->count("decides from now on"), 1U);
}

TEST(ControlDecider, ADecisionThatNobodyTakesComesBack) {
  const support::TempDir folder;
  Side side(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  bool is_free = false;
  side.control->hand_over([&] { is_free = true; });
  ASSERT_TRUE(work({&side}, [&] { return is_free; }));
  EXPECT_FALSE(side.control->decides());
  const auto refused = sets_split(side, 1, 1);
  EXPECT_FALSE(refused);
  EXPECT_NE(std::string(refused.message()).find("ask again"), std::string::npos)
      << refused.message();
  EXPECT_TRUE(work({&side}, [&] { return side.control->decides(); }));
  EXPECT_TRUE(sets_split(side, 1, 1));
}

TEST(ControlDecider, AHandOverWithoutAStateFolderChangesNothing) {
  Side side(settings_in(""));
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  bool is_called = false;
  side.control->hand_over([&] { is_called = true; });
  ASSERT_TRUE(work({&side}, [&] { return is_called; }));
  EXPECT_TRUE(side.control->decides());
  EXPECT_TRUE(side.control->decide_now());
  EXPECT_TRUE(sets_split(side, 1, 1));
}

TEST(ControlDecider, ARolloutGoesOnWhereTheDecisionGoes) {
  const support::TempDir folder;
  Side old(settings_in(folder.file("state")));
  Side next(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&old, &next}, [&] { return old.is_ready && next.is_ready; }));
  RolloutSettings policy;
  policy.steps = {2500, 5000};
  bool is_begun = false;
  old.control->start_rollout(
      "all", {"v2", "", "build-1", policy}, std::nullopt, alice,
      [&](const Outcome<RolloutStatus>& begun) { is_begun = static_cast<bool>(begun); });
  ASSERT_TRUE(work({&old, &next}, [&] { return is_begun; }));
  ASSERT_TRUE(work({&old, &next}, [&] {
    const auto seen = next.control->rollout("all");
    return weight_of_v2(next) == 2500 && seen && seen->step == 1;
  }));
  const std::size_t decided = next.recorder->count("log 2 rollout build-1");
  EXPECT_EQ(decided, 0U) << "who follows decides nothing";

  old.control->hand_over([] {});
  ASSERT_TRUE(work({&old, &next}, [&] { return next.control->decides(); }));
  const auto after = next.control->rollout("all");
  ASSERT_TRUE(after);
  EXPECT_EQ(after->id, "build-1");
  EXPECT_EQ(after->step, 1U);
  EXPECT_EQ(weight_of_v2(next), 2500U);
  EXPECT_EQ(next.recorder->count("rollout build-1 of route all goes on"), 1U);
  std::optional<RolloutState> state;
  next.control->steer_rollout("all", RolloutVerb::abort, std::nullopt, alice,
                              [&](const Outcome<RolloutStatus>& outcome) {
                                if (outcome) state = outcome->state;
                              });
  ASSERT_TRUE(work({&old, &next}, [&] { return state.has_value() && weight_of_v2(next) == 0; }));
  EXPECT_TRUE(work({&old, &next}, [&] { return weight_of_v2(old) == 0; }));
  EXPECT_EQ(old.recorder->count("rollback"), 0U) << "the old one only follows";
}

/// Begins a drain of v1; whether the call was allowed.
bool drains_v1(Side& side, std::optional<milliseconds> deadline) {
  std::optional<bool> is_begun;
  side.control->drain({"v1", "", deadline}, alice, [&](const Outcome<DrainStatus>& begun) {
    is_begun = static_cast<bool>(begun);
  });
  return work({&side}, [&] { return is_begun.has_value(); }) && *is_begun;
}

/// The moment that is kept as the deadline of the one drain.
std::optional<std::int64_t> kept_deadline(const Side& side) {
  const auto kept = read_state_text(support::read_file(side.state.path()));
  if (!kept || kept->drains.size() != 1) throw support::Failure("not one drain is kept");
  return kept->drains[0].deadline_ms;
}

TEST(ControlDecider, ADrainThatIsInForceAtTheStartComesToItsEnd) {
  const support::TempDir folder;
  std::optional<std::int64_t> deadline;
  {
    Side side(settings_in(folder.file("state")));
    ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
    ASSERT_TRUE(drains_v1(side, std::nullopt));
    EXPECT_EQ(kept_deadline(side), std::nullopt);
    ASSERT_TRUE(drains_v1(side, std::chrono::hours(1)));
    deadline = kept_deadline(side);
    ASSERT_TRUE(deadline);
    ASSERT_TRUE(drains_v1(side, std::nullopt));
    EXPECT_EQ(kept_deadline(side), deadline) << "an order without one leaves it";
    EXPECT_TRUE(work({&side}, [&] { return side.recorder->count("drained v1 cut 0") > 0; }));
  }
  Side again(settings_in(folder.file("state")));
  EXPECT_TRUE(work({&again}, [&] { return again.recorder->count("drained v1 cut 0") == 1; }));
  ASSERT_TRUE(sets_split(again, 10, 90)) << "the state is written once more";
  EXPECT_EQ(kept_deadline(again), deadline);
}

TEST(ControlDecider, WhoTakesOverHasFollowedADrainAlready) {
  const support::TempDir folder;
  Side old(settings_in(folder.file("state")));
  Side next(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&old, &next}, [&] { return old.is_ready && next.is_ready; }));
  ASSERT_TRUE(drains_v1(old, std::chrono::hours(1)));
  const auto deadline = kept_deadline(old);
  const auto ends = [&] { return next.recorder->count("drained v1 cut 0"); };
  EXPECT_TRUE(work({&old, &next}, [&] { return ends() == 1; }));
  old.control->hand_over([] {});
  ASSERT_TRUE(work({&old, &next}, [&] { return next.control->decides(); }));
  ASSERT_TRUE(sets_split(next, 10, 90));
  EXPECT_EQ(kept_deadline(next), deadline);
  EXPECT_EQ(ends(), 1U) << "it is told once";
}

TEST(ControlDecider, WhatCannotBeWrittenIsToldForEachChangeAndNotAllTheTime) {
  const support::TempDir folder;
  Side side(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  ASSERT_TRUE(sets_split(side, 90, 10));
  const std::string obstacle = side.state.path() + ".new";
  fs::create_symlink("/dev/full", obstacle);
  const auto errors = [&] { return side.recorder->count("No space left"); };
  EXPECT_TRUE(sets_split(side, 80, 20)) << "traffic goes on";
  EXPECT_TRUE(sets_split(side, 100, 0));
  EXPECT_EQ(errors(), 2U);

  bool is_begun = false;
  RolloutSettings policy;
  policy.steps = {2500, 5000};
  policy.step_time = milliseconds(100);
  side.control->start_rollout(
      "all", {"v2", "", "build-1", policy}, std::nullopt, alice,
      [&](const Outcome<RolloutStatus>& begun) { is_begun = static_cast<bool>(begun); });
  ASSERT_TRUE(work({&side}, [&] {
    const auto seen = side.control->rollout("all");
    return is_begun && seen && seen->state == RolloutState::holding;
  }));
  EXPECT_LT(errors(), 10U);
  // What was decided last may still be on its way to the disk.
  bool is_quiet = false;
  for (int round = 0; round < 5 && !is_quiet; ++round) {
    const std::size_t before = errors();
    is_quiet = !work(
        {&side}, [&] { return errors() > before; }, milliseconds(1300));
  }
  EXPECT_TRUE(is_quiet) << "its counts are written twice a second";

  fs::remove(obstacle);
  EXPECT_TRUE(work({&side}, [&] { return side.recorder->count("is written again") == 1; }));
  const auto kept = support::read_file(side.state.path());
  EXPECT_NE(kept.find("build-1"), std::string::npos) << kept;
}

TEST(ControlDecider, WhatCouldNotBeWrittenIsWrittenWhenThereIsRoomAgain) {
  const support::TempDir folder;
  Side side(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  fs::create_symlink("/dev/full", side.state.path() + ".new");
  ASSERT_TRUE(sets_split(side, 77, 23));
  ASSERT_EQ(side.recorder->count("No space left"), 1U);
  fs::remove(side.state.path() + ".new");
  EXPECT_TRUE(work({&side}, [&] { return side.recorder->count("is written again") == 1; }));
  EXPECT_NE(support::read_file(side.state.path()).find("\"weight_hundredths\":77"),
            std::string::npos);
}

}  // namespace
}  // namespace sluice::proxy
