// The backend of the comparison: fixed answers, one thread, nothing allocated per request, so that
// it is never what limits a proxy.
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>

#include "bench/side_by_side/sockets.hpp"

namespace sluice::bench {
namespace {

using namespace std::literals;

/// One of the fixed answers: its two heads and its body, made once.
struct Answer {
  std::string_view name;
  std::size_t size;
  std::string head{};
  std::string closing_head{};
};

/// The answer to each last segment of a path; the first one serves every other path, too.
class Answers {
 public:
  Answers() : octets_(std::size_t{1} << 20U, '\0') {
    // Not periodic in any buffer size, so that a proxy that mixes up parts is found out.
    for (std::size_t i = 0; i < octets_.size(); ++i) {
      octets_[i] = static_cast<char>('a' + (i + i / 251 + i / 65537) % 26);
    }
    for (Answer& answer : answers_) {
      const std::string start = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "s +
                                std::to_string(answer.size) + "\r\n";
      answer.head = start + "\r\n";
      answer.closing_head = start + "Connection: close\r\n\r\n";
    }
  }

  [[nodiscard]] const Answer& to(std::string_view path) const {
    const std::string_view last = path.substr(path.rfind('/') + 1);
    for (const Answer& answer : answers_) {
      if (last == answer.name) return answer;
    }
    return answers_.front();
  }

  [[nodiscard]] const Answer& small() const { return answers_.front(); }

  [[nodiscard]] std::string_view body(const Answer& answer) const {
    return std::string_view(octets_).substr(0, answer.size);
  }

 private:
  std::array<Answer, 4> answers_{
      {{"13", 13}, {"1k", 1024}, {"16k", std::size_t{16} * 1024}, {"1m", std::size_t{1} << 20U}}};
  std::string octets_;
};

bool same_letters(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i]) return false;
  }
  return true;
}

/// What the two fields that matter say.
struct Framing {
  std::size_t body = 0;
  bool closes = false;
};

Framing read_fields(std::string_view head) {
  Framing result;
  for (std::size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    const char first = head[at + 2];
    if (first != 'C' && first != 'c') continue;
    std::string_view line = head.substr(at + 2);
    line = line.substr(0, line.find("\r\n"));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (same_letters(name, "connection")) {
      result.closes = same_letters(value, "close");
    } else if (same_letters(name, "content-length")) {
      std::from_chars(value.data(), value.data() + value.size(), result.body);
    }
  }
  return result;
}

/// The target of a request line without its query.
std::string_view path_of(std::string_view head) {
  const std::size_t start = head.find(' ') + 1;
  return head.substr(start, head.find_first_of(" ?\r", start) - start);
}

struct Connection {
  int fd = -1;
  /// Answer to the request that is being read or sent.
  const Answer* answer = nullptr;
  bool closes = false;
  std::size_t body_left = 0;
  std::array<std::string_view, 2> unsent{};
  /// What came and could not be worked off yet: part of a head, or a request sent ahead.
  std::string kept;

  [[nodiscard]] bool is_sending() const { return !unsent[0].empty() || !unsent[1].empty(); }
};

class Backend {
 public:
  /// With `stays` an answer that says close leaves the closing to the peer. So a relay that does
  /// not read HTTP can keep its connections while its clients come and go.
  Backend(std::uint32_t address, std::uint16_t port, bool stays)
      : stays_(stays), epoll_(epoll_create1(EPOLL_CLOEXEC)), listener_(listen_on(address, port)) {
    watch(epoll_, listener_, EPOLLIN, nullptr);
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
          serve(*static_cast<Connection*>(event.data.ptr), event.events);
        }
      }
    }
  }

 private:
  void accept_all() {
    for (int fd = accept_next(listener_); fd >= 0; fd = accept_next(listener_)) {
      auto* connection = new Connection{.fd = fd, .kept = {}};
      watch(epoll_, fd, both_ways, connection);
    }
  }

  /// A connection has one event per batch and is touched by its own events only, so it may be freed
  /// here.
  void serve(Connection& connection, std::uint32_t events) {
    const bool ends = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (!write(connection) || !work_off_kept(connection) || !read(connection, ends)) {
      ::close(connection.fd);
      delete &connection;
    }
  }

  /// Each of these returns false when the connection is to be closed.
  bool read(Connection& connection, bool to_the_end) {
    while (!connection.is_sending()) {
      const ssize_t count = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
      if (count < 0) return would_block();
      if (count == 0) return false;
      const auto size = static_cast<std::size_t>(count);
      if (!take(connection, {buffer_.data(), size})) return false;
      // A receive that did not fill the buffer has emptied the socket.
      if (size < buffer_.size() && !to_the_end) return true;
    }
    return true;
  }

  bool take(Connection& connection, std::string_view octets) {
    if (!connection.kept.empty()) {
      connection.kept += octets;
      return work_off_kept(connection);
    }
    if (!work_off(connection, octets)) return false;
    connection.kept.assign(octets);
    return true;
  }

  bool work_off_kept(Connection& connection) {
    if (connection.kept.empty() || connection.is_sending()) return true;
    std::string_view octets = connection.kept;
    if (!work_off(connection, octets)) return false;
    connection.kept.erase(0, connection.kept.size() - octets.size());
    return true;
  }

  /// Answers the requests that are complete and leaves the rest in `octets`.
  bool work_off(Connection& connection, std::string_view& octets) {
    while (!octets.empty() && !connection.is_sending()) {
      if (connection.answer == nullptr && !begin(connection, octets)) return true;
      const std::size_t taken = std::min(connection.body_left, octets.size());
      connection.body_left -= taken;
      octets.remove_prefix(taken);
      if (connection.body_left > 0) return true;
      if (!send_answer(connection)) return false;
    }
    return true;
  }

  /// Reads a head off the front of `octets`; false when it is not complete.
  bool begin(Connection& connection, std::string_view& octets) {
    const std::size_t end = octets.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    const std::string_view head = octets.substr(0, end + 2);
    octets.remove_prefix(end + 4);
    const Framing framing = read_fields(head);
    connection.closes = framing.closes;
    connection.body_left = framing.body;
    connection.answer = head.starts_with("GET ") ? &answers_.to(path_of(head)) : &answers_.small();
    return true;
  }

  bool send_answer(Connection& connection) {
    const Answer& answer = *connection.answer;
    connection.answer = nullptr;
    connection.unsent = {connection.closes ? answer.closing_head : answer.head,
                         answers_.body(answer)};
    return write(connection);
  }

  bool write(Connection& connection) {
    while (connection.is_sending()) {
      std::array<iovec, 2> parts{};
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::string_view part = connection.unsent[i];
        parts[i] = {const_cast<char*>(part.data()), part.size()};
      }
      const ssize_t count = writev(connection.fd, parts.data(), 2);
      if (count < 0) return would_block();
      auto sent = static_cast<std::size_t>(count);
      for (std::string_view& part : connection.unsent) {
        const std::size_t of_part = std::min(sent, part.size());
        part.remove_prefix(of_part);
        sent -= of_part;
      }
      if (!connection.is_sending() && connection.closes && !stays_) return false;
    }
    return true;
  }

  bool stays_;
  int epoll_;
  int listener_;
  Answers answers_;
  std::array<char, receive_size> buffer_{};
};

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  bool stays = false;
  std::uint32_t address = INADDR_LOOPBACK;
  for (int i = 2; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--stay") stays = true;
    if (option == "--any") address = INADDR_ANY;
  }
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: backend PORT [--stay] [--any]\n"
                 "  --stay  leave it to the peer to close after 'Connection: close'\n"
                 "  --any   listen on every address, not just on 127.0.0.1\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const auto backend = std::make_unique<Backend>(address, to_port(argv[1]), stays);
  backend->run();
}
