#include "core/text_hash.hpp"
#include "tests/proxy/reloads_process.hpp"

/// Reloads of somebody who has seen that the text is another one, such as the file watch.
namespace sluice::proxy {
namespace {

using namespace reloading;

TEST(Reloads, WhoWaitsForAConfirmationInVainIsTold) {
  Process process("a", "");
  const Lines notices{"nothing changed, so nothing waits for a confirmation"};
  EXPECT_EQ(process.reload("a", {.confirm = hours(1)})->notices, notices);
  EXPECT_EQ(process.roll_back("1", {.confirm = hours(1)})->notices, notices);
  EXPECT_TRUE(process.reload("a")->notices.empty());
}

/// What somebody asks who has just seen a file with this text.
ReloadOrder saw(const std::string& text) {
  return {.unless_read = core::text_hash(text)};
}

TEST(Reloads, ATextThatWasReadIsNoNewsToTheProxy) {
  Process process("a", "");
  EXPECT_TRUE(process.reload("a", saw("a"))->changes.empty());
  ASSERT_TRUE(process.reload("b", saw("b")));
  EXPECT_EQ(process.in_force(), "b");
  ASSERT_TRUE(process.roll_back("previous"));
  EXPECT_TRUE(process.reload("b", saw("b"))->changes.empty());
  EXPECT_EQ(process.in_force(), "a") << "the rollback stays";
  ASSERT_TRUE(process.reload("c", {.confirm = milliseconds(50)}));
  EXPECT_TRUE(process.reload("c", saw("c"))) << "it is what waits for its confirmation";
  ASSERT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_TRUE(process.reload("c", saw("c")));
  EXPECT_EQ(process.in_force(), "a") << "what was not confirmed does not come again";
  EXPECT_FALSE(process.reload("bad"));
  EXPECT_TRUE(process.reload("bad", saw("bad"))) << "what is bad was told";
  ASSERT_TRUE(process.reload("c"));
  EXPECT_EQ(process.in_force(), "c") << "who asks for it without more gets it";
}

TEST(Reloads, ADryRunIsNoReading) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b", {.dry_run = true}));
  ASSERT_TRUE(process.reload("b", saw("b")));
  EXPECT_EQ(process.in_force(), "b");
}

TEST(Reloads, ATextThatSomethingStoodAgainstIsTakenLater) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b", {.confirm = hours(1)}));
  EXPECT_EQ(process.reload("c", saw("c")).error().status, 409U);
  ASSERT_TRUE(process.confirm());
  ASSERT_TRUE(process.reload("c", saw("c")));
  EXPECT_EQ(process.in_force(), "c");
  process.ground.deny = Denial{409, "An upgrade is under way", "ask again"};
  EXPECT_EQ(process.reload("d", saw("d")).error().status, 409U);
  EXPECT_TRUE(process.reloads.is_last_ok()) << "it is tried again";
  EXPECT_EQ(process.reload("d").error().status, 409U) << "by somebody else";
  process.ground.deny.reset();
  ASSERT_TRUE(process.reload("d", saw("d")));
  EXPECT_EQ(process.in_force(), "d");
}

}  // namespace
}  // namespace sluice::proxy
