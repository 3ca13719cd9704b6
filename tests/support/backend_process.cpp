#include "tests/support/backend_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <new>
#include <vector>

#include "tests/support/deadline.hpp"
#include "tests/support/socket.hpp"

namespace sluice::support {
namespace {

/// The child: one thread, poll(2), no lock, so that it may be forked from a threaded test.
class Server {
 public:
  Server(int listening, const std::string& name, BackendProcess::Counts& counts)
      : listening_(listening), counts_(counts) {
    answer_ = "HTTP/1.1 200 OK\r\nX-Version: " + name +
              "\r\nContent-Length: " + std::to_string(name.size()) + "\r\n\r\n" + name;
    polled_.push_back({listening_, POLLIN, 0});
  }

  [[noreturn]] void run() {
    for (;;) {
      ::poll(polled_.data(), polled_.size(), -1);
      for (std::size_t at = polled_.size(); at-- > 1;)
        if (polled_[at].revents != 0 && !serve(polled_[at].fd)) drop(at);
      if (polled_[0].revents != 0) accept_one();
    }
  }

 private:
  void accept_one() {
    const int fd = ::accept(listening_, nullptr, nullptr);
    if (fd < 0) return;
    ++counts_.accepted;
    ++counts_.open;
    polled_.push_back({fd, POLLIN, 0});
  }

  void drop(std::size_t at) {
    buffers_.erase(polled_[at].fd);
    ::close(polled_[at].fd);
    polled_.erase(polled_.begin() + static_cast<std::ptrdiff_t>(at));
    --counts_.open;
  }

  bool serve(int fd) {
    char block[16384];
    const ssize_t got = ::recv(fd, block, sizeof block, 0);
    if (got <= 0) return false;
    std::string& buffer = buffers_[fd];
    buffer.append(block, static_cast<std::size_t>(got));
    while (const std::size_t size = request_size(buffer)) {
      if (!buffer.starts_with("GET /healthz ")) ++counts_.requests;
      buffer.erase(0, size);
      if (::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) return false;
    }
    return true;
  }

  /// Of the first request in `buffer`, with its Content-Length; 0 while it is not whole.
  static std::size_t request_size(const std::string& buffer) {
    const auto end = buffer.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const auto field = buffer.find("\r\nContent-Length: ");
    const std::size_t body = field < end ? std::stoul(buffer.substr(field + 18)) : 0;
    return buffer.size() >= end + 4 + body ? end + 4 + body : 0;
  }

  int listening_;
  BackendProcess::Counts& counts_;
  std::string answer_;
  std::vector<pollfd> polled_;
  std::map<int, std::string> buffers_;
};

}  // namespace

BackendProcess::BackendProcess(std::string name, std::string address)
    : name_(std::move(name)), address_(address.empty() ? free_address() : std::move(address)) {
  void* shared =
      ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw Failure("mmap");
  counts_ = new (shared) Counts;
  start();
}

BackendProcess::~BackendProcess() {
  kill();
  ::munmap(counts_, sizeof(Counts));
}

void BackendProcess::start() {
  const Fd listening = listen_on(address_);
  counts_->open = 0;
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw Failure("fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::dup2(listening.get(), 0);
  for (int fd = 3; fd < 4096; ++fd) ::close(fd);
  Server(0, name_, *counts_).run();
}

void BackendProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace sluice::support
