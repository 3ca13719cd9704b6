#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// The live side of one backend as one worker sees it. Not shared between threads.
namespace sluice::core {

/// Why an attempt on a backend failed; the label `reason` of sluice_attempt_failures_total.
enum class FailureReason : std::uint8_t {
  connect_refused,     ///< nobody listens
  connect_failed,      ///< any other error while connecting: no route, no such socket file, ...
  connect_timeout,     ///< the connect deadline passed
  name_unresolved,     ///< the DNS name of the backend has no address
  reset,               ///< the connection broke or was closed before the answer was complete
  first_byte_timeout,  ///< no response head before the deadline
  idle_timeout,        ///< the answer stalled
  bad_response,        ///< the answer is not HTTP as we accept it
  count_               ///< NOLINT(readability-identifier-naming): how many there are, no reason
};
std::string_view to_string(FailureReason reason);

/// Counts and condition of one backend. Owned by its worker, which keeps it until every count is
/// zero.
struct Backend {
  // What each request reads or counts comes first, to lie together.
  bool up = true;         ///< the health checks' verdict, or no checks configured
  bool draining = false;  ///< gets nothing new

  std::uint32_t in_flight = 0;  ///< requests with a ticket, upgraded ones not counted
  std::uint32_t upgraded = 0;   ///< tunnels
  std::uint32_t open = 0;       ///< connections open or being opened, idle ones included
  std::uint32_t idle = 0;       ///< connections in the pool

  std::uint64_t requests = 0;  ///< tickets ever given out
  std::array<std::uint64_t, static_cast<std::size_t>(FailureReason::count_)> failures{};

  std::string pool;     ///< name of its pool
  std::string address;  ///< as configured

  bool admits() const { return up && !draining; }
  bool is_quiet() const { return in_flight == 0 && upgraded == 0 && open == 0; }
};

inline bool contains(std::span<Backend* const> backends, const Backend* backend) {
  return std::find(backends.begin(), backends.end(), backend) != backends.end();
}

}  // namespace sluice::core
