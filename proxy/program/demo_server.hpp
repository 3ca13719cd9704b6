#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proxy/program/demo_socket.hpp"

struct pollfd;

namespace sluice::proxy::program {

/// A small HTTP/1.1 server on 127.0.0.1 with one thread: what the demonstration's toy service and
/// its page run on. It knows GET and HEAD, keep-alive and pipelining; a request of any other method
/// is answered with 405 and the connection closed.
class DemoServer {
 public:
  struct Reply {
    unsigned status = 200;
    std::string fields;  ///< each with CRLF at its end; Content-Length is added
    std::string body;
    std::chrono::milliseconds delay{0};   ///< nothing goes out before
    std::chrono::milliseconds spread{0};  ///< the body goes out evenly over this time
    bool is_health_check = false;         ///< does not make its connection count as used
  };
  /// Answers the target of a request ("/path?query"). Called on the server's thread.
  using Answer = std::function<Reply(std::string_view target)>;

  /// Listens and serves from here on. Throws std::system_error.
  explicit DemoServer(Answer answer);
  DemoServer(const DemoServer&) = delete;
  DemoServer& operator=(const DemoServer&) = delete;
  ~DemoServer() { stop(); }

  /// Closes every connection and the listener. Again: does nothing. One thread.
  void stop();

  std::string address() const { return loopback_address(port_); }
  /// Open connections that have carried a request other than a health check. Any thread.
  std::size_t used_connections() const;
  /// Waits until there are none; the number that is left when the patience runs out.
  std::size_t wait_until_unused(std::chrono::milliseconds patience) const;

 private:
  struct Peer {
    Descriptor socket;
    std::string in;
    std::string out;
    std::size_t sent = 0;
    std::chrono::steady_clock::time_point due;  ///< nothing of `out` goes before
    std::size_t paced_from = 0;                 ///< octets of `out` that go out then
    std::chrono::milliseconds spread{0};
    bool used = false;
    bool last = false;  ///< close when everything is sent
  };

  void loop();
  std::vector<pollfd> wishes() const;
  /// For poll(2): until something that waits is due.
  int patience() const;
  void accept_all();
  /// Each returns false when the connection is over.
  bool serve(Peer& peer, short events);
  bool receive(Peer& peer);
  bool send(Peer& peer);
  void answer_next(Peer& peer);
  void note_used(Peer& peer, bool used);
  static std::size_t sendable(const Peer& peer);

  Answer answer_;
  Descriptor listener_;
  std::uint16_t port_;
  Flag stop_;
  std::vector<Peer> peers_;
  mutable std::mutex mutex_;
  mutable std::condition_variable unused_;
  std::size_t used_ = 0;  ///< under mutex_
  std::thread thread_;
};

}  // namespace sluice::proxy::program
