#include "tests/support/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "tests/support/temp_dir.hpp"

namespace sluice::support {
namespace {

/// Between fork and exec in the child: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, const char* out_file, const char* err_file) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(out_file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int err = ::open(err_file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  for (int fd = 3; fd < 4096; ++fd) ::close(fd);
  ::execvp(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const std::string& out_file,
                           const std::string& err_file) {
  std::vector<std::string> copies = arguments;
  std::vector<char*> pointers;
  for (std::string& argument : copies) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw Failure("fork");
  if (pid_ == 0) become(pointers.data(), out_file.c_str(), err_file.c_str());
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    exit_code_ = other.exit_code_;
  }
  return *this;
}

void ChildProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool ChildProcess::has_ended() {
  if (pid_ < 0) return true;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  pid_ = -1;
  return true;
}

int ChildProcess::wait_exit(Clock::duration limit) {
  if (!eventually([this] { return has_ended(); }, limit))
    throw Failure("process " + std::to_string(pid_) + " does not end");
  return exit_code_;
}

void ChildProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

FinishedRun run_to_end(const std::vector<std::string>& arguments) {
  const TempDir directory;
  ChildProcess child(arguments, directory.file("out"), directory.file("err"));
  FinishedRun run;
  run.exit_code = child.wait_exit();
  run.out = read_file(directory.file("out"));
  run.err = read_file(directory.file("err"));
  return run;
}

}  // namespace sluice::support
