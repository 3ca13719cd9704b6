#pragma once

#include <sys/types.h>

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

  /// A new pipe, or none (false) when descriptors or memory for pipes are short.
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

/// The pipes of one worker. Each holds two descriptors and memory of the kernel, so there are at
/// most `limit` of them.
class PipePool {
 public:
  static constexpr std::size_t limit = 128;

  /// An empty pipe, or none (false): then octets have to be copied.
  Pipe take();
  /// Every pipe that was taken comes back. One that still holds octets is closed.
  void give_back(Pipe pipe);
  /// Closes those that were not needed since the last call.
  void trim();

 private:
  std::vector<Pipe> idle_;
  std::size_t unused_ = 0;  ///< the fewest that were idle at once since the last trim()
  std::size_t taken_ = 0;
};

}  // namespace sluice::proxy
