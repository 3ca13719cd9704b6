#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "proxy/program/demo_server.hpp"

namespace sluice::proxy::program {

/// One version of the demonstration's toy service, a shop. Every answer says in X-Version which one
/// gave it.
///
///     GET /healthz   "ok"
///     GET /export    a download that takes its time
///     GET anything   the shop's page
class DemoService {
 public:
  /// Serves from here on. `version` is "v1" or "v2". Throws std::system_error.
  DemoService(std::string version, std::chrono::milliseconds export_time);

  const DemoServer& server() const { return server_; }
  void stop() { server_.stop(); }
  /// Requests that came, health checks apart. Any thread.
  std::uint64_t requests() const { return requests_; }

  /// What the shop's page and the download end with: a client sees that it has all of it.
  static constexpr std::string_view end_of_answer = "</html>\n";
  static constexpr std::string_view export_path = "/export";

 private:
  DemoServer::Reply answer(std::string_view target);

  std::string version_;
  std::chrono::milliseconds export_time_;
  std::string page_;
  std::string export_;
  std::atomic<std::uint64_t> requests_ = 0;
  DemoServer server_;  ///< last: its thread uses all of the above
};

}  // namespace sluice::proxy::program
