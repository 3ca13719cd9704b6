#include "proxy/program/predecessor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "proxy/successor.hpp"
#include "tests/support/socket.hpp"

namespace sluice::proxy::program {
namespace {

class PredecessorTest : public ::testing::Test {
 protected:
  ~PredecessorTest() override { ::unsetenv(handover_variable); }
  static OwnedDescriptor inherited(const std::string& text) {
    EXPECT_EQ(::setenv(handover_variable, text.c_str(), 1), 0);
    return inherited_handover();
  }
};

TEST_F(PredecessorTest, WithoutTheVariableThereIsNone) {
  ::unsetenv(handover_variable);
  EXPECT_FALSE(inherited_handover().is_open());
}

TEST_F(PredecessorTest, TheSocketIsTakenOnceAndTheVariableIsGone) {
  support::SocketPair pair = support::blocking_socket_pair();
  const int descriptor = pair.ours.release();
  const OwnedDescriptor taken = inherited(std::to_string(descriptor));
  EXPECT_EQ(taken.get(), descriptor);
  EXPECT_EQ(std::getenv(handover_variable), nullptr);
  EXPECT_FALSE(inherited_handover().is_open());
}

TEST_F(PredecessorTest, WhatLeadsToNoSocketIsIgnoredAndLeftAlone) {
  const OwnedDescriptor file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::string number = std::to_string(file.get());
  for (const std::string& text :
       {number, std::string(), std::string("x"), number + "x", std::string("-1"), std::string("0"),
        std::string("2"), std::string("1000000"), std::string("99999999999999")}) {
    EXPECT_FALSE(inherited(text).is_open()) << text;
    EXPECT_EQ(std::getenv(handover_variable), nullptr) << text;
  }
  EXPECT_NE(::fcntl(file.get(), F_GETFD), -1) << "it is somebody else's";
}

TEST_F(PredecessorTest, TheCommandIsThisProgramWithItsFile) {
  const auto command = command_to_run("/etc/sluice.toml");
  ASSERT_EQ(command.size(), 3U);
  EXPECT_TRUE(std::filesystem::equivalent(command[0], "/proc/self/exe")) << command[0];
  EXPECT_EQ(command[1], "run");
  EXPECT_EQ(command[2], "/etc/sluice.toml");
}

}  // namespace
}  // namespace sluice::proxy::program
