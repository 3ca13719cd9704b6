#include "proxy/command_run.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/proxy/answered_once.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

using ::testing::EndsWith;
using testing::seconds;
using ::testing::StartsWith;

CommandOrder program(std::string path, std::vector<std::string> arguments = {}) {
  CommandOrder order;
  order.program = std::move(path);
  order.arguments = std::move(arguments);
  order.timeout = support::patience;
  return order;
}

CommandOrder script(std::string text) {
  return program("/bin/sh", {"-c", std::move(text)});
}

bool exists(pid_t pid) {
  return ::kill(pid, 0) == 0 || errno != ESRCH;
}

/// True also for a zombie that somebody else has to reap.
bool is_dead(pid_t pid) {
  const std::string state = support::read_file("/proc/" + std::to_string(pid) + "/stat");
  return state.empty() || state.find(") Z") != std::string::npos;
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

class CommandRunTest : public testing::AnsweredOnceTest<CommandAnswer> {
 protected:
  void begin(CommandOrder order) { token_ = run_command(loop_.io(), std::move(order), take()); }
  CommandAnswer run(CommandOrder order) {
    begin(std::move(order));
    return wait();
  }
  /// Starts a script that writes two process numbers into a file, its own and a child's, and then
  /// runs for ever.
  std::vector<pid_t> begin_family() {
    const std::string file = directory_.file("pids");
    begin(script("sleep 1000 & echo $$ $!. > " + file + "; sleep 1000"));
    EXPECT_TRUE(loop_.run_until([&] { return support::read_file(file).ends_with(".\n"); }));
    const std::string text = support::read_file(file);
    return {std::stoi(text), std::stoi(text.substr(text.find(' ')))};
  }

  support::TempDir directory_;
};

TEST_F(CommandRunTest, TheExitCodeOrSignalIsTheAnswer) {
  EXPECT_EQ(run(program("/bin/true")).exit_code, 0);
  EXPECT_EQ(answer_.error, "");
  EXPECT_EQ(answer_.signal, 0);
  EXPECT_EQ(run(script("exit 7")).exit_code, 7);
  EXPECT_EQ(to_string(answer_), "exit code 7");
  EXPECT_EQ(run(script("kill -TERM $$")).signal, SIGTERM);
  EXPECT_FALSE(answer_.exit_code.has_value());
  EXPECT_EQ(to_string(answer_), "ended by signal 15 (TERM)");
}

TEST_F(CommandRunTest, ArgumentsAreNotInterpreted) {
  EXPECT_EQ(run(program("/usr/bin/printf", {"%s|", "a b", "$HOME", "*", ""})).out, "a b|$HOME|*||");
  EXPECT_EQ(run(program("printf", {"in PATH"})).out, "in PATH");
}

TEST_F(CommandRunTest, TheEndOfBothOutputsIsKept) {
  run(script("echo good; echo bad >&2"));
  EXPECT_EQ(answer_.out, "good\n");
  EXPECT_EQ(answer_.err, "bad\n");
  run(script("yes | head -c 1000000; printf END; yes no | head -c 999999 >&2; printf END >&2"));
  EXPECT_EQ(answer_.exit_code, 0);
  EXPECT_EQ(answer_.out.size(), command_output_limit);
  EXPECT_THAT(answer_.out, EndsWith("y\nEND"));
  EXPECT_EQ(answer_.err.size(), command_output_limit);
  EXPECT_THAT(answer_.err, EndsWith("no\nEND"));
}

TEST_F(CommandRunTest, TheInputIsRead) {
  CommandOrder order = program("cat");
  order.input = R"({"event":"rolled_back"})";
  EXPECT_EQ(run(order).out, order.input);
  order.arguments = {"/dev/stdin"};
  EXPECT_EQ(run(order).out, order.input);
  order = program("wc", {"-c"});
  order.input.assign(3'000'000, 'x');
  EXPECT_EQ(run(order).out, "3000000\n");
  order.input.clear();
  EXPECT_EQ(run(order).out, "0\n");
}

TEST_F(CommandRunTest, InputThatIsNotReadDoesNoHarm) {
  CommandOrder order = program("true");
  order.input.assign(3'000'000, 'x');
  EXPECT_EQ(run(order).exit_code, 0);
}

TEST_F(CommandRunTest, VariablesAreAddedToTheEnvironment) {
  ::setenv("SLUICE_TEST_OLD", "ours", 1);
  ::setenv("SLUICE_TEST_KEPT", "kept", 1);
  CommandOrder order =
      script("env | grep -c SLUICE_TEST_OLD; echo $SLUICE_TEST_OLD $SLUICE_TEST_KEPT $SLUICE_ID");
  order.environment = {{"SLUICE_TEST_OLD", "replaced"}, {"SLUICE_ID", "build-42"}};
  EXPECT_EQ(run(order).out, "1\nreplaced kept build-42\n");
  ::unsetenv("SLUICE_TEST_OLD");
  ::unsetenv("SLUICE_TEST_KEPT");
}

TEST_F(CommandRunTest, AProgramThatCannotRunIsNamed) {
  run(program("/usr/local/bin/no-such-program"));
  EXPECT_EQ(answer_.error, "cannot run /usr/local/bin/no-such-program: No such file or directory");
  EXPECT_FALSE(answer_.exit_code.has_value());
  EXPECT_EQ(run(program("no-such-program")).error,
            "cannot run no-such-program: No such file or directory");
  EXPECT_EQ(run(program("/etc/passwd")).error, "cannot run /etc/passwd: Permission denied");
  const std::string file = directory_.file("script");
  support::write_file(file, "exit 0\n");
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  EXPECT_EQ(run(program(file)).error, "cannot run " + file + ": Exec format error") << "no shell";
}

TEST_F(CommandRunTest, SignalsAreUnblockedAndAtTheirDefault) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &all, &before), 0);
  const auto pipe_before = ::signal(SIGPIPE, SIG_IGN);
  const auto hangup_before = ::signal(SIGHUP, SIG_IGN);
  const std::string blocked = run(program("grep", {"^SigBlk:", "/proc/self/status"})).out;
  const std::string ignored = run(program("grep", {"^SigIgn:", "/proc/self/status"})).out;
  ::signal(SIGPIPE, pipe_before);
  ::signal(SIGHUP, hangup_before);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(blocked, "SigBlk:\t0000000000000000\n");
  ASSERT_THAT(ignored, StartsWith("SigIgn:\t"));
  // 32 and 33 are the C library's own.
  EXPECT_EQ(std::stoull(ignored.substr(8), nullptr, 16) & ~0x180000000ULL, 0U) << ignored;
}

TEST_F(CommandRunTest, TheProgramLeadsAGroupOfItsOwn) {
  run(script("read pid name state parent group rest < /proc/self/stat; echo $((group - pid))"));
  EXPECT_EQ(answer_.out, "0\n");
}

TEST_F(CommandRunTest, NoOtherDescriptorIsInherited) {
  const support::Fd inheritable(::open("/dev/null", O_RDONLY));
  const support::Fd high(::fcntl(inheritable.get(), F_DUPFD, 200));
  run(script("for n in 0 1 2; do [ -e /proc/$$/fd/$n ] && echo $n; done; for n in " +
             std::to_string(inheritable.get()) + " " + std::to_string(high.get()) +
             "; do [ -e /proc/$$/fd/$n ] && echo $n; done; true"));
  EXPECT_EQ(answer_.out, "0\n1\n2\n");
}

TEST_F(CommandRunTest, ATimeoutKillsTheWholeGroup) {
  CommandOrder order = script("sleep 1000 & echo $$ $!; sleep 1000");
  order.timeout = seconds(1);
  run(order);
  EXPECT_EQ(answer_.error, "/bin/sh still ran after 1000 ms and was killed");
  EXPECT_EQ(answer_.signal, SIGKILL);
  EXPECT_FALSE(answer_.exit_code.has_value());
  const std::size_t space = answer_.out.find(' ');
  ASSERT_NE(space, std::string::npos) << answer_.out;
  EXPECT_FALSE(exists(std::stoi(answer_.out)));
  const pid_t grandchild = std::stoi(answer_.out.substr(space));
  EXPECT_TRUE(support::eventually([&] { return is_dead(grandchild); }));
}

TEST_F(CommandRunTest, WhatIsLeftInTheBackgroundDelaysNothingAndLives) {
  run(script("sleep 1000 & echo $!"));
  EXPECT_EQ(answer_.exit_code, 0);
  const pid_t left = std::stoi(answer_.out);
  token_.reset();
  loop_.settle();
  EXPECT_FALSE(is_dead(left));
  ::kill(left, SIGKILL);
}

TEST_F(CommandRunTest, CancellingKillsTheWholeGroupAndReaps) {
  const std::vector<pid_t> family = begin_family();
  token_.reset();
  EXPECT_TRUE(loop_.run_until([&] { return !exists(family[0]); }));
  EXPECT_TRUE(support::eventually([&] { return is_dead(family[1]); }));
  loop_.settle();
  EXPECT_EQ(answers_, 0);
}

TEST_F(CommandRunTest, ARunMayBeCancelledAtAnyPoint) {
  begin(program("true"));
  token_.reset();
  begin(program("/no-such-program"));
  token_.reset();
  loop_.settle();
  EXPECT_EQ(run(script("exit 3")).exit_code, 3) << "a later one is not touched";
}

TEST_F(CommandRunTest, ItGoesWithItsContext) {
  auto io = std::make_unique<boost::asio::io_context>(1);
  int answers = 0;
  const std::string file = directory_.file("pid");
  const auto token = run_command(*io, script("echo $$. > " + file + "; sleep 1000"),
                                 [&](CommandAnswer) { ++answers; });
  ASSERT_TRUE(support::eventually([&] { return support::read_file(file).ends_with(".\n"); }));
  const pid_t pid = std::stoi(support::read_file(file));
  EXPECT_TRUE(exists(pid));
  io.reset();
  EXPECT_FALSE(exists(pid)) << "killed and reaped";
  EXPECT_EQ(answers, 0);
}

TEST_F(CommandRunTest, TheTokenMayGoInsideTheAnswer) {
  token_ = run_command(loop_.io(), program("true"), [this](const CommandAnswer&) {
    token_.reset();
    ++answers_;
  });
  EXPECT_TRUE(loop_.run_until([this] { return answers_ == 1; }));
}

TEST_F(CommandRunTest, ManyRunAtOnceAndLeaveNothingBehind) {
  run(program("true"));
  const std::ptrdiff_t descriptors = open_descriptors();
  std::vector<std::shared_ptr<void>> tokens;
  std::vector<CommandAnswer> answers(60);
  std::size_t ended = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    CommandOrder order = script("cat; echo $$; exit " + std::to_string(i));
    order.input = "input ";
    tokens.push_back(run_command(loop_.io(), order, [&, i](CommandAnswer answer) {
      answers[i] = std::move(answer);
      ++ended;
    }));
  }
  ASSERT_TRUE(loop_.run_until([&] { return ended == answers.size(); })) << ended;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].exit_code, static_cast<int>(i)) << to_string(answers[i]);
    ASSERT_THAT(answers[i].out, StartsWith("input "));
    EXPECT_FALSE(exists(std::stoi(answers[i].out.substr(6)))) << "a zombie is left";
  }
  begin(program("/no-such-program"));
  loop_.settle();
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_F(CommandRunTest, OtherChildrenAreLeftAlone) {
  const pid_t other = ::fork();
  if (other == 0) ::_exit(5);
  ASSERT_GT(other, 0);
  EXPECT_EQ(run(script("exit 3")).exit_code, 3);
  int status = 0;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(WEXITSTATUS(status), 5);
}

TEST_F(CommandRunTest, AnExitThatSomebodyElseTookIsUnknown) {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  run(script("exit 3"));
  ::signal(SIGCHLD, before);
  EXPECT_THAT(answer_.error, StartsWith("it is not known how /bin/sh ended: "));
}

}  // namespace
}  // namespace sluice::proxy
