#include "proxy/access_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/deadline.hpp"
#include "tests/support/fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

using support::read_file;
using support::TempDir;

void hand_over(AccessLog& log, std::string text) {
  const auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  log.hand_over(text, lines);
  EXPECT_TRUE(text.empty()) << "the buffer is taken or dropped";
}

TEST(AccessLogTest, WritesEverythingInOrderBeforeItCloses) {
  const TempDir folder;
  AccessLog log(folder.file("access.log"));
  ASSERT_EQ(log.open(), "");
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    const std::string lines = std::to_string(i) + " a\n" + std::to_string(i) + " b\n";
    expected += lines;
    hand_over(log, lines);
  }
  log.close();
  log.close();
  EXPECT_EQ(read_file(folder.file("access.log")), expected);
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(AccessLogTest, ClosesItselfWhenDestroyed) {
  const TempDir folder;
  {
    AccessLog log(folder.file("access.log"));
    ASSERT_EQ(log.open(), "");
    hand_over(log, "last\n");
  }
  EXPECT_EQ(read_file(folder.file("access.log")), "last\n");
}

TEST(AccessLogTest, AppendsToWhatIsThere) {
  const TempDir folder;
  support::write_file(folder.file("access.log"), "old\n");
  AccessLog log(folder.file("access.log"));
  ASSERT_EQ(log.open(), "");
  hand_over(log, "new\n");
  log.close();
  EXPECT_EQ(read_file(folder.file("access.log")), "old\nnew\n");
}

TEST(AccessLogTest, AFullDiskDropsAndCountsEveryLine) {
  AccessLog log("/dev/full");
  ASSERT_EQ(log.open(), "");
  for (int i = 0; i < 10; ++i) hand_over(log, "one\ntwo\nthree\n");
  log.close();
  EXPECT_EQ(log.dropped(), 30U);
}

TEST(AccessLogTest, WhatComesAfterTheCloseIsCountedAsDropped) {
  const TempDir folder;
  AccessLog log(folder.file("access.log"));
  ASSERT_EQ(log.open(), "");
  log.close();
  hand_over(log, "late\n");
  EXPECT_EQ(log.dropped(), 1U);
  EXPECT_EQ(read_file(folder.file("access.log")), "");
}

TEST(AccessLogTest, AnEmptyBufferIsNothing) {
  const TempDir folder;
  AccessLog log(folder.file("access.log"));
  ASSERT_EQ(log.open(), "");
  hand_over(log, "");
  log.close();
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(AccessLogTest, ReopenFollowsARotatedFile) {
  const TempDir folder;
  AccessLog log(folder.file("access.log"));
  ASSERT_EQ(log.open(), "");
  hand_over(log, "before\n");
  std::filesystem::rename(folder.file("access.log"), folder.file("access.log.1"));
  log.reopen();
  ASSERT_TRUE(
      support::eventually([&] { return std::filesystem::exists(folder.file("access.log")); }));
  hand_over(log, "after\n");
  log.close();
  EXPECT_EQ(read_file(folder.file("access.log.1")), "before\n");
  EXPECT_EQ(read_file(folder.file("access.log")), "after\n");
}

TEST(AccessLogTest, AReopenThatFailsKeepsTheOldFile) {
  const TempDir folder;
  std::filesystem::create_directory(folder.file("logs"));
  AccessLog log(folder.file("logs/access.log"));
  ASSERT_EQ(log.open(), "");
  std::filesystem::rename(folder.file("logs"), folder.file("moved"));
  log.reopen();
  hand_over(log, "kept\n");
  log.close();
  EXPECT_EQ(read_file(folder.file("moved/access.log")), "kept\n");
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(AccessLogTest, AnUnusableFileIsToldWithWhatToDo) {
  const TempDir folder;
  AccessLog log(folder.file("missing/access.log"));
  const std::string problem = log.open();
  EXPECT_NE(problem.find(folder.file("missing/access.log")), std::string::npos) << problem;
  EXPECT_NE(problem.find("stdout"), std::string::npos) << problem;
}

TEST(AccessLogTest, OffIsOff) {
  AccessLog log("off");
  EXPECT_TRUE(log.is_off());
  EXPECT_EQ(log.open(), "");
  log.close();
  EXPECT_FALSE(std::filesystem::exists("off"));
}

/// A named pipe whose reader takes nothing unless the test does.
struct StuckReader {
  StuckReader() : path(folder.file("pipe")) {
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    reader = support::Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  /// Takes what is there.
  std::string take() {
    std::string all;
    std::array<char, 65536> room;
    for (;;) {
      const ssize_t size = ::read(reader.get(), room.data(), room.size());
      if (size <= 0) return all;
      all.append(room.data(), static_cast<std::size_t>(size));
    }
  }
  TempDir folder;
  std::string path;
  support::Fd reader;
};

TEST(AccessLogTest, AStuckReaderNeverHoldsUpWhoHandsOver) {
  StuckReader pipe;
  AccessLog log(pipe.path);
  ASSERT_EQ(log.open(), "");
  const std::string lines = std::string(1023, 'x') + "\n";
  constexpr int handed = 2000;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < handed; ++i) hand_over(log, lines);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10))
      << "the writer gives a stuck reader a second; nobody else waits";
  log.close();
  const std::string all = pipe.take();
  const auto written = static_cast<std::uint64_t>(std::count(all.begin(), all.end(), '\n'));
  EXPECT_GT(written, 0U);
  EXPECT_GT(log.dropped(), 0U);
  EXPECT_EQ(written + log.dropped(), std::uint64_t{handed});
}

TEST(AccessLogTest, AStuckReaderDoesNotHoldUpTheStop) {
  StuckReader pipe;
  AccessLog log(pipe.path);
  ASSERT_EQ(log.open(), "");
  for (int i = 0; i < 60; ++i) hand_over(log, std::string(10'000, 'x') + "\n");
  const auto begun = std::chrono::steady_clock::now();
  log.close();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST(AccessLogTest, ALineThatAStuckReaderCutDoesNotSpoilTheNext) {
  StuckReader pipe;
  AccessLog log(pipe.path);
  ASSERT_EQ(log.open(), "");
  // One buffer: of several, some could still be waiting when the reader goes on.
  hand_over(log, std::string(1'000'000, 'x') + "\n");
  ASSERT_TRUE(support::eventually([&] { return log.dropped() > 0; }));
  std::string all = pipe.take();
  hand_over(log, "whole\n");
  log.close();
  all += pipe.take();
  EXPECT_TRUE(all.ends_with("\nwhole\n")) << all.substr(all.size() - 20);
}

TEST(AccessLogTest, ASlowReaderGetsEverythingInTheEnd) {
  StuckReader pipe;
  AccessLog log(pipe.path);
  ASSERT_EQ(log.open(), "");
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    const std::string line = std::to_string(i) + std::string(9000, 'y') + "\n";
    expected += line;
    hand_over(log, line);
  }
  std::string all;
  EXPECT_TRUE(support::eventually([&] {
    all += pipe.take();
    return all.size() >= expected.size();
  }));
  log.close();
  EXPECT_TRUE(all == expected);
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(AccessLogTest, ManyThreadsHandOverWholeLines) {
  const TempDir folder;
  AccessLog log(folder.file("access.log"));
  ASSERT_EQ(log.open(), "");
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) hand_over(log, "0123456789\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
  log.close();
  const std::string all = read_file(folder.file("access.log"));
  EXPECT_EQ(all.size() / 11 + log.dropped(), 800U);
  for (std::size_t at = 0; at < all.size(); at += 11) {
    ASSERT_EQ(all.compare(at, 11, "0123456789\n"), 0);
  }
}

/// Makes a file the standard output for a while.
class StandardOutput {
 public:
  explicit StandardOutput(const std::string& path) : saved_(::dup(STDOUT_FILENO)) {
    const support::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
    ::dup2(file.get(), STDOUT_FILENO);
  }
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;
  ~StandardOutput() { ::dup2(saved_.get(), STDOUT_FILENO); }

 private:
  support::Fd saved_;
};

TEST(AccessLogTest, SharesAFileOnStandardOutputWithWhoeverElseWritesToIt) {
  const TempDir folder;
  const std::string path = folder.file("all.log");
  {
    const StandardOutput output(path);
    AccessLog log("stdout");
    ASSERT_EQ(log.open(), "");
    for (int i = 0; i < 20; ++i) {
      const std::string other = "other " + std::to_string(i) + "\n";
      ASSERT_EQ(::write(STDOUT_FILENO, other.data(), other.size()),
                static_cast<ssize_t>(other.size()));
      hand_over(log, "access " + std::to_string(i) + "\n");
    }
    log.close();
  }
  const std::string all = read_file(path);
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(all.find("other " + std::to_string(i) + "\n"), std::string::npos) << all;
    EXPECT_NE(all.find("access " + std::to_string(i) + "\n"), std::string::npos) << all;
  }
}

}  // namespace
}  // namespace sluice::proxy
