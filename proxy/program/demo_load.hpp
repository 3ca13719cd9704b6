#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/result.hpp"
#include "proxy/program/demo_socket.hpp"
#include "proxy/program/demo_tally.hpp"

namespace sluice::proxy::program {

/// An HTTP/1.1 client of one connection, which it opens when it needs one. It never repeats a
/// request: what fails is a failure.
class DemoClient {
 public:
  struct Answer {
    std::size_t version = 0;  ///< 0 is v1
    std::size_t octets = 0;   ///< of the body
  };

  /// `stop` breaks a request off; null: nothing does. It must outlive the client.
  DemoClient(std::uint16_t port, const Flag* stop) : port_(port), stop_(stop) {}

  /// GETs `target` and reads the whole answer. The error says why it is not the 200 of a known
  /// version with all of its body. An octet may take 10 s to come.
  core::Result<Answer, std::string> get(std::string_view target, bool keep_alive);

 private:
  std::string send(std::string_view text);
  std::string receive();
  std::string read_body(Answer& answer, std::size_t head_end);
  std::string broken(const char* what);

  std::uint16_t port_;
  const Flag* stop_;
  Descriptor socket_;
  std::string in_;
};

/// A steady load: clients that keep their connection, and a quarter as many that open one for each
/// request. Paced, because it is there to be served, not to measure what the proxy can do.
class DemoLoad {
 public:
  /// GETs `target` from here on, until it is destroyed. `tally` must outlive it.
  DemoLoad(std::uint16_t port, std::size_t connections, DemoTally& tally, std::string target = "/");
  DemoLoad(const DemoLoad&) = delete;
  DemoLoad& operator=(const DemoLoad&) = delete;
  /// Lets every request under way end.
  ~DemoLoad();

 private:
  void run(std::uint16_t port, bool keep_alive, std::chrono::microseconds interval);

  DemoTally& tally_;
  std::string target_;
  Flag stop_;
  std::vector<std::thread> clients_;
};

/// One long download, on a thread of its own.
class DemoDownload {
 public:
  explicit DemoDownload(std::uint16_t port);
  DemoDownload(const DemoDownload&) = delete;
  DemoDownload& operator=(const DemoDownload&) = delete;
  /// Breaks it off when it is not over.
  ~DemoDownload();

  bool is_over() const { return over_.is_raised(); }
  /// Waits for its end, 10 s at most.
  core::Result<DemoClient::Answer, std::string> wait() const;

 private:
  Flag stop_;
  Flag over_;
  core::Result<DemoClient::Answer, std::string> result_ = std::string("it is not over");
  std::thread thread_;
};

}  // namespace sluice::proxy::program
