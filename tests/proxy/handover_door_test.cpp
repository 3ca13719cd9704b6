#include "proxy/handover_door.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/deadline.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

class HandoverDoorTest : public ::testing::Test {
 protected:
  HandoverDoorTest() { make_door(); }

  void make_door() {
    door.emplace(io, [this](OwnedDescriptor socket) { came.push_back(std::move(socket)); });
  }
  /// Runs until that many have come. False when the tests' patience ended first.
  bool run_until_came(std::size_t count) {
    const support::Deadline deadline;
    while (came.size() < count && !deadline.passed()) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(deadline.poll_ms()));
    }
    return came.size() == count;
  }
  std::string state_dir() const { return directory.file("."); }
  std::string path() const { return directory.file("handover.sock"); }

  const support::TempDir directory;
  boost::asio::io_context io;
  std::vector<OwnedDescriptor> came;
  std::optional<HandoverDoor> door;
};

TEST_F(HandoverDoorTest, AKnockReachesWhoeverOpenedIt) {
  ASSERT_EQ(door->open(state_dir()), "");
  const auto knocked = HandoverDoor::knock(state_dir());
  ASSERT_TRUE(knocked) << knocked.error();
  ASSERT_TRUE(run_until_came(1));
  ASSERT_EQ(::send(knocked->get(), "hello", 5, MSG_NOSIGNAL), 5);
  std::array<char, 8> text{};
  EXPECT_EQ(::recv(came[0].get(), text.data(), text.size(), 0), 5);
  EXPECT_STREQ(text.data(), "hello");
}

TEST_F(HandoverDoorTest, StaysOpenForTheNext) {
  ASSERT_EQ(door->open(state_dir()), "");
  for (std::size_t count = 1; count <= 3; ++count) {
    const auto knocked = HandoverDoor::knock(state_dir());
    ASSERT_TRUE(knocked) << knocked.error();
    ASSERT_TRUE(run_until_came(count));
  }
}

TEST_F(HandoverDoorTest, IsForThisUserAlone) {
  ASSERT_EQ(door->open(state_dir()), "");
  EXPECT_EQ(HandoverDoor::path_in("/var/lib/sluice"), "/var/lib/sluice/handover.sock");
  struct stat found {};
  ASSERT_EQ(::stat(path().c_str(), &found), 0);
  EXPECT_TRUE(S_ISSOCK(found.st_mode));
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST_F(HandoverDoorTest, ItsFileGoesWithIt) {
  ASSERT_EQ(door->open(state_dir()), "");
  ASSERT_TRUE(std::filesystem::exists(path()));
  door.reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
  io.restart();
  io.poll();
  EXPECT_TRUE(io.stopped()) << "nothing waits any more";
  EXPECT_FALSE(HandoverDoor::knock(state_dir()));
}

TEST_F(HandoverDoorTest, MayBeClosedByTheOneThatCame) {
  door.emplace(io, [this](OwnedDescriptor socket) {
    came.push_back(std::move(socket));
    door.reset();
  });
  ASSERT_EQ(door->open(state_dir()), "");
  const auto knocked = HandoverDoor::knock(state_dir());
  ASSERT_TRUE(knocked) << knocked.error();
  ASSERT_TRUE(run_until_came(1));
  EXPECT_FALSE(door);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(HandoverDoorTest, WhoKnocksWithoutAnybodyThereIsTold) {
  const auto knocked = HandoverDoor::knock(state_dir());
  ASSERT_FALSE(knocked);
  EXPECT_TRUE(knocked.error().starts_with("no running process can be taken over from at " +
                                          HandoverDoor::path_in(state_dir()) + ": "))
      << knocked.error();
  EXPECT_TRUE(knocked.error().ends_with("; start without --take-over")) << knocked.error();
}

TEST_F(HandoverDoorTest, AFileThatADeadProcessLeftIsNobody) {
  support::listen_on("unix:" + path()).close();
  ASSERT_TRUE(std::filesystem::exists(path()));
  EXPECT_FALSE(HandoverDoor::knock(state_dir()));
  EXPECT_EQ(door->open(state_dir()), "") << "and makes way";
  EXPECT_TRUE(HandoverDoor::knock(state_dir()));
}

TEST_F(HandoverDoorTest, WithoutAStateFolderThereIsNoDoor) {
  const auto knocked = HandoverDoor::knock("");
  ASSERT_FALSE(knocked);
  EXPECT_NE(knocked.error().find("server.state_dir is empty"), std::string::npos)
      << knocked.error();
}

TEST_F(HandoverDoorTest, APathThatIsTooLongForASocketIsSaid) {
  const std::string folder = "/" + std::string(120, 'x');
  const auto knocked = HandoverDoor::knock(folder);
  ASSERT_FALSE(knocked);
  EXPECT_EQ(knocked.error(), folder + "/handover.sock is longer than the path of a socket may be");
  EXPECT_NE(door->open(folder), "");
}

TEST_F(HandoverDoorTest, AFolderThatIsNotThereIsSaid) {
  const std::string problem = door->open(directory.file("nowhere"));
  EXPECT_TRUE(problem.starts_with("The door for a process that takes over cannot listen on "))
      << problem;
}

TEST_F(HandoverDoorTest, ADoorInUseIsNotTaken) {
  ASSERT_EQ(door->open(state_dir()), "");
  {
    HandoverDoor second(io, [](const OwnedDescriptor&) {});
    EXPECT_NE(second.open(state_dir()).find("another process already does"), std::string::npos);
  }
  const auto knocked = HandoverDoor::knock(state_dir());
  ASSERT_TRUE(knocked) << knocked.error();
  // The second one's look whether anybody answers is a knock, too.
  EXPECT_TRUE(run_until_came(2));
}

}  // namespace
}  // namespace sluice::proxy
