#include <filesystem>

#include "proxy/wall_clock.hpp"
#include "tests/proxy/control_side.hpp"

/// The decision among control sides.
namespace sluice::proxy {
namespace {

namespace fs = std::filesystem;

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

DrainState drain_of_v1(Side& side) {
  DrainState state = DrainState::none;
  bool is_told = false;
  side.control->pool("v1", [&](const Outcome<PoolStatus>& pool) {
    is_told = true;
    if (pool) state = pool->backends.front().drain;
  });
  EXPECT_TRUE(work({&side}, [&] { return is_told; }));
  return state;
}

/// Starts a rollout of v2 on `decider` and waits until both show it at this weight.
::testing::AssertionResult starts_rollout(Side& decider, Side& follower, RolloutSettings policy) {
  policy.steps = {2500, 5000};
  decider.control->start_rollout("all", {"v2", "", "build-1", policy}, std::nullopt, alice,
                                 [](const Outcome<RolloutStatus>&) {});
  const bool is_so = work({&decider, &follower}, [&] {
    const auto seen = follower.control->rollout("all");
    return weight_of_v2(follower) == 2500 && seen && seen->step == 1;
  });
  return is_so ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << "no rollout";
}

TEST(ControlDecider, ATakeoverDoesNotMoveTheClockOfARollout) {
  const support::TempDir folder;
  auto old = std::make_unique<Side>(settings_in(folder.file("state")));
  Side next(settings_in(folder.file("state")));
  ASSERT_TRUE(work({old.get(), &next}, [&] { return old->is_ready && next.is_ready; }));
  // It has been there for a while.
  const auto end = support::Clock::now() + milliseconds(1500);
  ASSERT_TRUE(work({old.get(), &next}, [&] { return support::Clock::now() > end; }));
  RolloutSettings policy;
  policy.step_time = seconds(60);
  ASSERT_TRUE(starts_rollout(*old, next, policy));
  old.reset();
  ASSERT_TRUE(work({&next}, [&] { return next.control->decides(); }));
  std::optional<RolloutState> state;
  next.control->steer_rollout("all", RolloutVerb::pause, std::nullopt, alice,
                              [&](const Outcome<RolloutStatus>& outcome) {
                                if (outcome) state = outcome->state;
                              });
  ASSERT_TRUE(work({&next}, [&] { return state == RolloutState::paused; }));
  const auto now = next.control->rollout("all");
  ASSERT_TRUE(now);
  ASSERT_FALSE(now->decisions.empty());
  EXPECT_LT(now->decisions.back().at_ms, wall_clock_ms() + 500);
}

TEST(ControlDecider, WhatARolloutDrainsDuringAHandOverThatIsCalledOffIsDrainedAfterIt) {
  const support::TempDir folder;
  Side side(settings_in(folder.file("state")));
  Side other(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&side, &other}, [&] { return side.is_ready && other.is_ready; }));
  RolloutSettings policy;
  policy.retain_old = milliseconds(0);
  ASSERT_TRUE(starts_rollout(side, other, policy));
  bool is_steered = false;
  side.control->steer_rollout("all", RolloutVerb::promote_full, std::nullopt, alice,
                              [&](const Outcome<RolloutStatus>&) { is_steered = true; });
  const auto call_off = [&side] { side.control->hand_over([] {}, [] { return false; }); };
  const auto is_promoted = [&] { return is_steered && weight_of_v2(side) == 10000; };
  ASSERT_TRUE(work({&side, &other}, [&] {
    call_off();
    return is_promoted();
  }));
  // Until the order to drain was given.
  for (int round = 0; round < 5; ++round) {
    const auto end = support::Clock::now() + milliseconds(50);
    ASSERT_TRUE(work({&side, &other}, [&] {
      call_off();
      return support::Clock::now() > end;
    }));
  }
  EXPECT_TRUE(work({&side, &other}, [&] { return drain_of_v1(side) != DrainState::none; }));
}

TEST(ControlDecider, ALockThatIsRemovedLeavesOneThatDecides) {
  const support::TempDir folder;
  Side one(settings_in(folder.file("state")));
  Side two(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&one, &two}, [&] { return one.is_ready && two.is_ready; }));
  ASSERT_TRUE(sets_split(one, 90, 10));
  ASSERT_TRUE(work({&one, &two}, [&] { return weight_of_v2(two) == 10; }));
  for (int round = 0; round < 3; ++round) {
    fs::remove(folder.file("state/lock"));
    ASSERT_TRUE(work({&one, &two}, [&] {
      return fs::exists(folder.file("state/lock")) &&
             one.control->decides() != two.control->decides();
    }));
    Side& decider = one.control->decides() ? one : two;
    Side& other = one.control->decides() ? two : one;
    const auto weight = static_cast<Weight>(20 + round);
    ASSERT_TRUE(sets_split(decider, 100 - weight, weight));
    EXPECT_FALSE(sets_split(other, 1, 99));
    EXPECT_TRUE(work({&one, &two}, [&] { return weight_of_v2(other) == weight; }));
  }
}

TEST(ControlDecider, WhoCannotReadWhatWasDecidedLeavesTheRolloutToAnOperator) {
  const support::TempDir folder;
  auto old = std::make_unique<Side>(settings_in(folder.file("state")));
  Side next(settings_in(folder.file("state")));
  ASSERT_TRUE(work({old.get(), &next}, [&] { return old->is_ready && next.is_ready; }));
  ASSERT_TRUE(starts_rollout(*old, next, {}));
  old->control->stop();
  old->state.release();
  support::write_file(old->state.path(), R"({"format":9})");
  old.reset();
  ASSERT_TRUE(work({&next}, [&] { return next.control->decides(); }));
  const auto seen = next.control->rollout("all");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, RolloutState::paused);
  EXPECT_EQ(weight_of_v2(next), 2500U) << "what is in force stays";
  EXPECT_EQ(next.recorder->count("resume or abort it"), 1U);
}

TEST(ControlDecider, AStateFileThatIsRemovedIsWrittenAgainAndTakesNothingBack) {
  const support::TempDir folder;
  auto old = std::make_unique<Side>(settings_in(folder.file("state")));
  Side next(settings_in(folder.file("state")));
  ASSERT_TRUE(work({old.get(), &next}, [&] { return old->is_ready && next.is_ready; }));
  ASSERT_TRUE(sets_split(*old, 40, 60));
  ASSERT_TRUE(work({old.get(), &next}, [&] { return weight_of_v2(next) == 60; }));
  const std::string path = old->state.path();
  fs::remove(path);
  EXPECT_TRUE(work({old.get(), &next}, [&] { return fs::exists(path); })) << "by who decides";
  EXPECT_EQ(weight_of_v2(next), 60U);

  old->control->stop();
  old->state.release();
  fs::remove(path);
  old.reset();
  ASSERT_TRUE(work({&next}, [&] { return next.control->decides(); }));
  EXPECT_EQ(weight_of_v2(next), 60U);
  EXPECT_TRUE(work({&next}, [&] { return fs::exists(path); })) << "by who took over";
}

TEST(ControlDecider, WhoLeavesDoesNotTakeTheDecisionBack) {
  const support::TempDir folder;
  Side old(settings_in(folder.file("state")));
  Side next(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&old, &next}, [&] { return old.is_ready && next.is_ready; }));
  ASSERT_TRUE(sets_split(old, 90, 10));
  old.control->leave();
  const auto refused = sets_split(old, 1, 1);
  EXPECT_FALSE(refused);
  EXPECT_NE(std::string(refused.message()).find("about to end"), std::string::npos)
      << refused.message();
  ASSERT_TRUE(work({&old, &next}, [&] { return next.control->decides(); }));
  EXPECT_FALSE(old.control->decides());
  EXPECT_EQ(weight_of_v2(next), 10U);
}

TEST(ControlDecider, WhoLeavesDoesNotBeginToDecideEither) {
  const support::TempDir folder;
  Side decider(settings_in(folder.file("state")));
  Side leaving(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&decider, &leaving}, [&] { return decider.is_ready && leaving.is_ready; }));
  leaving.control->leave();
  decider.control->leave();
  ASSERT_TRUE(work({&decider, &leaving}, [&] { return !decider.control->decides(); }));
  Side third(settings_in(folder.file("state")));
  EXPECT_TRUE(work({&decider, &leaving, &third}, [&] { return third.control->decides(); }));
  EXPECT_FALSE(leaving.control->decides());
}

TEST(ControlDecider, WithoutALockThereIsNothingToHandOver) {
  const support::TempDir folder;
  fs::create_directory(folder.file("state"));
  fs::create_symlink("lock", folder.file("state/lock"));  // to itself: cannot be opened
  Side side(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  bool is_called = false;
  side.control->hand_over([&] { is_called = true; });
  ASSERT_TRUE(work({&side}, [&] { return is_called; }));
  EXPECT_TRUE(side.control->decides());
  EXPECT_TRUE(sets_split(side, 90, 10)) << "in force here alone";
  EXPECT_FALSE(fs::exists(side.state.path()));
  fs::remove(folder.file("state/lock"));
  EXPECT_TRUE(work({&side}, [&] { return fs::exists(side.state.path()); }));
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

TEST(ControlDecider, AReloadAnswersThatTheStateCannotBeWritten) {
  const support::TempDir folder;
  Settings settings = settings_in(folder.file("state"));
  Side side(settings);
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  fs::create_symlink("/dev/full", side.state.path() + ".new");
  settings.routes[0].split = {{"v1", 90}, {"v2", 10}};
  const auto answer = reloads(side, settings);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(weight_of_v2(side), 10U);
  ASSERT_EQ(answer->notices.size(), 1U);
  EXPECT_NE(answer->notices[0].find("No space left"), std::string::npos) << answer->notices[0];
}

TEST(ControlDecider, WhoTakesOverTakesNoReloadBeforeItServes) {
  Settings settings = settings_in("");
  Side side(settings, std::make_shared<const HandoverState>());
  settings.routes[0].split = {{"v1", 90}, {"v2", 10}};
  const auto is_refused = [&](const std::string& why) {
    const auto answer = reloads(side, settings);
    return !answer && answer.error().status == 409 &&
           answer.error().detail.find(why) != std::string::npos;
  };
  EXPECT_TRUE(is_refused("ask again in a moment"));
  ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
  EXPECT_TRUE(is_refused("ask again in a moment")) << "the one before it serves still";
  EXPECT_EQ(weight_of_v2(side), 0U);
  side.control->set_readiness({true, ""});
  EXPECT_TRUE(reloads(side, settings));
  EXPECT_EQ(weight_of_v2(side), 10U);
  side.control->set_readiness({false, "draining"});
  EXPECT_TRUE(is_refused("successor")) << "now it stops";
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
