#include "core/text_hash.hpp"
#include "tests/proxy/reloads_process.hpp"

namespace sluice::proxy {
namespace {

using namespace reloading;

TEST(Reloads, TheStartIsTheFirstRecord) {
  Process process("a", "");
  EXPECT_EQ(process.history(), Lines{"1 start a"});
  const SettingsStatus status = process.reloads.status();
  EXPECT_EQ(status.record, 1U);
  EXPECT_EQ(status.hash, core::text_hash("a"));
  EXPECT_FALSE(status.file_differs);
  EXPECT_TRUE(process.reloads.is_last_ok());
  EXPECT_GT(process.reloads.last_taken_ms(), 0);
}

TEST(Reloads, WhatIsReadIsPutInForceAndRecorded) {
  Process process("a", "");
  const auto status = process.reload("b");
  ASSERT_TRUE(status) << status.error().detail;
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_EQ(status->generation, 2U);
  EXPECT_EQ(status->record, 2U);
  EXPECT_EQ(status->notices, Lines{"dropped"});
  ASSERT_EQ(status->changes.size(), 2U);
  EXPECT_EQ(status->changes[0], (SettingsChange{"route b", ChangeKind::added}));
  const ReloadRecord newest = process.reloads.history().front();
  EXPECT_EQ(newest.who, "alice");
  EXPECT_EQ(newest.from, "127.0.0.1:1");
  EXPECT_EQ(newest.changes, (Lines{"route b added", "route a removed"}));
  EXPECT_EQ(process.history(), (Lines{"2 reload b", "1 start a"}));
}

TEST(Reloads, TheSameSettingsMakeNoPlanAndNoRecord) {
  Process process("a", "");
  const auto status = process.reload("a");
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->changes.empty());
  EXPECT_EQ(status->generation, 1U);
  EXPECT_EQ(status->record, 1U);
  EXPECT_TRUE(process.ground.whys.empty());
}

TEST(Reloads, AnotherTextForTheSameSettingsIsRecordedWithoutAPlan) {
  Process process("a", "");
  process.ground.configured = settings_of("a # with a comment");
  const auto status = process.reload("a # with a comment");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->generation, 1U);
  EXPECT_EQ(process.history(), (Lines{"2 reload a # with a comment", "1 start a"}));
}

TEST(Reloads, BadSettingsChangeNothingAndEveryProblemIsTold) {
  Process process("a", "");
  const auto status = process.reload("bad");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().status, 422U);
  EXPECT_EQ(status.error().problems.size(), 2U);
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_FALSE(process.reloads.is_last_ok());
  EXPECT_EQ(process.history(), Lines{"1 start a"});
  ASSERT_TRUE(process.reload("a"));
  EXPECT_TRUE(process.reloads.is_last_ok());
}

TEST(Reloads, AReaderThatThrowsIsAProblem) {
  Process process("a", "");
  const auto status = process.reload("throws");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().status, 422U);
  EXPECT_EQ(status.error().detail, "nothing was changed; they cannot be read: the vault is sealed");
  EXPECT_EQ(process.reload("strange").error().status, 422U);
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_FALSE(process.reloads.is_last_ok());
  ASSERT_TRUE(process.reload("b"));
  process.file = "throws";
  ASSERT_TRUE(process.roll_back("1")) << "that text can be read";
  EXPECT_TRUE(process.reloads.status().file_differs);
}

TEST(Reloads, WhatTheProxyRefusesIsNotRecorded) {
  Process process("a", "");
  process.ground.deny = Denial{409, "The proxy stops", "give them to its successor"};
  EXPECT_EQ(process.reload("b").error().status, 409U);
  EXPECT_FALSE(process.reloads.is_last_ok());
  EXPECT_EQ(process.history(), Lines{"1 start a"});
}

TEST(Reloads, ADryRunOnlyTells) {
  Process process("a", "");
  const auto status = process.reload("b", {.dry_run = true});
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->is_dry_run);
  EXPECT_EQ(status->changes.size(), 2U);
  EXPECT_EQ(status->notices, Lines{"would drop the weights of b"});
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_EQ(process.history(), Lines{"1 start a"});
  EXPECT_FALSE(process.reload("bad", {.dry_run = true}));
  EXPECT_TRUE(process.reloads.is_last_ok()) << "a dry run is no reload";
}

TEST(Reloads, RollbackGoesToTheRecordOrToTheOneBefore) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b"));
  ASSERT_TRUE(process.reload("c"));
  const auto first = process.roll_back("1");
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_TRUE(first->file_differs);
  EXPECT_EQ(process.history().front(), "4 rollback to 1 a");
  ASSERT_TRUE(process.roll_back("previous"));
  EXPECT_EQ(process.in_force(), "c");
  EXPECT_FALSE(process.reloads.status().file_differs) << "c is what the file says";
  EXPECT_EQ(process.roll_back("77").error().status, 404U);
  EXPECT_TRUE(process.roll_back("2", {.dry_run = true})->is_dry_run);
  EXPECT_EQ(process.in_force(), "c");
}

TEST(Reloads, WithoutAnEarlierOneThereIsNoWayBack) {
  Process process("a", "");
  EXPECT_EQ(process.roll_back("previous").error().status, 404U);
  EXPECT_EQ(process.reloads.record("present")->text, "a");
  EXPECT_EQ(process.reloads.record("1")->text, "a");
  EXPECT_EQ(process.reloads.record("x").error().status, 404U);
}

TEST(Reloads, AReloadReadsTheFileAgainAfterARollback) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b"));
  ASSERT_TRUE(process.roll_back("previous"));
  EXPECT_EQ(process.in_force(), "a");
  ASSERT_TRUE(process.reload("b"));
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_FALSE(process.reloads.status().file_differs);
}

TEST(Reloads, AProgramGivesSettingsWithoutAText) {
  Process process("a", "", false);
  EXPECT_EQ(process.reload("b").error().status, 501U);
  ASSERT_TRUE(process.take("b"));
  EXPECT_EQ(process.in_force(), "b");
  ASSERT_TRUE(process.take("b")) << "always as a new plan";
  EXPECT_EQ(process.ground.plan, 3U);
  EXPECT_EQ(process.history(), (Lines{"3 library ", "2 library ", "1 start "}));
  EXPECT_EQ(process.roll_back("2").error().status, 409U);
}

}  // namespace
}  // namespace sluice::proxy
