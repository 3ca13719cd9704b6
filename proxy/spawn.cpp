#include "proxy/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "proxy/errno_text.hpp"

namespace sluice::proxy {
namespace {

/// Moves a descriptor out of the way of 0, 1 and 2, which a program may have closed.
OwnedDescriptor beyond_standard(OwnedDescriptor descriptor) {
  if (!descriptor.is_open() || descriptor.get() > 2) return descriptor;
  return OwnedDescriptor(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 3));
}

struct OutputPipe {
  OwnedDescriptor read;
  OwnedDescriptor write;
};

/// Not open, and errno set, when there is none.
OutputPipe make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  OutputPipe pipe{OwnedDescriptor(ends[0]), beyond_standard(OwnedDescriptor(ends[1]))};
  if (!pipe.write.is_open() || ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return {};
  return pipe;
}

/// A file in memory: unlike a pipe it neither fills up nor breaks when the child does not read it.
OwnedDescriptor make_input(const std::string& text) {
  if (text.empty())
    return beyond_standard(OwnedDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  OwnedDescriptor file = beyond_standard(OwnedDescriptor(::memfd_create("input", MFD_CLOEXEC)));
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t size = ::write(file.get(), text.data() + written, text.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return {};
    written += static_cast<std::size_t>(size);
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return {};
  return file;
}

std::vector<std::string> words_of(const CommandOrder& order) {
  std::vector<std::string> words{order.program};
  words.insert(words.end(), order.arguments.begin(), order.arguments.end());
  return words;
}

std::vector<std::string> environment_of(const CommandOrder& order) {
  std::vector<std::string> all;
  for (const auto& [name, value] : order.environment) all.push_back(name + "=" + value);
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string_view name = text.substr(0, text.find('='));
    const bool is_replaced = std::any_of(order.environment.begin(), order.environment.end(),
                                         [name](const auto& own) { return own.first == name; });
    if (!is_replaced) all.emplace_back(text);
  }
  return all;
}

/// What the child does before it becomes the program.
class Preparation {
 public:
  Preparation(int in, int out, int err) {
    check(::posix_spawn_file_actions_init(&actions_));
    check(::posix_spawnattr_init(&attributes_));
    const std::array<int, 3> standard{in, out, err};
    for (int target = 0; target < 3; ++target) {
      check(::posix_spawn_file_actions_adddup2(
          &actions_, standard.at(static_cast<std::size_t>(target)), target));
    }
    check(::posix_spawn_file_actions_addclosefrom_np(&actions_, 3));
    sigset_t signals;
    sigfillset(&signals);
    check(::posix_spawnattr_setsigdefault(&attributes_, &signals));
    sigemptyset(&signals);
    check(::posix_spawnattr_setsigmask(&attributes_, &signals));
    check(::posix_spawnattr_setpgroup(&attributes_, 0));
    check(::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP));
  }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;
  ~Preparation() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }

  /// An errno value; 0 is success.
  int run(const CommandOrder& order, pid_t& pid) const {
    if (failure_ != 0) return failure_;
    std::vector<std::string> words = words_of(order);
    std::vector<std::string> environment = environment_of(order);
    return ::posix_spawnp(&pid, order.program.c_str(), &actions_, &attributes_,
                          pointers_to(words).data(), pointers_to(environment).data());
  }

 private:
  void check(int error) {
    if (failure_ == 0) failure_ = error;
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  int failure_ = 0;
};

}  // namespace

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void kill_and_reap(pid_t pid) {
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

core::Result<Spawned, std::string> spawn(const CommandOrder& order) {
  const std::string failed = "cannot run " + order.program + ": ";
  const OwnedDescriptor in = make_input(order.input);
  if (!in.is_open()) return failed + "no standard input: " + errno_text(errno);
  OutputPipe out = make_pipe();
  if (!out.write.is_open()) return failed + "no pipe: " + errno_text(errno);
  OutputPipe err = make_pipe();
  if (!err.write.is_open()) return failed + "no pipe: " + errno_text(errno);
  Spawned child;
  const Preparation preparation(in.get(), out.write.get(), err.write.get());
  if (const int error = preparation.run(order, child.pid)) return failed + errno_text(error);
  child.pidfd = OwnedDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd.is_open()) {
    const int error = errno;
    // Ended, and not kept for us to reap.
    if (error == ESRCH)
      return "it is not known how " + order.program + " ended: " + errno_text(error);
    kill_and_reap(child.pid);
    return "cannot follow " + order.program + ": " + errno_text(error);
  }
  child.out = std::move(out.read);
  child.err = std::move(err.read);
  return child;
}

}  // namespace sluice::proxy
