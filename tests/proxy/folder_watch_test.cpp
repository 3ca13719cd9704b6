#include "proxy/folder_watch.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

namespace fs = std::filesystem;

struct Watched {
  /// Runs what is there to run until there were `count` calls.
  bool comes_to(int count) {
    const support::Deadline deadline;
    while (changes < count && !deadline.passed()) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(deadline.poll_ms()));
    }
    return changes == count;
  }
  /// Events are in the queue of the kernel as soon as the call that causes them is over.
  int changes_by_now() {
    io.restart();
    io.poll();
    return changes;
  }
  void replace(const std::string& name) const {
    support::write_file(folder.file(name + ".new"), "text");
    fs::rename(folder.file(name + ".new"), folder.file(name));
  }

  support::TempDir folder;
  boost::asio::io_context io;
  int changes = 0;
  FolderWatch watch{io, [this] { ++changes; }};
};

TEST(FolderWatch, AFileThatIsReplacedIsTold) {
  Watched scene;
  ASSERT_EQ(scene.watch.start(scene.folder.file(""), "state.json"), "");
  scene.replace("state.json");
  EXPECT_TRUE(scene.comes_to(1));
  scene.replace("state.json");
  EXPECT_TRUE(scene.comes_to(2)) << "it goes on";
}

TEST(FolderWatch, AFileThatIsWrittenInPlaceIsTold) {
  Watched scene;
  support::write_file(scene.folder.file("state.json"), "one");
  ASSERT_EQ(scene.watch.start(scene.folder.file(""), "state.json"), "");
  support::write_file(scene.folder.file("state.json"), "two");
  EXPECT_TRUE(scene.comes_to(1));
}

TEST(FolderWatch, OtherFilesAreNoReason) {
  Watched scene;
  ASSERT_EQ(scene.watch.start(scene.folder.file(""), "state.json"), "");
  scene.replace("other.json");
  support::write_file(scene.folder.file("state.json.new"), "not yet");
  EXPECT_EQ(scene.changes_by_now(), 0);
  scene.replace("state.json");
  EXPECT_TRUE(scene.comes_to(1));
}

TEST(FolderWatch, ManyChangesAtOnceAreOneCall) {
  Watched scene;
  ASSERT_EQ(scene.watch.start(scene.folder.file(""), "state.json"), "");
  for (int i = 0; i < 20; ++i) scene.replace("state.json");
  EXPECT_TRUE(scene.comes_to(1));
  EXPECT_EQ(scene.changes_by_now(), 1);
}

TEST(FolderWatch, NothingIsToldAfterAStop) {
  Watched scene;
  ASSERT_EQ(scene.watch.start(scene.folder.file(""), "state.json"), "");
  scene.replace("state.json");
  scene.watch.stop();
  EXPECT_EQ(scene.changes_by_now(), 0);
  ASSERT_EQ(scene.watch.start(scene.folder.file(""), "state.json"), "") << "it can begin again";
  scene.replace("state.json");
  EXPECT_TRUE(scene.comes_to(1));
}

TEST(FolderWatch, ItMayBeStoppedByWhatItCalls) {
  support::TempDir folder;
  boost::asio::io_context io;
  int changes = 0;
  FolderWatch* self = nullptr;
  FolderWatch watch(io, [&] {
    ++changes;
    self->stop();
  });
  self = &watch;
  ASSERT_EQ(watch.start(folder.file(""), "state.json"), "");
  support::write_file(folder.file("state.json"), "text");
  io.run_for(support::patience);
  EXPECT_EQ(changes, 1);
  EXPECT_TRUE(io.stopped()) << "nothing is waited for any more";
}

TEST(FolderWatch, AFolderThatIsNotThereIsAProblem) {
  Watched scene;
  const std::string problem = scene.watch.start(scene.folder.file("none"), "state.json");
  EXPECT_NE(problem.find(scene.folder.file("none")), std::string::npos) << problem;
  support::write_file(scene.folder.file("file"), "text");
  EXPECT_NE(scene.watch.start(scene.folder.file("file"), "state.json"), "");
}

}  // namespace
}  // namespace sluice::proxy
