#include "proxy/state_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "proxy/state_json.hpp"
#include "tests/proxy/saved_state.hpp"
#include "tests/proxy/this_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

TEST(StateFileTest, WhatIsSavedIsLoaded) {
  const TempDir folder;
  StateFile file(folder.file("state"));
  ASSERT_EQ(file.prepare(), "");
  EXPECT_EQ(save(file, to_state_text(drain_of("shop-v1"))), "");
  EXPECT_EQ(save(file, to_state_text(drain_of("shop-v2"))), "");
  const auto loaded = file.load();
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ(*loaded, drain_of("shop-v2"));
}

TEST(StateFileTest, AnotherProcessFindsItAfterAnEnd) {
  const TempDir folder;
  {
    StateFile file(folder.file("state"));
    ASSERT_EQ(file.prepare(), "");
    file.save(to_state_text(drain_of("shop-v1")), [](const std::string&) {});
  }
  StateFile next(folder.file("state"));
  const auto loaded = next.load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(*loaded, drain_of("shop-v1"));
}

TEST(StateFileTest, WithoutAFileNothingIsOverridden) {
  const TempDir folder;
  StateFile file(folder.file("state"));
  ASSERT_EQ(file.prepare(), "");
  const auto loaded = file.load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(*loaded, core::Overrides{});
}

TEST(StateFileTest, WithoutAFolderNothingIsKeptAndEverySaveSucceedsAtOnce) {
  StateFile file("");
  EXPECT_FALSE(file.is_kept());
  EXPECT_EQ(file.prepare(), "");
  std::string said = "nothing";
  file.save("text", [&](const std::string& problem) { said = problem; });
  EXPECT_EQ(said, "");
  EXPECT_EQ(*file.load(), core::Overrides{});
}

TEST(StateFileTest, MakesTheFolderWithAllItsParents) {
  const TempDir folder;
  StateFile file(folder.file("a/b/c"));
  EXPECT_EQ(file.prepare(), "");
  EXPECT_TRUE(fs::is_directory(folder.file("a/b/c")));
  for (const auto& entry : fs::directory_iterator(folder.file("a/b/c"))) {
    EXPECT_EQ(entry.path().filename(), "lock") << "the probe is removed";
  }
}

TEST(StateFileTest, LeavesNothingButTheFileBehind) {
  const TempDir folder;
  StateFile file(folder.file("state"));
  ASSERT_EQ(file.prepare(), "");
  for (int i = 0; i < 5; ++i) ASSERT_EQ(save(file, std::to_string(i)), "");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.file("state"))) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"lock", "state.json"}));
  EXPECT_EQ(support::read_file(file.path()), "4");
}

TEST(StateFileTest, OneHoldsTheFolderUntilItIsClosed) {
  const TempDir folder;
  StateFile first(folder.file("state"));
  ASSERT_EQ(first.prepare(), "");
  EXPECT_EQ(first.held_by(), "");
  StateFile second(folder.file("state"));
  ASSERT_EQ(second.prepare(), "");
  EXPECT_EQ(second.held_by(), this_process());
  EXPECT_NE(save(second, "nothing").find("holds"), std::string::npos);
  EXPECT_FALSE(fs::exists(second.path()));
  EXPECT_FALSE(second.retry_lock());
  first.close();
  EXPECT_TRUE(second.retry_lock());
  EXPECT_EQ(second.held_by(), "");
  EXPECT_EQ(save(second, "kept"), "");
  EXPECT_EQ(support::read_file(second.path()), "kept");
}

TEST(StateFileTest, OnlyItsOwnerMayReadTheFile) {
  const TempDir folder;
  StateFile file(folder.file("state"));
  ASSERT_EQ(file.prepare(), "");
  ASSERT_EQ(save(file, "text"), "");
  EXPECT_EQ(fs::status(file.path()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(StateFileTest, AnUnusableFolderIsToldWithWhatToDo) {
  const TempDir folder;
  support::write_file(folder.file("file"), "no folder");
  StateFile file(folder.file("file/state"));
  const std::string problem = file.prepare();
  EXPECT_NE(problem.find(folder.file("file/state")), std::string::npos) << problem;
  EXPECT_NE(problem.find("server.state_dir"), std::string::npos) << problem;
}

TEST(StateFileTest, AFolderWithoutTheRightToWriteIsTold) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TempDir folder;
  fs::create_directory(folder.file("state"));
  fs::permissions(folder.file("state"), fs::perms::owner_read | fs::perms::owner_exec);
  StateFile file(folder.file("state"));
  EXPECT_NE(file.prepare().find("cannot be written"), std::string::npos);
  fs::permissions(folder.file("state"), fs::perms::owner_all);
}

TEST(StateFileTest, AWriteThatFailsIsToldAndTheOldFileStays) {
  const TempDir folder;
  StateFile file(folder.file("state"));
  ASSERT_EQ(file.prepare(), "");
  ASSERT_EQ(save(file, "old"), "");
  // A folder in the place of the new file: neither root nor anybody else can write there.
  fs::create_directory(file.path() + ".new");
  const std::string problem = save(file, "new");
  EXPECT_NE(problem.find(file.path()), std::string::npos) << problem;
  EXPECT_EQ(support::read_file(file.path()), "old");
  fs::remove(file.path() + ".new");
  EXPECT_EQ(save(file, "newer"), "");
  EXPECT_EQ(support::read_file(file.path()), "newer");
}

TEST(StateFileTest, SavesFromManyThreadsAreAllAnsweredAndOneOfThemIsThere) {
  const TempDir folder;
  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  {
    StateFile file(folder.file("state"));
    ASSERT_EQ(file.prepare(), "");
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 50; ++i) {
          const std::string pool = "pool-" + std::to_string(thread) + "-" + std::to_string(i);
          file.save(to_state_text(drain_of(pool)), [&](const std::string& problem) {
            ++answered;
            if (!problem.empty()) ++failed;
          });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(answered, 200);
  EXPECT_EQ(failed, 0);
  const auto loaded = StateFile(folder.file("state")).load();
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ(loaded->drains.at(0).pool.substr(6), "-49") << "one of the last saves is in force";
}

TEST(StateFileTest, SavesThatComeDuringAWriteGoOutTogether) {
  const TempDir folder;
  StateFile file(folder.file("state"));
  ASSERT_EQ(file.prepare(), "");
  std::promise<void> begun;
  std::promise<void> go_on;
  std::vector<std::string> seen;
  // The answer comes on the file's thread: while it waits here, nothing can be written.
  file.save("first", [&](const std::string&) {
    begun.set_value();
    go_on.get_future().wait_for(support::patience);
  });
  ASSERT_EQ(begun.get_future().wait_for(support::patience), std::future_status::ready);
  for (const char* text : {"second", "third"}) {
    file.save(text, [&](const std::string&) { seen.push_back(support::read_file(file.path())); });
  }
  std::promise<void> all;
  file.save("fourth", [&](const std::string&) { all.set_value(); });
  go_on.set_value();
  ASSERT_EQ(all.get_future().wait_for(support::patience), std::future_status::ready);
  EXPECT_EQ(seen, (std::vector<std::string>{"fourth", "fourth"}));
}

TEST(StateFileTest, AFileThatCannotBeReadIsAProblem) {
  const TempDir folder;
  StateFile file(folder.file("state"));
  ASSERT_EQ(file.prepare(), "");
  fs::create_directory(file.path());
  EXPECT_FALSE(file.load());
}

TEST(StateFileTest, AFileThatWasCutIsAProblemAtEveryOctet) {
  const TempDir folder;
  StateFile file(folder.file("state"));
  ASSERT_EQ(file.prepare(), "");
  const std::string text = to_state_text(drain_of("shop-v1"));
  const std::size_t last_brace = text.find_last_of('}');
  for (std::size_t size = 0; size <= last_brace; ++size) {
    support::write_file(file.path(), text.substr(0, size));
    const auto loaded = file.load();
    ASSERT_FALSE(loaded) << size;
    EXPECT_NE(loaded.error(), "");
  }
}

}  // namespace
}  // namespace sluice::proxy
