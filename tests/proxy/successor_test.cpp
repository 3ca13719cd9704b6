#include "proxy/successor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "proxy/handover_channel.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

class SuccessorTest : public ::testing::Test {
 protected:
  ~SuccessorTest() override {
    if (!successor || how) return;
    successor->kill();
    run_to_the_end();
  }

  void start(const std::vector<std::string>& command) {
    auto started = Successor::start(io, command);
    ASSERT_TRUE(started) << started.error();
    successor = std::move(*started);
    successor->watch([this](const std::string& words) { how = words; });
  }
  void run_to_the_end() {
    const support::Deadline deadline;
    while (!how && !deadline.passed()) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(deadline.poll_ms()));
    }
  }
  /// How `sh -c script` ended.
  std::string end_of(const std::string& script) {
    start({"/bin/sh", "-c", script});
    run_to_the_end();
    return how.value_or("it does not end");
  }
  std::string written() const { return support::read_file(file); }

  const support::TempDir directory;
  const std::string file = directory.file("written");
  boost::asio::io_context io;
  std::unique_ptr<Successor> successor;
  std::optional<std::string> how;
};

TEST_F(SuccessorTest, AnEndIsToldInWords) {
  start({"/bin/true"});
  EXPECT_GT(successor->pid(), 0);
  run_to_the_end();
  ASSERT_TRUE(how);
  EXPECT_TRUE(how->starts_with("it ended with exit code 0")) << *how;
}

TEST_F(SuccessorTest, AnExitCodeIsNamed) {
  EXPECT_TRUE(end_of("exit 7").starts_with("it ended with exit code 7")) << *how;
}

TEST_F(SuccessorTest, ASignalIsNamed) {
  EXPECT_EQ(end_of("ulimit -c 0; kill -SEGV $$"), "it was ended by signal 11 (Segmentation fault)");
}

TEST_F(SuccessorTest, KillingItEndsIt) {
  start({"/bin/sh", "-c", "read never <&3"});
  successor->kill();
  run_to_the_end();
  EXPECT_EQ(how, "it was ended by signal 9 (Killed)");
  successor->kill();  // Nobody, by now.
}

TEST_F(SuccessorTest, AProgramThatIsNotThereIsAnError) {
  const auto started = Successor::start(io, {"/nowhere/sluice", "run", "x"});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error(), "/nowhere/sluice cannot be run: No such file or directory");
}

TEST_F(SuccessorTest, AFileThatIsNoProgramIsAnError) {
  support::write_file(file, "x");
  const auto started = Successor::start(io, {file});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error(), file + " cannot be run: Permission denied");
}

TEST_F(SuccessorTest, ItGetsItsArgumentsAndOurEnvironment) {
  ASSERT_EQ(::setenv("SLUICE_TEST_VARIABLE", "kept", 1), 0);
  start({"/bin/sh", "-c", "echo \"$0 $1 $SLUICE_TEST_VARIABLE\" > " + file, "run", "a b"});
  run_to_the_end();
  ::unsetenv("SLUICE_TEST_VARIABLE");
  EXPECT_EQ(written(), "run a b kept\n");
}

TEST_F(SuccessorTest, ItFindsASocketAtTheDescriptorThatItIsTold) {
  ASSERT_EQ(::setenv(handover_variable, "77", 1), 0) << "of our own predecessor";
  end_of("{ env | grep ^SLUICE_HANDOVER_FD; readlink /proc/$$/fd/3; } > " + file);
  ::unsetenv(handover_variable);
  EXPECT_TRUE(written().starts_with("SLUICE_HANDOVER_FD=3\nsocket:[")) << written();
}

TEST_F(SuccessorTest, ItGetsNoOtherDescriptors) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0) << "not closed on exec, as a library may have them";
  const OwnedDescriptor reading(pipe[0]);
  const OwnedDescriptor writing(pipe[1]);
  const OwnedDescriptor high(::fcntl(pipe[0], F_DUPFD, 200));
  ASSERT_GE(high.get(), 200);
  // What the shell keeps for itself it closes on exec; ls opens the folder itself, as 4.
  end_of("ls /proc/self/fd > " + file);
  std::istringstream words(written());
  std::vector<int> numbers;
  for (int number = 0; words >> number;) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(numbers, (std::vector<int>{0, 1, 2, 3, 4})) << written();
}

TEST_F(SuccessorTest, ItBeginsWithNoSignalBlockedOrIgnored) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  const auto before_that = ::signal(SIGPIPE, SIG_IGN);
  end_of("grep -E '^Sig(Blk|Ign)' /proc/self/status > " + file);
  ::signal(SIGPIPE, before_that);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::istringstream lines(written());
  std::string name;
  std::uint64_t bits = 0;
  lines >> name >> std::hex >> bits;
  EXPECT_EQ(name, "SigBlk:") << written();
  EXPECT_EQ(bits, 0U) << written();
  lines >> name >> std::hex >> bits;
  EXPECT_EQ(name, "SigIgn:") << written();
  // Behind the first 31 are those that the C library uses within itself.
  EXPECT_EQ(bits & 0x7fffffffU, 0U) << written();
}

TEST_F(SuccessorTest, ItSpeaksOverTheSocket) {
  start({"/bin/sh", "-c", "echo hello >&3; read answer <&3; echo \"$answer\" > " + file});
  const OwnedDescriptor ours = successor->take_socket();
  std::array<char, 16> text{};
  ASSERT_EQ(::recv(ours.get(), text.data(), 6, MSG_WAITALL), 6);
  EXPECT_STREQ(text.data(), "hello\n");
  ASSERT_EQ(::send(ours.get(), "answer\n", 7, MSG_NOSIGNAL), 7);
  run_to_the_end();
  EXPECT_EQ(written(), "answer\n");
}

TEST_F(SuccessorTest, ItsEndClosesTheSocket) {
  end_of("exit 0");
  HandoverChannel channel(successor->take_socket());
  EXPECT_FALSE(channel.receive_some());
  EXPECT_NE(channel.why().find("closed"), std::string::npos) << channel.why();
}

TEST_F(SuccessorTest, ItOutlivesItsWatcher) {
  start({"/bin/sh", "-c", "read line <&3; echo \"$line\" > " + file + "; read line <&3"});
  const pid_t pid = successor->pid();
  const OwnedDescriptor ours = successor->take_socket();
  successor.reset();
  io.restart();
  io.poll();
  EXPECT_FALSE(how);
  ASSERT_EQ(::send(ours.get(), "alive\n", 6, MSG_NOSIGNAL), 6);
  EXPECT_TRUE(support::eventually([&] { return written() == "alive\n"; }));
  ::kill(pid, SIGKILL);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid) << "it was not reaped: nobody watches";
}

}  // namespace
}  // namespace sluice::proxy
