#include "proxy/pipe_pool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace sluice::proxy {
namespace {

/// Room for what a socket holds; the kernel refuses it to a user with many pipes.
constexpr int pipe_size = 256 * 1024;
constexpr unsigned how = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

}  // namespace

Pipe Pipe::make() {
  Pipe pipe;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return pipe;
  pipe.read_end_ = ends[0];
  pipe.write_end_ = ends[1];
  if (::fcntl(pipe.write_end_, F_SETPIPE_SZ, pipe_size) < pipe_size) return {};
  return pipe;
}

Pipe::Pipe(Pipe&& other) noexcept
    : read_end_(std::exchange(other.read_end_, -1)),
      write_end_(std::exchange(other.write_end_, -1)),
      held_(std::exchange(other.held_, 0)) {}

Pipe& Pipe::operator=(Pipe&& other) noexcept {
  std::swap(read_end_, other.read_end_);
  std::swap(write_end_, other.write_end_);
  std::swap(held_, other.held_);
  return *this;
}

Pipe::~Pipe() {
  if (read_end_ < 0) return;
  ::close(read_end_);
  ::close(write_end_);
}

ssize_t Pipe::fill(int socket, std::size_t most) {
  ssize_t size = 0;
  do {
    size = ::splice(socket, nullptr, write_end_, nullptr, most, how);
  } while (size < 0 && errno == EINTR);
  if (size > 0) held_ += static_cast<std::size_t>(size);
  return size;
}

ssize_t Pipe::empty_into(int socket) {
  ssize_t size = 0;
  do {
    size = ::splice(read_end_, nullptr, socket, nullptr, held_, how);
  } while (size < 0 && errno == EINTR);
  if (size > 0) held_ -= static_cast<std::size_t>(size);
  return size;
}

Pipe PipePool::take() {
  if (taken_ == limit) return {};
  Pipe pipe;
  if (idle_.empty()) {
    pipe = Pipe::make();
  } else {
    pipe = std::move(idle_.back());
    idle_.pop_back();
    unused_ = std::min(unused_, idle_.size());
  }
  if (pipe) ++taken_;
  return pipe;
}

void PipePool::give_back(Pipe pipe) {
  --taken_;
  if (pipe.held() == 0) idle_.push_back(std::move(pipe));
}

void PipePool::trim() {
  idle_.resize(idle_.size() - unused_);
  unused_ = idle_.size();
}

}  // namespace sluice::proxy
