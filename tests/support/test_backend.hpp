#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/latch.hpp"
#include "tests/support/message.hpp"
#include "tests/support/socket.hpp"

namespace sluice::support {

/// A request as the backend received it.
struct SeenRequest {
  std::string head;  ///< exactly as received
  std::string method;
  std::string target;
  Fields fields;
  std::string body;
  Fields trailers;
  std::size_t connection = 0;  ///< 0 is the first connection
  bool complete = false;       ///< the body came whole
};

class TestBackend;

/// One request at the backend, in the hands of a script. Lives on the connection's thread.
class Exchange {
 public:
  /// The head, and the body once read_body() was called.
  const SeenRequest& request() const { return request_; }
  const std::string& backend_name() const;

  /// Reads the request body by its framing. Called after the script when the script did not.
  /// Throws Failure when it is cut.
  void read_body();
  /// For scripts that took the body, or what follows an upgrade, from stream() themselves.
  void mark_body_read();

  /// Octets to the proxy, as they are.
  bool send(std::string_view bytes) { return stream_.send(bytes); }
  /// A whole answer with Content-Length, Date, X-Version (the backend's name) and `fields`.
  void answer(unsigned status, std::string_view body, std::string_view fields = "");
  /// The head fields that answer() sends, without framing: status line, Date, X-Version.
  std::string head(unsigned status, std::string_view fields = "") const;

  /// Waits for the test. Throws Failure when the backend stops or the test does not come.
  void wait(Latch& latch);

  void close();
  void reset();
  ByteStream& stream() { return stream_; }

 private:
  friend class TestBackend;
  Exchange(TestBackend& backend, ByteStream& stream, SeenRequest request, std::size_t index)
      : backend_(backend), stream_(stream), request_(std::move(request)), index_(index) {}

  TestBackend& backend_;
  ByteStream& stream_;
  SeenRequest request_;
  std::size_t index_;  ///< of the request at the backend
  bool body_read_ = false;
  bool ended_ = false;
};

/// What a backend does with a request whose head has been read.
using Script = std::function<void(Exchange&)>;

/// An HTTP/1.1 backend inside the test: a thread per connection, a script per request, a record of
/// everything it got. GET /healthz is answered by itself (see set_healthy) and not recorded.
class TestBackend {
 public:
  /// Listens at once. Without a script every request is answered with 200 and the name as body.
  explicit TestBackend(std::string name = "v1", Script script = {},
                       const std::string& address = "127.0.0.1:0");
  TestBackend(const TestBackend&) = delete;
  TestBackend& operator=(const TestBackend&) = delete;
  ~TestBackend();

  const std::string& address() const { return address_; }
  const std::string& name() const { return name_; }
  void set_script(Script script);
  void set_healthy(bool healthy) { healthy_ = healthy; }

  std::vector<SeenRequest> requests() const;
  /// The last request, once its body was read to its end. Throws Failure when that does not come.
  SeenRequest last() const;
  std::size_t request_count() const;  ///< heads received, health checks left out
  std::size_t accepted() const;       ///< connections ever
  std::size_t open() const;           ///< connections that the proxy has not ended
  std::size_t health_checks() const { return health_checks_; }
  /// Every octet received, connection after connection, health checks included.
  std::string received() const;
  /// What was no HTTP: bare CR, LF or NUL, bad chunks, two framings. Empty when all was well.
  std::vector<std::string> violations() const;

  /// False when they do not come in time.
  bool wait_for_requests(std::size_t count, Clock::duration limit = patience) const;
  bool wait_for_open(std::size_t count, Clock::duration limit = patience) const;
  /// Waits until `count` bodies have been read whole.
  bool wait_for_complete(std::size_t count, Clock::duration limit = patience) const;

  /// Ends every connection that stands, as a backend does with idle ones.
  void close_connections();
  /// Stops accepting and ends everything, as a crash does. Not to be started again.
  void stop();

 private:
  friend class Exchange;
  struct Connection {
    ByteStream stream;
    std::string received;
    bool open = true;
    std::thread thread;
  };

  void accept_loop();
  void serve(Connection& connection, std::size_t index);
  bool serve_one(Connection& connection, std::size_t index);
  bool answer_health(ByteStream& stream);
  std::size_t record(const SeenRequest& request);
  void complete(std::size_t index, const SeenRequest& request);
  void violation(const std::string& what);
  template <class Holds>
  bool wait_until(Holds holds, Clock::duration limit) const;

  std::string name_;
  Fd listening_;
  std::string address_;
  std::atomic<bool> healthy_{true};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> health_checks_{0};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Script script_;
  std::vector<SeenRequest> requests_;
  std::vector<std::string> violations_;
  std::list<Connection> connections_;
  std::thread acceptor_;
};

}  // namespace sluice::support
