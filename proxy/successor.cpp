#include "proxy/successor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "proxy/errno_text.hpp"
#include "proxy/spawn.hpp"

namespace sluice::proxy {
namespace {

/// Where the successor finds its end of the socket pair.
constexpr int handover_descriptor = 3;

std::vector<std::string> environment() {
  const std::string own = std::string(handover_variable) + "=";
  std::vector<std::string> all{own + std::to_string(handover_descriptor)};
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with(own)) all.emplace_back(*variable);
  }
  return all;
}

/// An errno value; 0 is success.
int run(std::vector<std::string> command, int socket, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  int error = ::posix_spawn_file_actions_adddup2(&actions, socket, handover_descriptor);
  if (error == 0) {
    error = ::posix_spawn_file_actions_addclosefrom_np(&actions, handover_descriptor + 1);
  }
  // The threads of a proxy block signals; its successor begins like a program that was just called.
  sigset_t signals;
  sigfillset(&signals);
  ::posix_spawnattr_setsigdefault(&attributes, &signals);
  sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&attributes, &signals);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> variables = environment();
  if (error == 0) {
    error = ::posix_spawn(&pid, command.front().c_str(), &actions, &attributes,
                          pointers_to(command).data(), pointers_to(variables).data());
  }
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    return std::string("it was ended by signal ") + std::to_string(WTERMSIG(status)) + " (" +
           ::strsignal(WTERMSIG(status)) + ")";
  }
  return "it ended with exit code " + std::to_string(WEXITSTATUS(status)) +
         "; its last words are in the log";
}

}  // namespace

struct Successor::Watch {
  Watch(boost::asio::io_context& io, pid_t the_pid) : pid(the_pid), ended(io) {}
  pid_t pid;
  boost::asio::posix::stream_descriptor ended;  ///< readable then (pidfd_open(2))
  std::function<void(const std::string&)> on_end;
  bool has_ended = false;
};

Successor::Successor(boost::asio::io_context& io, pid_t pid, OwnedDescriptor socket)
    : pid_(pid), socket_(std::move(socket)), watch_(std::make_shared<Watch>(io, pid)) {}

Successor::~Successor() {
  // The wait goes on, for somebody has to reap it.
  watch_->on_end = nullptr;
}

core::Result<std::unique_ptr<Successor>, std::string> Successor::start(
    boost::asio::io_context& io, const std::vector<std::string>& command) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return "no socket pair for the hand-over: " + errno_text(errno);
  }
  OwnedDescriptor ours(ends[0]);
  const OwnedDescriptor theirs(ends[1]);
  pid_t pid = -1;
  if (const int error = run(command, theirs.get(), pid)) {
    return command.front() + " cannot be run: " + errno_text(error);
  }
  return std::unique_ptr<Successor>(new Successor(io, pid, std::move(ours)));
}

void Successor::watch(std::function<void(const std::string&)> on_end) {
  watch_->on_end = std::move(on_end);
  boost::system::error_code error;
  watch_->ended.assign(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), error);
  // Without it the end shows by the closed socket.
  if (error) return;
  watch_->ended.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [watch = watch_](const boost::system::error_code& failure) {
                             int status = 0;
                             if (failure || ::waitpid(watch->pid, &status, WNOHANG) <= 0) return;
                             watch->has_ended = true;
                             if (watch->on_end) watch->on_end(how_it_ended(status));
                           });
}

void Successor::kill() {
  if (!watch_->has_ended) ::kill(pid_, SIGKILL);
}

}  // namespace sluice::proxy
