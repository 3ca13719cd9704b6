#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

/// The few system calls that the parts of the demonstration share. Loopback only.
namespace sluice::proxy::program {

/// Owns a file descriptor; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  void close();

 private:
  int number_;
};

/// A flag that poll(2) can wait for. Once raised it stays so. Any thread; what was written before
/// it was raised is seen by whoever saw it raised.
class Flag {
 public:
  /// Throws std::system_error.
  Flag();
  void raise();
  bool is_raised() const { return raised_.load(); }
  /// Waits for the flag; false when it is not raised within `patience`.
  bool wait(std::chrono::milliseconds patience) const;
  int number() const { return event_.number(); }

 private:
  Descriptor event_;
  std::atomic<bool> raised_ = false;
};

/// A non-blocking socket that listens on 127.0.0.1, on a port that the system chooses. Throws
/// std::system_error.
Descriptor listen_on_loopback();
/// The port that a socket is bound to.
std::uint16_t port_of(const Descriptor& socket);
/// The port behind the last colon of "127.0.0.1:8080".
std::uint16_t port_of(const std::string& address);
std::string loopback_address(std::uint16_t port);

/// A blocking connection to 127.0.0.1; not open, and errno set, when there is none.
Descriptor connect_to_loopback(std::uint16_t port);
/// No delay for small writes.
void send_at_once(const Descriptor& socket);

/// What wait_until_ready() ended with.
enum class Readiness : std::uint8_t {
  ready,     ///< the socket can be read or written, or is broken
  too_late,  ///< the patience ran out
  stopped,   ///< the flag was raised
};
/// Waits for `events` (poll(2)) on a socket. `stop` may be null.
Readiness wait_until_ready(const Descriptor& socket, short events,
                           std::chrono::milliseconds patience, const Flag* stop);

}  // namespace sluice::proxy::program
