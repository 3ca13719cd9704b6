#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "proxy/program/demo_server.hpp"

namespace sluice::proxy::program {

/// How a version answers for its page, and what is wrong with it. Every so many-th: by its own
/// count, so that it is wrong as often in every run.
struct DemoManners {
  std::chrono::milliseconds least{0};  ///< until an answer goes out
  std::chrono::milliseconds range{0};  ///< up to this much longer, each millisecond as often
  unsigned fails_every = 0;            ///< every so many-th answer is a 500; 0: none
  unsigned slow_every = 0;             ///< every so many-th takes `slow` instead; 0: none
  std::chrono::milliseconds slow{0};
};

/// One version of the demonstration's toy service, a shop. Every answer says in X-Version which one
/// gave it.
///
///     GET /healthz   "ok"
///     GET /export    a download that takes its time
///     GET anything   the shop's page
class DemoService {
 public:
  /// Serves from here on. `version` is "v1" to "v4". Throws std::system_error.
  DemoService(std::string version, std::chrono::milliseconds export_time);

  const DemoServer& server() const { return server_; }
  void stop() { server_.stop(); }
  /// Requests that came, health checks apart. Any thread.
  std::uint64_t requests() const { return requests_; }

  /// From the next request on. Any thread.
  void behave(const DemoManners& manners);
  /// Answers that failed or were slow on purpose. Any thread.
  std::uint64_t bad() const { return bad_; }
  /// When the first of them was asked for, in milliseconds since the Unix epoch; 0: none was.
  std::int64_t first_bad_ms() const { return first_bad_ms_; }

  /// What the shop's page and the download end with: a client sees that it has all of it.
  static constexpr std::string_view end_of_answer = "</html>\n";
  static constexpr std::string_view export_path = "/export";

 private:
  DemoServer::Reply answer(std::string_view target);
  void answer_page(std::uint64_t request, DemoServer::Reply& reply);
  void note_bad();

  std::string version_;
  std::chrono::milliseconds export_time_;
  std::string page_;
  std::string export_;
  std::atomic<std::uint64_t> requests_ = 0;
  std::atomic<std::uint64_t> bad_ = 0;
  std::atomic<std::int64_t> first_bad_ms_ = 0;
  std::mutex mutex_;
  DemoManners manners_;  ///< under mutex_
  DemoServer server_;    ///< last: its thread uses all of the above
};

}  // namespace sluice::proxy::program
