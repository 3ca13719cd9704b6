#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/scripts.hpp"

namespace sluice::e2e {

using namespace support;

/// What a user does.
enum class Errand : std::uint8_t {
  fresh,     ///< a short GET on a connection of its own
  kept,      ///< a short GET on a connection that was used before
  upload,    ///< a body that is sent slowly and comes back
  download,  ///< a body that is read slowly
  events,    ///< an event stream
  tunnel,    ///< a WebSocket that says something every now and then
  count_
};
const char* to_string(Errand errand);

/// What users saw of one kind of errand.
struct ErrandCounts {
  std::uint64_t good = 0;  ///< 2xx or 101, whole, to the octet
  std::uint64_t failures = 0;
  std::string first_failure;
  std::uint64_t crossings = 0;  ///< good, and a mark() fell between its start and its end
  /// Requests on a kept connection that its other side had ended in order before the first octet of
  /// an answer; they are sent again on a new one, once (RFC 9112 section 9.3.1).
  std::uint64_t repeats = 0;
};

struct SteadyCounts {
  std::array<ErrandCounts, static_cast<std::size_t>(Errand::count_)> errands;
  /// From the moment when a short request was due to its answer, the longest.
  std::chrono::milliseconds longest{0};

  const ErrandCounts& of(Errand errand) const { return errands[static_cast<std::size_t>(errand)]; }
  std::uint64_t failures() const;
  std::uint64_t good() const;
};
std::ostream& operator<<(std::ostream& out, const SteadyCounts& counts);

/// What a backend does with the errands. Its version is in X-Version.
Script serves_errands();

/// Users who come at a constant rate, whatever becomes of those before them: an open loop, half of
/// the requests on new connections. Beside them two of each slow errand are always under way, half
/// an errand apart.
class SteadyLoad {
 public:
  explicit SteadyLoad(std::string address, unsigned per_second = 200);
  SteadyLoad(const SteadyLoad&) = delete;
  SteadyLoad& operator=(const SteadyLoad&) = delete;
  ~SteadyLoad();

  /// Errands under way now and ended well later are crossings.
  void mark() { ++mark_; }
  SteadyCounts counts() const;
  /// Waits until every kind has ended well `count` times more.
  bool all_go_on(std::uint64_t count = 1) const;
  /// Lets what is under way end, then returns what was seen.
  SteadyCounts stop();

 private:
  class User;
  void make_short_requests();
  void run_errands(Errand errand, bool is_second);
  /// False once it is to stop.
  bool pause_until(Clock::time_point when);
  void note(Errand errand, std::uint64_t mark_at_start, const std::string& trouble);

  std::string address_;
  std::chrono::nanoseconds gap_;
  Clock::time_point start_ = Clock::now();
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> mark_{0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  SteadyCounts counts_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::e2e
