#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "proxy/state_file.hpp"
#include "tests/proxy/saved_state.hpp"
#include "tests/proxy/this_process.hpp"
#include "tests/support/temp_dir.hpp"

/// The lock of a state folder that one process passes on to the next.
namespace sluice::proxy {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

TEST(PassedStateFile, AThirdOneDoesNotComeInWhenTheLockIsPassedOn) {
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  PreparedFile second(folder.file("state"));
  PreparedFile third(folder.file("state"));
  std::string said = "nothing";
  first.save("last words", [&](const std::string& problem) { said = problem; });
  OwnedDescriptor lock = first.pass_on();
  EXPECT_EQ(said, "") << "what waited is written";
  ASSERT_TRUE(lock.is_open());
  EXPECT_FALSE(first.is_locked());
  EXPECT_EQ(first.held_by(), StateFile::nobody_yet);
  EXPECT_FALSE(third.retry_lock()) << "it is held on its way";
  first.close();
  EXPECT_FALSE(third.retry_lock()) << "also when nobody else has it";

  second.introduce("127.0.0.1:9902");
  ASSERT_TRUE(second.adopt_lock(std::move(lock)));
  EXPECT_TRUE(second.is_locked());
  EXPECT_EQ(second.held_by(), "");
  EXPECT_FALSE(third.retry_lock());
  EXPECT_EQ(third.held_by(), this_process() + ", admin 127.0.0.1:9902");
  EXPECT_EQ(save(second, "second"), "");
  EXPECT_TRUE(second.check_lock());
  second.close();
  EXPECT_TRUE(third.retry_lock());
}

TEST(PassedStateFile, APassedLockIsTakenBackFromWhoeverHasIt) {
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  PreparedFile second(folder.file("state"));
  // One that nobody reads, and one that comes too late.
  OwnedDescriptor lock = first.pass_on();
  first.look_who_holds();
  EXPECT_FALSE(second.retry_lock()) << "to look takes nothing away";
  ASSERT_TRUE(first.retry_lock());
  EXPECT_EQ(save(first, "text"), "");
  EXPECT_FALSE(second.adopt_lock(std::move(lock)));
  EXPECT_EQ(second.held_by(), this_process());
  EXPECT_TRUE(first.check_lock());
  // One that was adopted, of which first does not hear.
  ASSERT_TRUE(second.adopt_lock(first.pass_on()));
  ASSERT_TRUE(first.retry_lock());
  EXPECT_FALSE(second.check_lock()) << "it is told";
  EXPECT_EQ(second.held_by(), this_process());
  EXPECT_NE(save(second, "too late"), "");
  EXPECT_EQ(support::read_file(first.path()), "text");
  // One of which first has heard.
  ASSERT_TRUE(second.adopt_lock(first.pass_on()));
  first.forget_passed();
  EXPECT_FALSE(first.retry_lock());
  EXPECT_TRUE(second.check_lock());
  EXPECT_EQ(save(second, "second"), "");
  StateFile nothing("");
  EXPECT_FALSE(nothing.pass_on().is_open());
  EXPECT_FALSE(second.adopt_lock(nothing.pass_on()));
}

TEST(PassedStateFile, APassedLockIsFreeWhenAllAreGoneWhoHaveIt) {
  const TempDir folder;
  StateFile second(folder.file("state"));
  {
    StateFile first(folder.file("state"));
    ASSERT_EQ(first.prepare(), "");
    ASSERT_EQ(second.prepare(), "");
    const OwnedDescriptor lock = first.pass_on();
    first.close();
    EXPECT_FALSE(second.retry_lock());
  }
  EXPECT_TRUE(second.retry_lock());
}

TEST(PassedStateFile, ALockOfAnotherFolderIsNotAdopted) {
  const TempDir folder;
  PreparedFile first(folder.file("first"));
  PreparedFile holder(folder.file("second"));
  PreparedFile follower(folder.file("second"));
  EXPECT_FALSE(follower.adopt_lock(first.pass_on()));
  EXPECT_FALSE(follower.adopt_lock(OwnedDescriptor()));
  EXPECT_EQ(follower.held_by(), this_process());
  EXPECT_TRUE(first.retry_lock()) << "it was let go of";
  EXPECT_FALSE(holder.adopt_lock(first.pass_on())) << "who holds one needs none";
  EXPECT_TRUE(holder.check_lock());
  // Somebody put another file in its place on the way.
  OwnedDescriptor lock = holder.pass_on();
  fs::remove(folder.file("second/lock"));
  EXPECT_FALSE(follower.adopt_lock(std::move(lock)));
  EXPECT_TRUE(follower.retry_lock());
}

}  // namespace
}  // namespace sluice::proxy
