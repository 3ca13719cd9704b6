#include "proxy/acceptor.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/listening_socket.hpp"
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
      descriptor_(descriptor),
      pause_(
          worker.wheel(), [](void* self) { static_cast<Acceptor*>(self)->resume(); }, this),
      tally_(tally) {}

Acceptor::~Acceptor() {
  if (descriptor_ < 0) return;
  worker_.reactor().remove(descriptor_);
  ::close(descriptor_);
}

/// Level-triggered: what this turn leaves, the next one brings. Of several workers that share a
/// unix socket one wakes.
void Acceptor::start() {
  has_begun_ = true;
  if (descriptor_ < 0 || std::exchange(is_polled_, true)) return;
  if (!worker_.reactor().add(descriptor_, *this, EPOLLIN | EPOLLEXCLUSIVE)) {
    worker_.say(LogLevel::error,
                "cannot accept on " + tally_.listener + ": " + std::strerror(errno));
    is_polled_ = false;
    pause_.arm(pause_after_error);
  }
}

void Acceptor::resume() {
  if (is_stopping_) return stop();
  start();
}

void Acceptor::stop() {
  pause_.disarm();
  if (descriptor_ < 0) return;
  // Of a process that was to take over and does not: the predecessor serves those who wait.
  if (!has_begun_) return leave();
  is_stopping_ = true;
  while (accept_one()) {
  }
  // Out of descriptors with clients in the backlog: they are served when some are free again.
  if (!pause_.is_armed()) leave();
}

OwnedDescriptor Acceptor::share() const {
  return OwnedDescriptor(descriptor_ < 0 ? -1 : ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 3));
}

/// Once the registration is gone, the kernel tells the other process of those who come. Those from
/// before are ahead of them in the backlog and no more than it holds.
void Acceptor::hand_over() {
  if (descriptor_ < 0) return;
  worker_.reactor().remove(descriptor_);
  for (int left = listen_backlog; left > 0 && accept_one(); --left) {
  }
  leave();
}

void Acceptor::look() {
  if (is_polled_) act();
}

/// Also of what is not registered any more.
void Acceptor::leave() {
  pause_.disarm();
  if (descriptor_ < 0) return;
  // Others may share the socket, so closing it here would not end the registration.
  worker_.reactor().remove(descriptor_);
  ::close(std::exchange(descriptor_, -1));
}

void Acceptor::act() {
  if (descriptor_ >= 0) accept_some();
}

/// Takes about as many as the turns before brought, so that an accept seldom finds nobody.
void Acceptor::accept_some() {
  int count = 0;
  while (count < expected_ && accept_one()) ++count;
  expected_ = count == expected_ ? std::min(2 * count, accepts_per_turn) : std::max(count, 1);
}

/// False when nothing more is to be accepted now.
bool Acceptor::accept_one() {
  SocketAddress peer;
  peer.length = sizeof(peer.storage);
  const int descriptor =
      ::accept4(descriptor_, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) {
    if (errno == EINTR || errno == ECONNABORTED) return true;
    if (errno == EAGAIN) return false;
    worker_.say(LogLevel::error, "cannot accept on " + tally_.listener + ": " +
                                     std::strerror(errno) + "; trying again in " +
                                     std::to_string(pause_after_error.count()) + " ms");
    worker_.reactor().remove(descriptor_);
    is_polled_ = false;
    pause_.arm(pause_after_error);
    return false;
  }
  const unsigned limit = worker_.plan()->plan->topology->settings.limits.connections;
  if (limit != 0 && worker_.connections().load(std::memory_order_relaxed) >= limit) {
    count(worker_.tally().route("").rejected, RejectReason::too_many_connections);
    turn_away(descriptor);
    return true;
  }
  StreamPtr stream = make_stream(worker_.reactor(), worker_.wheel(), worker_.blocks());
  if (stream->adopt(descriptor)) {
    Session::start(worker_, std::move(stream), peer, tally_);
  }
  return true;
}

}  // namespace sluice::proxy
