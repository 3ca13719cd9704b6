// The floor of the comparison: what moving the octets of a request costs when nobody looks at them.
// One thread; per request two receives, two sends and a share of epoll_wait. With a third argument
// each request goes to one drawn of as many backends, each an address in 127/8 as configs.py has
// them.
#include <array>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/side_by_side/sockets.hpp"

namespace sluice::bench {
namespace {

/// One connection. A client always has a peer; a backend connection without one waits in the pool.
struct End {
  int fd = -1;
  std::uint32_t address = 0;  ///< of a backend
  bool is_client = false;
  /// Of a backend connection: its last octets were an answer, so it may serve another client.
  bool answered = true;
  End* peer = nullptr;
  /// What the socket did not take yet; while there is some, nothing is read from the peer.
  std::string unsent;
};

class Relay {
 public:
  /// `spread_over`: how many backends the requests are drawn to; 0: there is one.
  Relay(std::uint16_t port, std::uint16_t backend_port, std::uint32_t spread_over)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)),
        listener_(listen_on(INADDR_LOOPBACK, port)),
        backend_port_(backend_port),
        spread_over_(spread_over) {
    watch(epoll_, listener_, EPOLLIN, nullptr);
    for (std::uint32_t index = spread_over; index > 0; --index) {
      unconnected_.push_back(address_of(index - 1));
    }
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
          accept_all();
        } else {
          serve(*static_cast<End*>(event.data.ptr), event.events);
        }
      }
      closed_.clear();
    }
  }

 private:
  void accept_all() {
    for (int fd = accept_next(listener_); fd >= 0; fd = accept_next(listener_)) {
      End* backend = take_backend();
      if (backend == nullptr) {
        ::close(fd);
        continue;
      }
      End* client = new End{.fd = fd, .is_client = true, .peer = backend, .unsent = {}};
      backend->peer = client;
      watch(epoll_, fd, both_ways, client);
    }
  }

  /// Of many, one drawn among the idle; of one, the connection that was used last.
  End* take_backend() {
    if (!unconnected_.empty()) {
      const std::uint32_t address = unconnected_.back();
      unconnected_.pop_back();
      return connect_to(address);
    }
    if (idle_.empty()) return connect_to(spread_over_ != 0 ? address_of(0) : INADDR_LOOPBACK);
    if (spread_over_ != 0) std::swap(idle_[random_() % idle_.size()], idle_.back());
    End* backend = idle_.back();
    idle_.pop_back();
    return backend;
  }

  static std::uint32_t address_of(std::uint32_t backend) {
    const std::uint32_t pool = backend / 10;
    return (127U << 24U) + ((1 + pool / 250) << 16U) + (pool % 250 << 8U) + 1 + backend % 10;
  }

  /// A request of `client` begins: it goes to another backend.
  void go_elsewhere(End& client) {
    End* next = take_backend();
    if (next == nullptr) return;
    client.peer->peer = nullptr;
    idle_.push_back(client.peer);
    client.peer = next;
    next->peer = &client;
  }

  End* connect_to(std::uint32_t address) {
    const sockaddr_in to = ipv4(address, backend_port_);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return nullptr;
    set_no_delay(fd);
    const auto* name = reinterpret_cast<const sockaddr*>(&to);
    if (connect(fd, name, sizeof to) != 0 && errno != EINPROGRESS) {
      ::close(fd);
      return nullptr;
    }
    End* backend = new End{.fd = fd, .address = address, .unsent = {}};
    watch(epoll_, fd, both_ways, backend);
    return backend;
  }

  void serve(End& end, std::uint32_t events) {
    if (end.fd < 0) return;  // closed by an earlier event of the same batch
    if (end.peer == nullptr) {
      if ((events & ~std::uint32_t{EPOLLOUT}) != 0) drop_idle(end);
      return;
    }
    if ((events & EPOLLOUT) != 0 && !end.unsent.empty()) flush(end);
    if (end.fd < 0 || (events & ~std::uint32_t{EPOLLOUT}) == 0) return;
    pump(end, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
  }

  /// Moves what `from` has to its peer. A receive that did not fill the buffer has emptied the
  /// socket, and what comes later is a new event; only an end must be read for, so `to_the_end`.
  void pump(End& from, bool to_the_end) {
    while (from.fd >= 0 && from.peer != nullptr && from.peer->unsent.empty()) {
      const ssize_t count = recv(from.fd, buffer_.data(), buffer_.size(), 0);
      if (count < 0 && would_block()) return;
      if (count <= 0) {
        end_pair(from);
        return;
      }
      if (spread_over_ != 0 && from.is_client && from.peer->answered) go_elsewhere(from);
      from.answered = true;
      from.peer->answered = false;
      const auto size = static_cast<std::size_t>(count);
      deliver(*from.peer, {buffer_.data(), size});
      if (size < buffer_.size() && !to_the_end) return;
    }
  }

  void deliver(End& to, std::string_view octets) {
    const ssize_t count = send(to.fd, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count < 0 && !would_block()) {
      to.peer->answered = false;  // the rest of what it sends has no reader
      end_pair(to);
      return;
    }
    const auto sent = count < 0 ? std::size_t{0} : static_cast<std::size_t>(count);
    if (sent < octets.size()) to.unsent.assign(octets.substr(sent));
  }

  /// The peer was not read from while something was unsent, so its events may be past: read on.
  void flush(End& end) {
    const ssize_t count = send(end.fd, end.unsent.data(), end.unsent.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (!would_block()) end_pair(end);
      return;
    }
    end.unsent.erase(0, static_cast<std::size_t>(count));
    if (end.unsent.empty()) pump(*end.peer, true);
  }

  /// `gone` has ended. A client takes its backend connection along unless that is between two
  /// requests; a backend takes its client along, whose last octets are sent by then.
  void end_pair(End& gone) {
    End& peer = *gone.peer;
    close_end(gone);
    if (!peer.is_client && peer.answered && peer.unsent.empty() && gone.unsent.empty()) {
      peer.peer = nullptr;
      idle_.push_back(&peer);
    } else {
      close_end(peer);
    }
  }

  void drop_idle(End& end) {
    std::erase(idle_, &end);
    close_end(end);
  }

  void close_end(End& end) {
    ::close(end.fd);
    end.fd = -1;
    if (spread_over_ != 0 && !end.is_client) unconnected_.push_back(end.address);
    closed_.emplace_back(&end);
  }

  int epoll_;
  int listener_;
  std::uint16_t backend_port_;
  std::uint32_t spread_over_;
  std::vector<std::uint32_t> unconnected_;  ///< of those, to which there is no connection
  std::minstd_rand random_;
  std::vector<End*> idle_;
  /// Freed after the batch of events that may still name them.
  std::vector<std::unique_ptr<End>> closed_;
  std::array<char, receive_size> buffer_{};
};

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: relay LISTEN_PORT BACKEND_PORT [BACKENDS]\n");
    return 2;
  }
  const auto spread_over = argc == 4 ? std::strtoul(argv[3], nullptr, 10) : 0;
  const auto relay = std::make_unique<Relay>(to_port(argv[1]), to_port(argv[2]),
                                             static_cast<std::uint32_t>(spread_over));
  relay->run();
}
