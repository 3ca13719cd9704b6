#include "tests/proxy/reloads_process.hpp"

namespace sluice::proxy {
namespace {

using namespace reloading;

TEST(ReloadsConfirm, WithoutConfirmationTheSettingsBeforeComeBack) {
  Process process("a", "");
  const auto status = process.reload("b", {.confirm = milliseconds(50)});
  ASSERT_TRUE(status);
  EXPECT_GT(status->confirm_by_ms, 0);
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_EQ(process.history(), (Lines{"3 confirmation did not come a", "2 reload b", "1 start a"}));
  EXPECT_EQ(process.ground.whys, (Lines{"admin call", "confirmation did not come"}));
  EXPECT_TRUE(process.reloads.status().file_differs) << "the file still says b";
  EXPECT_EQ(process.reloads.status().confirm_by_ms, 0);
  EXPECT_EQ(process.confirm().error().status, 409U) << "it is too late";
}

core::SplitOverride weights_of(const std::string& route, std::uint64_t revision) {
  core::SplitOverride split;
  split.route = route;
  split.weights = {{"v2", 100}};
  split.revision = revision;
  return split;
}

TEST(ReloadsConfirm, WhatTheReloadDroppedComesBackWithTheSettingsBefore) {
  Process process("a", "");
  process.ground.changed.splits = {weights_of("a", 2)};
  ASSERT_TRUE(process.reload("b", {.confirm = milliseconds(50)}));
  process.ground.changed.splits.clear();
  EXPECT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_TRUE(process.ground.changed.splits.empty())
      << "it was dropped after the reload, so somebody else did it";

  process.ground.changed.splits = {weights_of("a", 2)};
  process.ground.drops = true;
  ASSERT_TRUE(process.reload("b", {.confirm = milliseconds(50)}));
  EXPECT_TRUE(process.ground.changed.splits.empty());
  EXPECT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_EQ(process.ground.changed.splits.size(), 1U);
}

TEST(ReloadsConfirm, AReloadThatEndsARolloutIsNotTakenOnTrial) {
  Process process("a", "");
  process.ground.rollout = "build-42";
  for (const bool dry_run : {true, false}) {
    const auto refused = process.reload("b", {.dry_run = dry_run, .confirm = hours(1)});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().status, 409U);
    EXPECT_NE(refused.error().detail.find("build-42"), std::string::npos);
  }
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_TRUE(process.reload("b")) << "without a way back it is taken";
}

TEST(ReloadsConfirm, AConfirmedReloadStays) {
  Process process("a", "");
  const auto status = process.reload("b", {.confirm = milliseconds(50)});
  ASSERT_TRUE(status);
  ASSERT_TRUE(process.confirm());
  // A second one that waits proves that the time of the first is over.
  ASSERT_TRUE(process.reload("c", {.confirm = milliseconds(100)}));
  EXPECT_TRUE(process.run_until([&] { return process.in_force() != "c"; }));
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_EQ(process.history(),
            (Lines{"4 confirmation did not come b", "3 reload c", "2 reload b", "1 start a"}));
}

TEST(ReloadsConfirm, ALateConfirmationDoesNotCountForTheNextReload) {
  Process process("a", "");
  const auto first = process.reload("b", {.confirm = milliseconds(1)});
  ASSERT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  const auto second = process.reload("c", {.confirm = hours(1)});
  ASSERT_TRUE(second);
  const auto late = process.confirm(first->record);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().status, 409U);
  EXPECT_NE(late.error().detail.find("record 4 waits"), std::string::npos) << late.error().detail;
  EXPECT_GT(process.reloads.status().confirm_by_ms, 0);
  EXPECT_TRUE(process.confirm(second->record));
}

TEST(ReloadsConfirm, NothingElseIsTakenWhileAConfirmationIsAwaited) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b", {.confirm = hours(1)}));
  const auto second = process.reload("c");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().status, 409U);
  EXPECT_NE(second.error().detail.find("record 2"), std::string::npos) << second.error().detail;
  EXPECT_EQ(process.roll_back("1").error().status, 409U);
  EXPECT_EQ(process.take("d").error().status, 409U);
  EXPECT_TRUE(process.reload("c", {.dry_run = true})) << "looking is free";
  EXPECT_EQ(process.in_force(), "b");
  ASSERT_TRUE(process.confirm());
  EXPECT_TRUE(process.reload("c"));
  EXPECT_EQ(process.in_force(), "c");
}

TEST(ReloadsConfirm, AReloadThatChangesNothingAwaitsNoConfirmation) {
  Process process("a", "");
  const auto status = process.reload("a", {.confirm = hours(1)});
  ASSERT_TRUE(status);
  EXPECT_EQ(status->confirm_by_ms, 0);
  EXPECT_EQ(process.confirm().error().status, 409U);
}

TEST(ReloadsConfirm, AWayBackThatIsRefusedIsTriedAgain) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b", {.confirm = milliseconds(1)}));
  process.ground.deny = Denial{422, "No", "an address is in use"};
  EXPECT_TRUE(process.run_until([&] { return !process.reloads.is_last_ok(); }));
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_EQ(process.history(), (Lines{"2 reload b", "1 start a"}));
  EXPECT_GT(process.reloads.status().confirm_by_ms, 0) << "it does not look confirmed";
  const auto refused = process.reload("c");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("an address is in use"), std::string::npos)
      << refused.error().detail;
  process.ground.deny.reset();
  EXPECT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_EQ(process.reloads.status().confirm_by_ms, 0);
  EXPECT_EQ(process.history().front(), "3 confirmation did not come a");
}

TEST(ReloadsConfirm, AWayBackThatIsRefusedIsToldOnceAndCanStillBeConfirmed) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b", {.confirm = milliseconds(1)}));
  process.ground.deny = Denial{422, "No", "an address is in use"};
  const auto tries = [&] { return process.ground.tries; };
  const int before = tries();
  ASSERT_TRUE(process.run_until([&] { return tries() >= before + 2; }));
  EXPECT_EQ(process.log->count("do not come back: an address is in use"), 1U);
  ASSERT_TRUE(process.confirm());
  EXPECT_EQ(process.reloads.status().confirm_by_ms, 0);
  EXPECT_EQ(process.in_force(), "b");
}

}  // namespace
}  // namespace sluice::proxy
