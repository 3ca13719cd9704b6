#include "proxy/access_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::proxy {

AccessLog::AccessLog(std::string target) : target_(std::move(target)) {}

AccessLog::~AccessLog() {
  close();
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

std::string AccessLog::open() {
  if (is_off()) return {};
  open_file();
  if (descriptor_ < 0) {
    return "cannot open the access log " + target_ + ": " + std::strerror(errno) +
           "; name a file in a folder that this user may write, \"stdout\" or \"off\"";
  }
  writer_ = std::thread([this] { run(); });
  return {};
}

void AccessLog::open_file() {
  if (target_ == "stdout") {
    descriptor_ = STDOUT_FILENO;
    return;
  }
  const int opened = ::open(target_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (opened < 0) return;
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
    if (std::exchange(reopen_, false)) open_file();
    if (waiting_.empty()) {
      if (closing_) return;
      continue;
    }
    std::vector<Batch> batches = std::exchange(waiting_, {});
    lock.unlock();
    for (const Batch& batch : batches) {
      if (!write_all(batch.text)) dropped_.fetch_add(batch.lines, std::memory_order_relaxed);
    }
    lock.lock();
    for (Batch& batch : batches) {
      if (spare_.size() < max_waiting) spare_.push_back(std::move(batch.text));
    }
  }
}

bool AccessLog::write_all(const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t size = ::write(descriptor_, text.data() + written, text.size() - written);
    if (size >= 0) {
      written += static_cast<std::size_t>(size);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    // stdout may be a non-blocking pipe: its reader is given time, but never the stop of the proxy.
    pollfd ready{descriptor_, POLLOUT, 0};
    if (::poll(&ready, 1, 1000) <= 0) return false;
  }
  return true;
}

}  // namespace sluice::proxy
