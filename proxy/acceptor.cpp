#include "proxy/acceptor.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/session.hpp"
#include "proxy/worker.hpp"

namespace sluice::proxy {
namespace {

constexpr std::chrono::milliseconds pause_after_error{50};
constexpr int accepts_per_turn = 64;

/// Tells a client that it is one too many, as far as that can be done without waiting.
void turn_away(int descriptor) {
  constexpr std::string_view answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 30\r\n"
      "Retry-After: 1\r\nProxy-Status: sluice; error=connection_limit_reached\r\n"
      "Connection: close\r\n\r\n503: too many connections now\n";
  ::send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(descriptor, SHUT_WR);
  ::close(descriptor);
}

}  // namespace

Acceptor::Acceptor(Worker& worker, int descriptor, ListenerTally& tally)
    : worker_(worker),
      socket_(worker.io()),
      pause_(
          worker.wheel(), [](void* self) { static_cast<Acceptor*>(self)->accept_all(); }, this),
      tally_(tally) {
  const int family = local_address(descriptor).family();
  socket_.assign(boost::asio::generic::stream_protocol(family, 0), descriptor);
}

void Acceptor::start() {
  if (!std::exchange(is_started_, true)) accept_all();
}

void Acceptor::stop() {
  pause_.disarm();
  if (!socket_.is_open()) return;
  while (accept_one()) {
  }
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Acceptor::wait() {
  socket_.async_wait(Stream::Socket::wait_read, [this](const boost::system::error_code& error) {
    // An aborted wait may come after the acceptor is gone.
    if (!error) accept_all();
  });
}

void Acceptor::accept_all() {
  if (!socket_.is_open()) return;
  for (int turn = 0; turn < accepts_per_turn; ++turn) {
    if (accept_one()) continue;
    if (pause_.is_armed()) return;
    break;
  }
  wait();
}

/// False when nothing more is to be accepted now.
bool Acceptor::accept_one() {
  SocketAddress peer;
  peer.length = sizeof(peer.storage);
  const int descriptor =
      ::accept4(socket_.native_handle(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) {
    if (errno == EINTR || errno == ECONNABORTED) return true;
    if (errno == EAGAIN) return false;
    worker_.say(LogLevel::error, "cannot accept on " + tally_.listener + ": " +
                                     std::strerror(errno) + "; trying again in " +
                                     std::to_string(pause_after_error.count()) + " ms");
    pause_.arm(pause_after_error);
    return false;
  }
  const unsigned limit = worker_.plan()->plan->topology->settings.limits.connections;
  if (limit != 0 && worker_.connections().load(std::memory_order_relaxed) >= limit) {
    count(worker_.tally().route("").rejected, RejectReason::too_many_connections);
    turn_away(descriptor);
    return true;
  }
  StreamPtr stream = make_stream(worker_.io(), worker_.wheel(), worker_.blocks());
  if (stream->adopt(descriptor, peer.family() == AF_UNSPEC ? AF_UNIX : peer.family())) {
    Session::start(worker_, std::move(stream), peer, tally_);
  }
  return true;
}

}  // namespace sluice::proxy
