#include "proxy/program/file_watch.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "core/text_hash.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy::program {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using support::TempDir;
using support::write_file;

// Texts differ in length: two writes in one tick of the kernel's clock have the same time.

/// A watch in a time of its own.
struct Watched {
  explicit Watched(std::string watched) : file(std::move(watched)), watch(file) {
    watch.switch_on(now);
    EXPECT_TRUE(gets_news()) << "the first text is news";
    EXPECT_TRUE(stays_quiet());
  }

  /// As the program asks, for a time in which every change is to be seen.
  bool gets_news() {
    const auto end = now + FileWatch::quiet + 2 * FileWatch::look_interval;
    return asks_until(end);
  }
  bool stays_quiet() { return !asks_until(now + seconds(60)); }
  bool asks_until(FileWatch::TimePoint end) {
    while (now < end) {
      if (!is_woken()) now += milliseconds(watch.wait_ms(now));
      if (watch.has_news(now)) return true;
    }
    return false;
  }

  /// Whether the kernel tells of something.
  bool is_woken() const {
    pollfd ready{watch.descriptor(), POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }
  /// What just happened is news as soon as it has been quiet for long enough.
  bool is_news_at_once() {
    EXPECT_TRUE(is_woken());
    now += FileWatch::least_interval;
    EXPECT_FALSE(watch.has_news(now));
    EXPECT_FALSE(is_woken());
    EXPECT_EQ(milliseconds(watch.wait_ms(now)), FileWatch::quiet);
    now += FileWatch::quiet;
    return watch.has_news(now);
  }

  FileWatch::TimePoint now{seconds(1)};
  std::string file;
  FileWatch watch;
};

/// A folder with the file "config.toml", whose text is "one".
struct Folder : TempDir {
  Folder() { write_file(config(), "one"); }
  std::string config() const { return file("config.toml"); }
};

TEST(FileWatch, AnotherTextIsNewsOnce) {
  const Folder folder;
  Watched scene(folder.config());
  write_file(scene.file, "second");
  EXPECT_TRUE(scene.gets_news());
  EXPECT_EQ(scene.watch.text_hash(), core::text_hash("second"));
  EXPECT_TRUE(scene.stays_quiet());
  write_file(scene.file, "the third");
  EXPECT_TRUE(scene.gets_news()) << "it goes on";
}

TEST(FileWatch, TheSameTextIsNone) {
  const Folder folder;
  Watched scene(folder.config());
  write_file(folder.file("new"), "one");
  fs::rename(folder.file("new"), scene.file);
  EXPECT_TRUE(scene.stays_quiet());
}

TEST(FileWatch, ARenameOverTheFileIsNews) {
  const Folder folder;
  Watched scene(folder.config());
  for (const char* text : {"second", "the third"}) {
    write_file(folder.file(".config.toml.swp"), text);
    fs::rename(folder.file(".config.toml.swp"), scene.file);
    EXPECT_TRUE(scene.gets_news()) << text;
  }
}

TEST(FileWatch, AFileThatIsGoneAndComesBackIsSeen) {
  const Folder folder;
  Watched scene(folder.config());
  fs::remove(scene.file);
  EXPECT_TRUE(scene.gets_news());
  EXPECT_EQ(scene.watch.text_hash(), "");
  EXPECT_TRUE(scene.stays_quiet());
  write_file(scene.file, "one");
  EXPECT_TRUE(scene.gets_news());
}

TEST(FileWatch, ADirectoryThatIsGoneForLongAndComesBackIsSeen) {
  const TempDir folder;
  fs::create_directories(folder.file("conf/deep"));
  write_file(folder.file("conf/deep/config.toml"), "one");
  Watched scene(folder.file("conf/deep/config.toml"));
  fs::remove_all(folder.file("conf"));
  EXPECT_TRUE(scene.gets_news());
  EXPECT_TRUE(scene.stays_quiet());
  fs::create_directories(folder.file("conf/deep"));
  EXPECT_TRUE(scene.stays_quiet());
  write_file(scene.file, "second");
  EXPECT_TRUE(scene.gets_news());
  write_file(scene.file, "the third");
  EXPECT_TRUE(scene.gets_news()) << "it goes on";
}

TEST(FileWatch, ADirectoryThatTakesThePlaceOfTheOldOneIsSeen) {
  const TempDir folder;
  for (const auto& [name, text] : {std::pair("conf", "one"), std::pair("new", "second")}) {
    fs::create_directory(folder.file(name));
    write_file(folder.file(name) + "/config.toml", text);
  }
  Watched scene(folder.file("conf/config.toml"));
  fs::rename(folder.file("conf"), folder.file("old"));
  fs::rename(folder.file("new"), folder.file("conf"));
  EXPECT_TRUE(scene.gets_news());
  write_file(folder.file("old/config.toml"), "what is left behind");
  EXPECT_TRUE(scene.stays_quiet());
  write_file(scene.file, "the third");
  EXPECT_TRUE(scene.gets_news());
}

/// conf -> current -> releases/N, as deployments by links do it.
TEST(FileWatch, TheSwapOfALinkToADirectoryIsSeen) {
  const TempDir folder;
  const auto publish = [&](const std::string& release, const std::string& text) {
    fs::create_directories(folder.file("releases/" + release));
    write_file(folder.file("releases/" + release + "/config.toml"), text);
    fs::create_directory_symlink("releases/" + release, folder.file("next"));
    fs::rename(folder.file("next"), folder.file("current"));
  };
  publish("1", "one");
  fs::create_directory_symlink("current", folder.file("conf"));
  Watched scene(folder.file("conf/config.toml"));
  publish("2", "second");
  EXPECT_TRUE(scene.gets_news());
  publish("3", "the third");
  EXPECT_TRUE(scene.gets_news());
  fs::remove_all(folder.file("releases/1"));
  EXPECT_TRUE(scene.stays_quiet()) << "what is left behind is no news";
}

/// What the kubelet does to a volume: file -> ..data/file, ..data -> a directory, and that link is
/// replaced by a rename.
TEST(FileWatch, TheSwapOfAConfigMapIsNews) {
  const TempDir volume;
  const auto publish = [&](const std::string& version, const std::string& text) {
    fs::create_directory(volume.file(version));
    write_file(volume.file(version + "/config.toml"), text);
    fs::create_directory_symlink(version, volume.file("..data_tmp"));
    fs::rename(volume.file("..data_tmp"), volume.file("..data"));
  };
  publish("..1", "one");
  fs::create_symlink("..data/config.toml", volume.file("config.toml"));
  Watched scene(volume.file("config.toml"));
  publish("..2", "second");
  EXPECT_TRUE(scene.gets_news());
  publish("..3", "the third");
  EXPECT_TRUE(scene.gets_news());
}

TEST(FileWatch, LinksInACircleAreAFileThatIsGone) {
  const Folder folder;
  Watched scene(folder.config());
  fs::create_symlink("config.toml", folder.file("other"));
  fs::remove(scene.file);
  fs::create_symlink("other", scene.file);
  EXPECT_TRUE(scene.gets_news());
  EXPECT_EQ(scene.watch.text_hash(), "");
}

TEST(FileWatch, TheKernelTellsOfAWriteAndOfARename) {
  const Folder folder;
  Watched scene(folder.config());
  EXPECT_FALSE(scene.is_woken());
  write_file(scene.file, "second");
  EXPECT_TRUE(scene.is_news_at_once());
  ASSERT_TRUE(scene.stays_quiet());
  write_file(folder.file("new"), "the third");
  fs::rename(folder.file("new"), scene.file);
  EXPECT_TRUE(scene.is_news_at_once());
}

TEST(FileWatch, TheKernelTellsOfTheDirectoryThatTookThePlaceOfTheOldOne) {
  const TempDir folder;
  const auto make = [&](const std::string& text) {
    fs::create_directory(folder.file("conf"));
    write_file(folder.file("conf/config.toml"), text);
  };
  make("one");
  Watched scene(folder.file("conf/config.toml"));
  // The new directory may have the number of the old one.
  fs::remove_all(folder.file("conf"));
  make("second");
  EXPECT_TRUE(scene.is_news_at_once());
  ASSERT_TRUE(scene.stays_quiet());
  write_file(scene.file, "the third");
  EXPECT_TRUE(scene.is_news_at_once());
}

TEST(FileWatch, ABusyDirectoryIsLookedAtNowAndThen) {
  const Folder folder;
  Watched scene(folder.config());
  write_file(folder.file("other"), "a");
  scene.now += FileWatch::least_interval;
  EXPECT_FALSE(scene.watch.has_news(scene.now)) << "it looks";
  write_file(folder.file("other"), "b");
  EXPECT_FALSE(scene.watch.has_news(scene.now));
  for (int round = 0; round < 1000; ++round) {
    write_file(folder.file("other"), "c");
    ASSERT_FALSE(scene.is_woken()) << "it will look soon";
  }
  EXPECT_EQ(milliseconds(scene.watch.wait_ms(scene.now)), FileWatch::least_interval);
  EXPECT_TRUE(scene.stays_quiet());
}

/// For as long as it lives, no descriptor can be had.
struct NoDescriptors {
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0); }
  rlimit before{};
};

TEST(FileWatch, WithoutTheKernelItAsksMoreOften) {
  const Folder folder;
  Watched scene(folder.config());
  scene.watch.switch_off();
  {
    const NoDescriptors now;
    scene.watch.switch_on(scene.now);
  }
  EXPECT_EQ(scene.watch.descriptor(), -1);
  EXPECT_TRUE(scene.gets_news()) << "the first text";
  write_file(scene.file, "second");
  const auto written = scene.now;
  EXPECT_TRUE(scene.gets_news());
  EXPECT_LE(scene.now - written, FileWatch::quiet + FileWatch::unaided_interval);
}

/// While this lives, even root may not read everything.
struct Unprivileged {
  Unprivileged() { EXPECT_TRUE(!is_root || ::seteuid(65534) == 0); }
  ~Unprivileged() { EXPECT_TRUE(!is_root || ::seteuid(0) == 0); }
  const bool is_root = ::geteuid() == 0;
};

TEST(FileWatch, AFileThatBecomesReadableIsNews) {
  const Folder folder;
  fs::permissions(folder.file(""), fs::perms::all);
  Watched scene(folder.config());
  write_file(scene.file, "second");
  fs::permissions(scene.file, fs::perms::none);
  {
    const Unprivileged now;
    EXPECT_TRUE(scene.gets_news());
    EXPECT_EQ(scene.watch.text_hash(), "");
    EXPECT_TRUE(scene.stays_quiet());
  }
  fs::permissions(scene.file, fs::perms::all);
  const Unprivileged now;
  EXPECT_TRUE(scene.gets_news());
  EXPECT_EQ(scene.watch.text_hash(), core::text_hash("second"));
}

/// Two writes in one tick of the file system's clock cannot be told apart by their time.
TEST(FileWatch, ATextThatWasWrittenRightBehindTheReadingIsSeen) {
  const Folder folder;
  Watched scene(folder.config());
  write_file(scene.file, "abc");
  ASSERT_TRUE(scene.gets_news());
  write_file(scene.file, "xyz");
  EXPECT_TRUE(scene.asks_until(scene.now + 2 * FileWatch::second_reading));
  EXPECT_EQ(scene.watch.text_hash(), core::text_hash("xyz"));
}

TEST(FileWatch, WaitsUntilItIsQuietButNotForEver) {
  const Folder folder;
  Watched scene(folder.config());
  std::string text = "one";
  const auto start = scene.now;
  bool is_news = false;
  while (!is_news && scene.now < start + seconds(60)) {
    write_file(scene.file, text += '.');
    scene.now += milliseconds(scene.watch.wait_ms(scene.now));
    is_news = scene.watch.has_news(scene.now);
  }
  EXPECT_GE(scene.now - start, FileWatch::longest_wait);
  EXPECT_LE(scene.now - start, FileWatch::longest_wait + 2 * FileWatch::look_interval);
}

TEST(FileWatch, SwitchedOffItSeesNothingAndOnAgainTheTextIsNews) {
  const Folder folder;
  Watched scene(folder.config());
  scene.watch.switch_off();
  EXPECT_EQ(scene.watch.wait_ms(scene.now), -1);
  EXPECT_EQ(scene.watch.descriptor(), -1);
  write_file(scene.file, "second");
  EXPECT_FALSE(scene.watch.has_news(scene.now + seconds(60)));
  scene.watch.switch_on(scene.now);
  EXPECT_TRUE(scene.gets_news());
  scene.watch.switch_on(scene.now);
  EXPECT_TRUE(scene.stays_quiet()) << "it was on already";
}

TEST(FileWatch, NewsThatCouldNotBeUsedComeAgain) {
  const Folder folder;
  Watched scene(folder.config());
  write_file(scene.file, "second");
  ASSERT_TRUE(scene.gets_news());
  scene.watch.ask_again(scene.now + seconds(1));
  const auto asked = scene.now;
  EXPECT_TRUE(scene.asks_until(asked + seconds(2)));
  EXPECT_GE(scene.now - asked, seconds(1));
  EXPECT_TRUE(scene.stays_quiet()) << "once for each time";
  scene.watch.ask_again(scene.now + seconds(1));
  write_file(scene.file, "the third");
  EXPECT_TRUE(scene.gets_news());
  EXPECT_TRUE(scene.stays_quiet()) << "newer news are asked instead";
}

}  // namespace
}  // namespace sluice::proxy::program
