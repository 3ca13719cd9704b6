#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::proxy {

/// Milliseconds since the Unix epoch.
inline std::int64_t wall_clock_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             system_clock::now().time_since_epoch())
      .count();
}

}  // namespace sluice::proxy
