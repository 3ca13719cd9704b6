#pragma once

#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <filesystem>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {

/// Holds the program still for as long as it lives: whatever arrives meanwhile is there all at
/// once when the program goes on. That forces an order of events that is otherwise a matter of
/// luck.
class Frozen {
 public:
  explicit Frozen(const SluiceProcess& sluice) : pid_(sluice.pid()) {
    ::kill(pid_, SIGSTOP);
    EXPECT_TRUE(eventually([this] { return is_still(); })) << "the program does not stop";
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  ~Frozen() { ::kill(pid_, SIGCONT); }

 private:
  bool is_still() const {
    const std::filesystem::directory_iterator threads("/proc/" + std::to_string(pid_) + "/task");
    for (const auto& thread : threads) {
      const std::string stat = read_file(thread.path() / "stat");
      const auto state = stat.rfind(") ");
      if (state == std::string::npos || stat[state + 2] != 'T') return false;
    }
    return true;
  }

  pid_t pid_;
};

/// Waits until the kernel has handed everything sent on `stream` to the other end, whether the
/// program there reads it or not. TCP only.
inline bool has_arrived(const ByteStream& stream) {
  return eventually([&stream] {
    int unconfirmed = 0;
    return ::ioctl(stream.fd(), SIOCOUTQ, &unconfirmed) == 0 && unconfirmed == 0;
  });
}

}  // namespace sluice::e2e
