#include "proxy/access_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/thread_name.hpp"

namespace sluice::proxy {

AccessLog::AccessLog(std::string target) : target_(std::move(target)) {}

AccessLog::~AccessLog() {
  close();
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string AccessLog::open() {
  if (is_off()) return {};
  open_file();
  if (descriptor_ < 0) {
    return "cannot open the access log " + target_ + ": " + std::strerror(errno) +
           "; name a file in a folder that this user may write, \"stdout\" or \"off\"";
  }
  writer_ = std::thread([this] {
    name_thread("sluice-log");
    run();
  });
  return {};
}

void AccessLog::open_file() {
  constexpr int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC;
  const bool is_stdout = target_ == "stdout";
  struct stat target {};
  const bool is_file = is_stdout && ::fstat(STDOUT_FILENO, &target) == 0 && S_ISREG(target.st_mode);
  // A pipe or terminal gets a description of our own: made non-blocking, so that a stuck reader
  // cannot hold the thread, without touching what other processes share. A file never blocks, and
  // its offset has to be shared with whoever else writes to it.
  int opened = -1;
  if (!is_stdout) opened = ::open(target_.c_str(), flags | O_CREAT, 0640);
  if (is_stdout && !is_file) opened = ::open("/proc/self/fd/1", flags);
  if (opened < 0 && is_stdout) opened = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  if (opened < 0) return;
  // A socket has no second description; it is told for each write not to wait.
  is_socket_ = is_stdout && S_ISSOCK(target.st_mode);
  ends_in_line_ = false;
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = opened;
}

void AccessLog::hand_over(std::string& buffer, std::uint64_t lines) {
  if (buffer.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!closing_ && waiting_.size() < max_waiting) {
      std::string spare;
      if (!spare_.empty()) {
        spare = std::move(spare_.back());
        spare_.pop_back();
      }
      spare.clear();
      std::swap(spare, buffer);
      waiting_.push_back({std::move(spare), lines});
      lines = 0;
    }
  }
  if (lines == 0) {
    filled_.notify_one();
  } else {
    dropped_.fetch_add(lines, std::memory_order_relaxed);
    buffer.clear();
  }
}

void AccessLog::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  filled_.notify_one();
}

void AccessLog::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  filled_.notify_one();
  if (writer_.joinable()) writer_.join();
}

void AccessLog::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    filled_.wait(lock, [&] { return closing_ || reopen_ || !waiting_.empty(); });
    const bool reopens = std::exchange(reopen_, false);
    if (closing_ && waiting_.empty()) return;
    std::vector<Batch> batches = std::exchange(waiting_, {});
    lock.unlock();
    write_batches(batches);
    if (reopens) open_file();
    lock.lock();
    for (Batch& batch : batches) {
      if (spare_.size() < max_waiting) spare_.push_back(std::move(batch.text));
    }
  }
}

/// Once the disk fails the rest of what waits is dropped with it: it would fail the same way, one
/// time-out each.
void AccessLog::write_batches(const std::vector<Batch>& batches) {
  bool fails = false;
  for (const Batch& batch : batches) {
    fails = fails || !write_all(batch.text);
    if (fails) dropped_.fetch_add(batch.lines, std::memory_order_relaxed);
  }
}

bool AccessLog::write_all(const std::string& text) {
  // A line that could not be finished must not swallow the next one.
  if (ends_in_line_ && !write_some("\n")) return false;
  return write_some(text);
}

bool AccessLog::write_some(std::string_view text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const std::string_view rest = text.substr(written);
    ssize_t size = -1;
    if (is_socket_) {
      size = ::send(descriptor_, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (!is_socket_) size = ::write(descriptor_, rest.data(), rest.size());
    if (size > 0) {
      written += static_cast<std::size_t>(size);
      ends_in_line_ = text[written - 1] != '\n';
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    // The reader of a pipe is given some time.
    pollfd ready{descriptor_, POLLOUT, 0};
    if (::poll(&ready, 1, 1000) <= 0) return false;
  }
  return true;
}

}  // namespace sluice::proxy
