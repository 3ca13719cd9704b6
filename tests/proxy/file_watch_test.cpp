#include "proxy/program/file_watch.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy::program {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using support::write_file;

/// Polls as the program does, until there is news. False when it does not come.
bool gets_news(FileWatch& watch, milliseconds limit = support::patience) {
  const support::Deadline deadline(limit);
  while (!deadline.passed()) {
    pollfd ready{watch.descriptor(), POLLIN, 0};
    const int wait = watch.wait_ms(support::Clock::now());
    const int left = deadline.poll_ms();
    ::poll(&ready, 1, wait < 0 ? left : std::min(wait, left));
    if (ready.revents != 0) watch.read_events(support::Clock::now());
    if (watch.has_news(support::Clock::now())) return true;
  }
  return false;
}

/// Polls until nothing is due any more. True when there was no news.
bool stays_quiet(FileWatch& watch) {
  pollfd ready{watch.descriptor(), POLLIN, 0};
  for (;;) {
    const int wait = watch.wait_ms(support::Clock::now());
    // Events of what the test did are there at once.
    if (::poll(&ready, 1, wait < 0 ? 0 : wait) > 0) watch.read_events(support::Clock::now());
    if (watch.has_news(support::Clock::now())) return false;
    if (watch.wait_ms(support::Clock::now()) < 0) return true;
  }
}

/// A watched file with the text "one".
struct Watched {
  Watched() {
    write_file(file, "one");
    EXPECT_EQ(watch.switch_on(support::Clock::now()), "");
    EXPECT_TRUE(stays_quiet(watch)) << "the text is the known one";
  }

  support::TempDir folder;
  std::string file = folder.file("config.toml");
  FileWatch watch{file, "one"};
};

TEST(FileWatch, AnotherTextIsNewsOnce) {
  Watched scene;
  write_file(scene.file, "two");
  EXPECT_TRUE(gets_news(scene.watch));
  EXPECT_TRUE(stays_quiet(scene.watch));
  write_file(scene.file, "three");
  EXPECT_TRUE(gets_news(scene.watch)) << "it goes on";
}

TEST(FileWatch, TheSameTextIsNone) {
  Watched scene;
  write_file(scene.file, "one");
  pollfd ready{scene.watch.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 0), 1) << "the write is seen";
  EXPECT_TRUE(stays_quiet(scene.watch));
}

TEST(FileWatch, OtherFilesOfTheDirectoryAreNone) {
  Watched scene;
  write_file(scene.folder.file("other"), "two");
  EXPECT_TRUE(stays_quiet(scene.watch));
}

TEST(FileWatch, ARenameOverTheFileIsNews) {
  Watched scene;
  for (const char* text : {"two", "three"}) {
    write_file(scene.folder.file(".config.toml.swp"), text);
    fs::rename(scene.folder.file(".config.toml.swp"), scene.file);
    EXPECT_TRUE(gets_news(scene.watch)) << text;
  }
}

TEST(FileWatch, AFileThatIsGoneAndComesBackIsSeen) {
  Watched scene;
  fs::remove(scene.file);
  EXPECT_TRUE(gets_news(scene.watch));
  write_file(scene.file, "one");
  EXPECT_TRUE(gets_news(scene.watch));
}

/// What the kubelet does to a volume: file -> ..data/file, ..data -> a directory, and that link is
/// replaced by a rename.
TEST(FileWatch, TheSwapOfAConfigMapIsNews) {
  support::TempDir volume;
  const auto publish = [&](const std::string& version, const std::string& text) {
    fs::create_directory(volume.file(version));
    write_file(volume.file(version + "/config.toml"), text);
    fs::create_directory_symlink(version, volume.file("..data_tmp"));
    fs::rename(volume.file("..data_tmp"), volume.file("..data"));
  };
  publish("..1", "one");
  fs::create_symlink("..data/config.toml", volume.file("config.toml"));
  FileWatch watch(volume.file("config.toml"), "one");
  ASSERT_EQ(watch.switch_on(support::Clock::now()), "");
  ASSERT_TRUE(stays_quiet(watch));
  for (const auto& [version, text] :
       {std::pair("..2", "two"), std::pair("..3", "three"), std::pair("..4", "four")}) {
    publish(version, text);
    EXPECT_TRUE(gets_news(watch)) << version;
  }
  fs::remove_all(volume.file("..1"));
  EXPECT_TRUE(stays_quiet(watch)) << "what is left behind is no news";
}

TEST(FileWatch, ALinkToAFileElsewhereIsFollowed) {
  support::TempDir far;
  support::TempDir near;
  write_file(far.file("real.toml"), "one");
  fs::create_symlink(far.file("real.toml"), near.file("middle.toml"));
  fs::create_symlink("middle.toml", near.file("config.toml"));
  FileWatch watch(near.file("config.toml"), "one");
  ASSERT_EQ(watch.switch_on(support::Clock::now()), "");
  ASSERT_TRUE(stays_quiet(watch));
  write_file(far.file("real.toml"), "two");
  EXPECT_TRUE(gets_news(watch));
  support::TempDir other;
  write_file(other.file("new.toml"), "three");
  fs::remove(near.file("middle.toml"));
  fs::create_symlink(other.file("new.toml"), near.file("middle.toml"));
  EXPECT_TRUE(gets_news(watch));
  write_file(other.file("new.toml"), "four");
  EXPECT_TRUE(gets_news(watch)) << "the new end of the way is watched";
}

TEST(FileWatch, WaitsUntilItIsQuietButNotForEver) {
  Watched scene;
  const auto start = support::Clock::now();
  write_file(scene.file, "two");
  scene.watch.read_events(start);
  EXPECT_EQ(scene.watch.wait_ms(start), FileWatch::quiet.count());
  EXPECT_FALSE(scene.watch.has_news(start + FileWatch::quiet / 2));
  auto now = start;
  while (now < start + FileWatch::longest_wait) {
    now += FileWatch::quiet / 2;
    write_file(scene.file, std::to_string((now - start).count()));
    if (scene.watch.wait_ms(now) == 0) break;
    scene.watch.read_events(now);
  }
  EXPECT_EQ(scene.watch.wait_ms(now), 0);
  EXPECT_EQ((now - start), FileWatch::longest_wait);
  EXPECT_TRUE(scene.watch.has_news(now));
}

TEST(FileWatch, SwitchedOnAgainItKnowsWhatCameMeanwhile) {
  Watched scene;
  scene.watch.switch_off();
  EXPECT_EQ(scene.watch.descriptor(), -1);
  EXPECT_EQ(scene.watch.wait_ms(support::Clock::now()), -1);
  write_file(scene.file, "two");
  ASSERT_EQ(scene.watch.switch_on(support::Clock::now()), "");
  EXPECT_TRUE(gets_news(scene.watch));
}

TEST(FileWatch, ADirectoryThatIsNotThereIsSaid) {
  support::TempDir folder;
  FileWatch watch(folder.file("none/config.toml"), "");
  const std::string problem = watch.switch_on(support::Clock::now());
  EXPECT_NE(problem.find("none"), std::string::npos) << problem;
  EXPECT_EQ(watch.descriptor(), -1);
}

}  // namespace
}  // namespace sluice::proxy::program
