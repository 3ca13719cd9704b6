#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tests/support/deadline.hpp"
#include "tests/support/fd.hpp"

namespace sluice::support {

/// How the receiving half of a connection stands.
enum class Ending : std::uint8_t {
  open,    ///< it may still bring something
  closed,  ///< the peer finished in order
  reset,   ///< the peer broke it off
  late,    ///< a deadline passed before anything came
};
const char* to_string(Ending ending);

/// A connected socket with a receive buffer. One thread may send while another receives.
class ByteStream {
 public:
  ByteStream() = default;
  explicit ByteStream(Fd fd) : fd_(std::move(fd)) {}

  /// True when the kernel took everything. False: the peer is gone, or the deadline passed.
  bool send(std::string_view bytes, Deadline deadline = {});
  /// The same, each octet in a segment of its own.
  bool send_each_byte(std::string_view bytes, Deadline deadline = {});

  /// Waits until at least one further octet is in `buffer`. False: see ending().
  bool fill(Deadline deadline = {});
  /// Fills until `buffer` holds `size` octets. False: it ended before.
  bool fill_to(std::size_t size, Deadline deadline = {});
  /// Removes and returns the first `size` octets of `buffer`, fewer when it has fewer.
  std::string take(std::size_t size);
  /// Removes and returns everything up to and with `marker`. Throws Failure when it does not come.
  std::string take_through(std::string_view marker, Deadline deadline = {});
  /// Everything until the peer ends; look at ending().
  std::string take_all(Deadline deadline = {});

  /// Ends the sending half; the peer sees the end, we still receive.
  void finish_sending();
  /// Ends both halves, so that a thread blocked in fill() comes back. Any thread.
  void shut();
  void close() { fd_.close(); }
  /// Lets close() end the connection with a reset.
  void reset_on_close();
  void reset() {
    reset_on_close();
    close();
  }

  /// Sees every octet received, on the receiving thread.
  std::function<void(std::string_view)> on_receive;

  Ending ending() const { return ending_; }
  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }

  std::string buffer;  ///< received, not taken yet

 private:
  Fd fd_;
  Ending ending_ = Ending::open;
};

}  // namespace sluice::support
