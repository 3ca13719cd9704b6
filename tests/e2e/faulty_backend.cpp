#include "tests/e2e/faulty_backend.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <new>
#include <random>
#include <vector>

#include "tests/support/deadline.hpp"
#include "tests/support/socket.hpp"

namespace sluice::e2e {
namespace {

using std::chrono::microseconds;
using support::Clock;

std::string answer_text(const std::string& line, const std::string& version) {
  return "HTTP/1.1 " + line + "\r\nX-Version: " + version +
         "\r\nContent-Length: " + std::to_string(version.size()) + "\r\n\r\n" + version;
}

std::int64_t wall_clock_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// The child: one thread, poll(2), no lock, so that it may be forked from a threaded test.
class Server {
 public:
  Server(int listening, const std::string& version, FaultyBackend::Shared& shared)
      : shared_(shared),
        random_(static_cast<std::minstd_rand::result_type>(::getpid())),
        good_(answer_text("200 OK", version)),
        bad_(answer_text("500 Internal Server Error", version)) {
    polled_.push_back({listening, POLLIN, 0});
  }

  [[noreturn]] void run() {
    for (;;) {
      ::poll(polled_.data(), polled_.size(), time_left_ms());
      for (std::size_t at = polled_.size(); at-- > 1;)
        if (polled_[at].revents != 0 && !receive(polled_[at].fd)) drop(at);
      if (polled_[0].revents != 0) accept_one();
      send_due();
    }
  }

 private:
  struct Connection {
    std::uint64_t serial = 0;
    std::string buffer;
  };
  struct Waiting {
    int fd = -1;
    std::uint64_t serial = 0;  ///< of the connection: its number may be in use again
    const std::string* answer = nullptr;
  };

  int time_left_ms() const {
    if (waiting_.empty()) return -1;
    const auto left = waiting_.begin()->first - Clock::now();
    return std::max(0,
                    static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }

  void accept_one() {
    const int fd = ::accept(polled_[0].fd, nullptr, nullptr);
    if (fd < 0) return;
    connections_[fd].serial = ++last_serial_;
    polled_.push_back({fd, POLLIN, 0});
  }

  void drop(std::size_t at) {
    connections_.erase(polled_[at].fd);
    ::close(polled_[at].fd);
    polled_.erase(polled_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  bool receive(int fd) {
    char block[16384];
    const ssize_t got = ::recv(fd, block, sizeof block, 0);
    if (got <= 0) return false;
    Connection& connection = connections_[fd];
    std::string& buffer = connection.buffer;
    buffer.append(block, static_cast<std::size_t>(got));
    for (auto end = buffer.find("\r\n\r\n"); end != std::string::npos;
         end = buffer.find("\r\n\r\n")) {
      const std::string target = buffer.substr(0, buffer.find(" HTTP/"));
      buffer.erase(0, end + 4);
      waiting_.insert({Clock::now() + time_of(target), {fd, connection.serial, answer_to(target)}});
    }
    return true;
  }

  bool is_drawn(unsigned per_mille) {
    return std::uniform_int_distribution<unsigned>(0, 999)(random_) < per_mille;
  }

  microseconds time_of(const std::string& target) {
    if (target == "GET /healthz") return microseconds(0);
    if (is_drawn(shared_.stalls)) return microseconds(shared_.stall_us);
    std::uniform_int_distribution<std::int64_t> spread(0, shared_.spread_us);
    return microseconds(shared_.base_us + spread(random_));
  }

  const std::string* answer_to(const std::string& target) {
    if (target == "GET /healthz") return &good_;
    ++shared_.requests;
    return target == "GET /broken" || is_drawn(shared_.fails) ? &bad_ : &good_;
  }

  void send_due() {
    for (const auto now = Clock::now(); !waiting_.empty() && waiting_.begin()->first <= now;
         waiting_.erase(waiting_.begin())) {
      const Waiting& next = waiting_.begin()->second;
      const auto connection = connections_.find(next.fd);
      if (connection == connections_.end() || connection->second.serial != next.serial) continue;
      if (next.answer == &bad_) count_bad();
      ::send(next.fd, next.answer->data(), next.answer->size(), MSG_NOSIGNAL);
    }
  }

  void count_bad() {
    ++shared_.bad;
    std::int64_t none = 0;
    shared_.first_bad_ms.compare_exchange_strong(none, wall_clock_ms());
  }

  FaultyBackend::Shared& shared_;
  std::minstd_rand random_;
  std::string good_;
  std::string bad_;
  std::vector<pollfd> polled_;
  std::map<int, Connection> connections_;
  std::multimap<Clock::time_point, Waiting> waiting_;
  std::uint64_t last_serial_ = 0;
};

}  // namespace

FaultyBackend::FaultyBackend(std::string version)
    : version_(std::move(version)), address_(support::free_address()) {
  void* shared =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw support::Failure("mmap");
  shared_ = new (shared) Shared;
  start();
}

FaultyBackend::~FaultyBackend() {
  kill();
  ::munmap(shared_, sizeof(Shared));
}

void FaultyBackend::start() {
  const support::Fd listening = support::listen_on(address_);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw support::Failure("fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::dup2(listening.get(), 0);
  for (int fd = 3; fd < 4096; ++fd) ::close(fd);
  Server(0, version_, *shared_).run();
}

void FaultyBackend::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void FaultyBackend::fail(unsigned per_mille) {
  shared_->first_bad_ms = 0;
  shared_->fails = per_mille;
}

void FaultyBackend::take(microseconds base, microseconds spread) {
  shared_->base_us = base.count();
  shared_->spread_us = spread.count();
}

void FaultyBackend::stall(unsigned per_mille, microseconds time) {
  shared_->stall_us = time.count();
  shared_->stalls = per_mille;
}

}  // namespace sluice::e2e
