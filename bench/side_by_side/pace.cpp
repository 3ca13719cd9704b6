// Load at a constant rate, whatever the answers do: request number i is due i/RATE seconds after
// the start, waits for a connection when none is free, and its latency counts from the instant it
// was due. So a proxy that stalls is charged for all that had to wait, and the generator costs
// little itself.
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/side_by_side/sockets.hpp"

namespace sluice::bench {
namespace {

using namespace std::literals;
using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;

/// Of the answer to a path that ends in /13, all that is asked for here.
constexpr std::size_t body_size = 13;

struct Connection {
  int fd = -1;
  Clock::time_point due{};
  std::array<char, 4096> answer{};
  std::size_t received = 0;

  [[nodiscard]] std::string_view octets() const { return {answer.data(), received}; }

  [[nodiscard]] bool is_complete() const {
    const std::size_t head = octets().find("\r\n\r\n");
    return head != std::string_view::npos && received >= head + 4 + body_size;
  }
};

struct Pace {
  std::uint16_t port = 0;
  std::string path;
  std::size_t connections = 0;
  double rate = 0;
  double warm_up_seconds = 0;
  double seconds = 0;
};

/// Least value that `share` of all do not exceed.
double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

class Generator {
 public:
  explicit Generator(const Pace& pace)
      : pace_(pace),
        request_("GET " + pace.path + " HTTP/1.1\r\nHost: bench\r\n\r\n"),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        total_(count_in(pace.warm_up_seconds + pace.seconds)),
        uncounted_(count_in(pace.warm_up_seconds)) {
    latencies_.reserve(total_);
    delays_.reserve(total_);
    for (std::size_t i = 0; i < pace.connections; ++i) connect_one();
  }

  void run() {
    begin_ = Clock::now();
    const auto end = due_of(total_) + 5s;
    std::array<epoll_event, 256> events{};
    while (finished_ < total_ && Clock::now() < end && !connections_.empty()) {
      send_what_is_due();
      const timespec wait = until_next();
      const int count =
          epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
      for (int i = 0; i < count; ++i) {
        receive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
      }
    }
  }

  void print() {
    const std::size_t counted = total_ - uncounted_;
    std::printf(
        "{\"requests\":%zu,\"failures\":%zu,\"rate\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
        "\"own_delay_p99_us\":%.1f}\n",
        latencies_.size(), counted - latencies_.size(),
        static_cast<double>(latencies_.size()) / pace_.seconds, percentile(latencies_, 0.50),
        percentile(latencies_, 0.99), percentile(delays_, 0.99));
  }

 private:
  [[nodiscard]] std::size_t count_in(double seconds) const {
    return static_cast<std::size_t>(pace_.rate * seconds);
  }

  [[nodiscard]] Clock::time_point due_of(std::size_t number) const {
    const std::chrono::duration<double> after(static_cast<double>(number) / pace_.rate);
    return begin_ + std::chrono::duration_cast<Clock::duration>(after);
  }

  void connect_one() {
    auto connection = std::make_unique<Connection>();
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in name = ipv4(INADDR_LOOPBACK, pace_.port);
    if (connect(connection->fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
      fail("connect");
    }
    set_no_delay(connection->fd);
    watch(epoll_, connection->fd, EPOLLIN | EPOLLRDHUP, connection.get());
    idle_.push_back(connection.get());
    connections_.push_back(std::move(connection));
  }

  void send_what_is_due() {
    const auto now = Clock::now();
    while (sent_ < total_ && !idle_.empty() && due_of(sent_) <= now) {
      Connection& connection = *idle_.front();
      idle_.pop_front();
      connection.due = due_of(sent_++);
      connection.received = 0;
      delays_.push_back(Micros(now - connection.due).count());
      if (send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) drop(connection);
    }
  }

  /// Until the next request is due; when all connections are busy, until something is received.
  [[nodiscard]] timespec until_next() const {
    const auto longest = 100ms;
    auto wait = std::chrono::nanoseconds(longest);
    if (sent_ < total_ && !idle_.empty()) {
      wait = std::clamp(std::chrono::nanoseconds(due_of(sent_) - Clock::now()), 0ns, wait);
    }
    return {.tv_sec = 0, .tv_nsec = wait.count()};
  }

  void receive(Connection& connection) {
    char* const free = connection.answer.data() + connection.received;
    const ssize_t count =
        recv(connection.fd, free, connection.answer.size() - connection.received, MSG_DONTWAIT);
    if (count < 0 && would_block()) return;
    if (count <= 0) {
      drop(connection);
      return;
    }
    connection.received += static_cast<std::size_t>(count);
    if (!connection.is_complete()) return;
    if (connection.due >= due_of(uncounted_) && connection.octets().starts_with("HTTP/1.1 200")) {
      latencies_.push_back(Micros(Clock::now() - connection.due).count());
    }
    ++finished_;
    idle_.push_back(&connection);
  }

  /// What was under way on it stays without a latency and so counts as failed.
  void drop(Connection& connection) {
    ::close(connection.fd);
    std::erase(idle_, &connection);
    std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
  }

  Pace pace_;
  std::string request_;
  int epoll_;
  std::size_t total_;
  std::size_t uncounted_;
  Clock::time_point begin_{};
  std::size_t sent_ = 0;
  std::size_t finished_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<Connection*> idle_;
  std::vector<double> latencies_;
  /// How much later than due each request was sent: by the generator's own doing, or for want of a
  /// connection.
  std::vector<double> delays_;
};

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  if (argc != 7) {
    std::fprintf(stderr, "usage: pace PORT PATH CONNECTIONS RATE WARM_UP_SECONDS SECONDS\n");
    return 2;
  }
  const Pace pace{.port = to_port(argv[1]),
                  .path = argv[2],
                  .connections = static_cast<std::size_t>(std::strtoul(argv[3], nullptr, 10)),
                  .rate = std::strtod(argv[4], nullptr),
                  .warm_up_seconds = std::strtod(argv[5], nullptr),
                  .seconds = std::strtod(argv[6], nullptr)};
  prctl(PR_SET_TIMERSLACK, 1000UL);
  Generator generator(pace);
  generator.run();
  generator.print();
}
