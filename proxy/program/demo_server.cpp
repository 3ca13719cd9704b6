#include "proxy/program/demo_server.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::proxy::program {
namespace {

constexpr std::size_t head_limit = std::size_t{64} * 1024;
constexpr int pace_ms = 20;

std::string_view phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 500:
      return "Internal Server Error";
    default:
      return "Method Not Allowed";
  }
}

/// The next word of a request line.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

}  // namespace

DemoServer::DemoServer(Answer answer)
    : answer_(std::move(answer)), listener_(listen_on_loopback()), port_(port_of(listener_)) {
  thread_ = std::thread([this] { loop(); });
}

void DemoServer::stop() {
  stop_.raise();
  if (thread_.joinable()) thread_.join();
}

std::size_t DemoServer::used_connections() const {
  const std::scoped_lock lock(mutex_);
  return used_;
}

std::size_t DemoServer::wait_until_unused(std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  unused_.wait_for(lock, patience, [this] { return used_ == 0; });
  return used_;
}

void DemoServer::loop() {
  while (!stop_.is_raised()) {
    // Before the wishes: what becomes due between the two is wished for, not waited for.
    const int longest = patience();
    std::vector<pollfd> ready = wishes();
    if (::poll(ready.data(), ready.size(), longest) < 0) continue;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if (serve(peers_[i], ready[i + 2].revents)) continue;
      note_used(peers_[i], false);
      peers_[i].socket.close();
    }
    std::erase_if(peers_, [](const Peer& peer) { return !peer.socket.is_open(); });
    if (ready[1].revents != 0) accept_all();
  }
  for (Peer& peer : peers_) note_used(peer, false);
  peers_.clear();
  listener_.close();
}

std::vector<pollfd> DemoServer::wishes() const {
  std::vector<pollfd> all{{stop_.number(), POLLIN, 0}, {listener_.number(), POLLIN, 0}};
  for (const Peer& peer : peers_) {
    const int events = sendable(peer) > peer.sent ? POLLIN | POLLOUT : POLLIN;
    all.push_back({peer.socket.number(), static_cast<short>(events), 0});
  }
  return all;
}

int DemoServer::patience() const {
  constexpr int for_ever = -1;
  const auto now = std::chrono::steady_clock::now();
  int least = for_ever;
  for (const Peer& peer : peers_) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(peer.due - now).count();
    const bool is_due = wait <= 0;
    if (peer.out.empty() || (is_due && peer.spread.count() == 0)) continue;
    const int mine = is_due ? pace_ms : static_cast<int>(wait);
    least = least == for_ever ? mine : std::min(least, mine);
  }
  return least;
}

void DemoServer::accept_all() {
  for (;;) {
    Descriptor socket(
        ::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.is_open()) return;
    send_at_once(socket);
    peers_.emplace_back().socket = std::move(socket);
  }
}

bool DemoServer::serve(Peer& peer, short events) {
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive(peer)) return false;
  while (peer.out.empty() && !peer.last && peer.in.find("\r\n\r\n") != std::string::npos) {
    answer_next(peer);
    if (!send(peer)) return false;
  }
  return send(peer) && peer.in.size() <= head_limit;
}

bool DemoServer::receive(Peer& peer) {
  std::array<char, 8192> room;
  const ssize_t size = ::recv(peer.socket.number(), room.data(), room.size(), 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  peer.in.append(room.data(), static_cast<std::size_t>(size));
  return size > 0;
}

bool DemoServer::send(Peer& peer) {
  const std::size_t end = sendable(peer);
  while (peer.sent < end) {
    const ssize_t size =
        ::send(peer.socket.number(), &peer.out[peer.sent], end - peer.sent, MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    peer.sent += static_cast<std::size_t>(size);
  }
  if (peer.sent < peer.out.size()) return true;
  if (!peer.out.empty() && peer.last) return false;
  peer.out.clear();
  peer.sent = 0;
  peer.spread = std::chrono::milliseconds{0};
  return true;
}

void DemoServer::answer_next(Peer& peer) {
  std::string_view line = std::string_view(peer.in).substr(0, peer.in.find("\r\n"));
  const std::string_view method = take_word(line);
  const bool known = method == "GET" || method == "HEAD";
  Reply reply;
  if (known)
    reply = answer_(take_word(line));
  else
    reply.status = 405;
  if (!reply.is_health_check) note_used(peer, true);
  peer.last = !known;
  peer.out = "HTTP/1.1 " + std::to_string(reply.status) + " " + std::string(phrase(reply.status)) +
             "\r\n" + reply.fields + "Content-Length: " + std::to_string(reply.body.size()) +
             (known ? "\r\n\r\n" : "\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n");
  peer.paced_from = peer.out.size();
  if (method != "HEAD") peer.out += reply.body;
  peer.due = std::chrono::steady_clock::now() + reply.delay;
  peer.spread = reply.spread;
  peer.in.erase(0, peer.in.find("\r\n\r\n") + 4);
}

void DemoServer::note_used(Peer& peer, bool used) {
  if (peer.used == used) return;
  peer.used = used;
  const std::scoped_lock lock(mutex_);
  used ? ++used_ : --used_;
  if (used_ == 0) unused_.notify_all();
}

std::size_t DemoServer::sendable(const Peer& peer) {
  using namespace std::chrono;
  const auto now = steady_clock::now();
  if (now < peer.due) return 0;
  if (peer.spread.count() == 0) return peer.out.size();
  const auto passed = duration_cast<milliseconds>(now - peer.due);
  if (passed >= peer.spread) return peer.out.size();
  const std::size_t body = peer.out.size() - peer.paced_from;
  return peer.paced_from + body * static_cast<std::size_t>(passed.count()) /
                               static_cast<std::size_t>(peer.spread.count());
}

}  // namespace sluice::proxy::program
