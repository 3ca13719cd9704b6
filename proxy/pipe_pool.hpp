#pragma once

#include <cstddef>
#include <vector>

namespace sluice::proxy {

/// A pipe through which the kernel moves octets from one socket to another without copying them.
class Pipe {
 public:
  Pipe() = default;
  Pipe(Pipe&& other) noexcept;
  Pipe& operator=(Pipe&& other) noexcept;
  ~Pipe();

  /// A new pipe, or an empty one (false) when the process has no descriptors left.
  static Pipe make();
  explicit operator bool() const { return read_end_ >= 0; }

  /// Takes at most `most` octets from `socket`. As splice(2): 0 at its end, -1 with errno.
  ssize_t fill(int socket, std::size_t most);
  /// Gives what it holds to `socket`, as much as goes. As splice(2).
  ssize_t empty_into(int socket);
  std::size_t held() const { return held_; }

 private:
  int read_end_ = -1;
  int write_end_ = -1;
  std::size_t held_ = 0;
};

/// Pipes of one worker that are not in use.
class PipePool {
 public:
  Pipe take();
  /// One that still holds octets is closed instead.
  void give_back(Pipe pipe);

 private:
  std::vector<Pipe> idle_;
};

}  // namespace sluice::proxy
