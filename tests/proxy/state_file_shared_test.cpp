#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <string>

#include "proxy/state_file.hpp"
#include "proxy/state_json.hpp"
#include "tests/proxy/saved_state.hpp"
#include "tests/proxy/this_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"

/// A state folder that several processes share, and one that does not do what it should.
namespace sluice::proxy {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

TEST(SharedStateFile, TheHolderIsNamedWithItsAdminAddress) {
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  PreparedFile second(folder.file("state"));
  EXPECT_EQ(second.held_by(), this_process());
  first.introduce("unix:/run/a/rather/long/path/of/an/admin.sock");
  EXPECT_FALSE(second.retry_lock());
  EXPECT_EQ(second.held_by(),
            this_process() + ", admin unix:/run/a/rather/long/path/of/an/admin.sock");
  first.introduce("127.0.0.1:9901");
  EXPECT_FALSE(second.retry_lock());
  EXPECT_EQ(second.held_by(), this_process() + ", admin 127.0.0.1:9901") << "nothing is left over";
  second.introduce("127.0.0.1:9902");
  EXPECT_FALSE(second.retry_lock());
  EXPECT_EQ(second.held_by(), this_process() + ", admin 127.0.0.1:9901");
  first.close();
  EXPECT_TRUE(second.retry_lock());
  EXPECT_EQ(support::read_file(folder.file("state/lock")),
            this_process() + ", admin 127.0.0.1:9902\n");
}

TEST(SharedStateFile, AReleaseWritesWhatWaitsAndLetsAnotherOneHoldTheFolder) {
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  PreparedFile second(folder.file("state"));
  std::string said = "nothing";
  first.save("last words", [&](const std::string& problem) { said = problem; });
  first.release();
  EXPECT_EQ(said, "");
  EXPECT_EQ(support::read_file(first.path()), "last words");
  EXPECT_EQ(first.held_by(), StateFile::nobody_yet);
  EXPECT_NE(save(first, "too late"), "");
  EXPECT_EQ(support::read_file(first.path()), "last words");

  ASSERT_TRUE(second.retry_lock());
  EXPECT_FALSE(first.retry_lock());
  EXPECT_EQ(first.held_by(), this_process());
  EXPECT_EQ(save(second, "second"), "");
  second.close();
  EXPECT_TRUE(first.retry_lock()) << "it can be taken back";
  EXPECT_EQ(save(first, "first again"), "");
  EXPECT_EQ(support::read_file(first.path()), "first again");
}

TEST(SharedStateFile, WhatIsReleasedAndNotTakenCanBeTakenBack) {
  const TempDir folder;
  PreparedFile file(folder.file("state"));
  file.release();
  file.release();
  EXPECT_EQ(file.held_by(), StateFile::nobody_yet);
  EXPECT_TRUE(file.retry_lock());
  EXPECT_EQ(save(file, "text"), "");
  StateFile nothing("");
  nothing.release();
  EXPECT_EQ(nothing.held_by(), "") << "without a folder there is nothing to let go of";
}

TEST(SharedStateFile, AnotherFileIsNoticedUntilItIsLoaded) {
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  PreparedFile second(folder.file("state"));
  ASSERT_TRUE(second.load());
  EXPECT_FALSE(second.has_changed()) << "there is none";
  for (const char* pool : {"shop-v1", "shop-v2"}) {
    ASSERT_EQ(save(first, to_state_text(drain_of(pool))), "");
    EXPECT_TRUE(second.has_changed());
    EXPECT_EQ(*second.load(), drain_of(pool));
    EXPECT_FALSE(second.has_changed());
  }
}

TEST(SharedStateFile, ALockThatIsRemovedIsFoundOutByWhoHeldIt) {
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  PreparedFile second(folder.file("state"));
  fs::remove(folder.file("state/lock"));
  EXPECT_TRUE(first.check_lock()) << "nobody else was faster";
  EXPECT_FALSE(second.retry_lock());

  fs::remove(folder.file("state/lock"));
  EXPECT_TRUE(second.retry_lock());
  EXPECT_FALSE(first.check_lock());
  EXPECT_EQ(first.held_by(), this_process());
  EXPECT_NE(save(first, "of two"), "");
  EXPECT_EQ(save(second, "of one"), "");
  EXPECT_EQ(support::read_file(second.path()), "of one");
}

TEST(SharedStateFile, AFolderThatIsReplacedIsHeldByOneProcess) {
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  PreparedFile second(folder.file("state"));
  fs::rename(folder.file("state"), folder.file("before"));
  fs::create_directory(folder.file("state"));
  const bool second_holds = second.retry_lock();
  EXPECT_NE(first.check_lock(), second_holds);
}

TEST(SharedStateFile, WhoCannotLockWritesNothingUntilItCan) {
  const TempDir folder;
  fs::create_directory(folder.file("state"));
  fs::create_symlink("lock", folder.file("state/lock"));  // to itself
  PreparedFile file(folder.file("state"));
  EXPECT_NE(file.trouble().find("whether another process decides cannot be told: cannot lock"),
            std::string::npos)
      << file.trouble();
  EXPECT_EQ(file.held_by(), "");
  const std::string problem = save(file, "text");
  EXPECT_NE(problem.find("another process may decide"), std::string::npos) << problem;
  EXPECT_FALSE(fs::exists(file.path()));
  EXPECT_TRUE(file.check_lock());
  EXPECT_NE(file.lock_problem(), "");
  fs::remove(folder.file("state/lock"));
  EXPECT_TRUE(file.check_lock());
  EXPECT_EQ(file.lock_problem(), "");
  EXPECT_EQ(save(file, "text"), "");
}

/// A process that may open no more files.
class NoFiles {
 public:
  NoFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoFiles(const NoFiles&) = delete;
  NoFiles& operator=(const NoFiles&) = delete;
  ~NoFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(SharedStateFile, AProcessWithoutFreeDescriptorsTakesOver) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer itself needs a free descriptor to look at memory";
#endif
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  PreparedFile second(folder.file("state"));
  const NoFiles none;
  first.close();
  EXPECT_TRUE(second.retry_lock());
}

TEST(SharedStateFile, WhoDoesNotWantToHoldItSeesWhoDoes) {
  const TempDir folder;
  PreparedFile first(folder.file("state"));
  first.release();
  first.look_who_holds();
  EXPECT_EQ(first.held_by(), StateFile::nobody_yet);
  PreparedFile second(folder.file("state"));
  first.look_who_holds();
  EXPECT_EQ(first.held_by(), this_process());
}

TEST(SharedStateFile, AFileThatIsGoneSaysNotThatNothingWasChanged) {
  const TempDir folder;
  PreparedFile file(folder.file("state"));
  ASSERT_TRUE(file.load());
  EXPECT_FALSE(file.is_gone()) << "there never was one";
  ASSERT_EQ(save(file, to_state_text(drain_of("v1"))), "");
  ASSERT_TRUE(file.load());
  fs::remove(file.path());
  EXPECT_TRUE(file.is_gone());
  const auto loaded = file.load();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().find("is gone"), std::string::npos) << loaded.error();
}

TEST(FaultyStateFile, AFileOfANewerVersionIsKeptUnderAnotherNameBeforeAnythingIsWritten) {
  const TempDir folder;
  PreparedFile file(folder.file("state"));
  const std::string newer = R"({"format":7,"something":"else"})";
  support::write_file(file.path(), newer);
  const auto loaded = file.load();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().find("format is 7"), std::string::npos) << loaded.error();
  EXPECT_EQ(file.aside(), file.path() + ".format-7");
  EXPECT_EQ(support::read_file(file.path()), newer) << "the newer version may come back";
  EXPECT_FALSE(fs::exists(file.aside()));

  const std::string aside = file.aside();
  ASSERT_EQ(save(file, "own"), "");
  ASSERT_EQ(save(file, "own again"), "");
  EXPECT_EQ(support::read_file(aside), newer);
  EXPECT_EQ(support::read_file(file.path()), "own again");
  EXPECT_EQ(file.aside(), "");
}

TEST(FaultyStateFile, AFileThatCannotBeMovedAsideIsNotWrittenOver) {
  const TempDir folder;
  PreparedFile file(folder.file("state"));
  support::write_file(file.path(), R"({"format":7})");
  ASSERT_FALSE(file.load());
  const std::string obstacle = file.aside();
  fs::create_directories(obstacle + "/full");
  EXPECT_NE(save(file, "own"), "");
  EXPECT_EQ(support::read_file(file.path()), R"({"format":7})");
  fs::remove_all(obstacle);
  EXPECT_EQ(save(file, "own"), "");
  EXPECT_EQ(support::read_file(obstacle), R"({"format":7})");
}

TEST(FaultyStateFile, ATornFileIsKeptUnderAnotherNameBeforeAnythingIsWritten) {
  const TempDir folder;
  PreparedFile file(folder.file("state"));
  support::write_file(file.path(), "{\"format\":2,\"spl");
  ASSERT_FALSE(file.load());
  EXPECT_EQ(file.aside(), file.path() + ".unusable");
  ASSERT_EQ(save(file, "own"), "");
  EXPECT_EQ(support::read_file(file.path() + ".unusable"), "{\"format\":2,\"spl");
  support::write_file(file.path(), to_state_text(drain_of("shop-v1")));
  ASSERT_TRUE(file.load());
  EXPECT_EQ(file.aside(), "") << "nothing stands in the way any more";
}

TEST(FaultyStateFile, AFullDiskIsToldAndTheOldFileStays) {
  const TempDir folder;
  PreparedFile file(folder.file("state"));
  ASSERT_EQ(save(file, "old"), "");
  fs::create_symlink("/dev/full", file.path() + ".new");
  for (int i = 0; i < 2; ++i) {
    const std::string problem = save(file, "new");
    EXPECT_NE(problem.find("No space left"), std::string::npos) << problem;
    EXPECT_EQ(support::read_file(file.path()), "old");
  }
  fs::remove(file.path() + ".new");
  EXPECT_EQ(save(file, "newer"), "");
  EXPECT_EQ(support::read_file(file.path()), "newer");
}

TEST(FaultyStateFile, AFullDiskAtTheStartIsTroubleAndNoReasonToRefuse) {
  const TempDir folder;
  fs::create_directory(folder.file("state"));
  fs::create_symlink("/dev/full", folder.file("state/.writable"));
  StateFile file(folder.file("state"));
  EXPECT_EQ(file.prepare(), "");
  EXPECT_NE(file.trouble().find("No space left"), std::string::npos) << file.trouble();
  EXPECT_EQ(file.held_by(), "");
}

/// A folder in the place of the probe: neither root nor anybody else can write there.
TEST(FaultyStateFile, AFolderThatWasUsedBeforeAndCannotBeWrittenNowIsTroubleOnly) {
  const TempDir folder;
  const std::string text = to_state_text(drain_of("shop-v1"));
  {
    StateFile before(folder.file("state"));
    ASSERT_EQ(before.prepare(), "");
    ASSERT_EQ(before.trouble(), "");
    ASSERT_EQ(save(before, text), "");
  }
  fs::create_directory(folder.file("state/.writable"));
  StateFile file(folder.file("state"));
  EXPECT_EQ(file.prepare(), "");
  EXPECT_NE(file.trouble().find("cannot be written"), std::string::npos) << file.trouble();
  EXPECT_EQ(*file.load(), drain_of("shop-v1"));

  fs::remove(file.path());
  file.close();
  fs::remove(folder.file("state/lock"));
  StateFile never(folder.file("state"));
  EXPECT_NE(never.prepare().find("server.state_dir"), std::string::npos)
      << "nobody has ever used it: the settings are wrong";
}

}  // namespace
}  // namespace sluice::proxy
