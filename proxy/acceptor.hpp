#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "proxy/deadline.hpp"
#include "proxy/stream.hpp"
#include "proxy/tally.hpp"

namespace sluice::proxy {

class Worker;

/// Accepts clients on one listening socket of one worker and starts a session for each.
class Acceptor {
 public:
  /// Takes over `descriptor`, which is listening and non-blocking.
  Acceptor(Worker& worker, int descriptor, ListenerTally& tally);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  const std::string& name() const { return tally_.listener; }
  /// Begins to accept; does nothing when it did before.
  void start();
  /// Serves what is in the backlog, then closes the socket: nobody who has connected is turned
  /// away.
  void stop();

 private:
  void wait();
  void accept_all();
  bool accept_one();

  Worker& worker_;
  Stream::Socket socket_;  ///< listening; only waited on
  Deadline pause_;         ///< until accepting is tried again after an error
  ListenerTally& tally_;
  bool is_started_ = false;
};

}  // namespace sluice::proxy
