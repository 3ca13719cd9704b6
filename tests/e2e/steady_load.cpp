#include "tests/e2e/steady_load.hpp"

#include <sys/socket.h>

#include <optional>
#include <utility>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

/// As many requests may be late at once as there are hands; more wait for their turn, late.
constexpr unsigned hands = 8;
constexpr int parts = 24;  ///< of a slow errand
constexpr milliseconds part_time{12};

/// Of a download; an upload is an eighth of it. Too much for the buffers of the kernel.
const std::string& content() {
  static const std::string bytes = noise(std::size_t{parts} * 80'000);
  return bytes;
}

std::string event(int number) {
  return "id: " + std::to_string(number) + "\ndata: tick\n\n";
}

/// Octets of the peer that come meanwhile stay in the stream.
void send_events(Exchange& exchange) {
  exchange.send(exchange.head(200,
                              "Content-Type: text/event-stream\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n"));
  for (int number = 0; number < parts; ++number) {
    std::string chunk = in_chunks(event(number), event(number).size());
    chunk.resize(chunk.size() - std::string("0\r\n\r\n").size());
    if (!exchange.send(chunk)) return;
    exchange.stream().fill(Deadline(part_time));
  }
  exchange.send("0\r\n\r\n");
}

/// What is wrong with an answer; nothing when it is good and has this body.
std::string trouble_of(const Response& answer, const std::string& body) {
  if (answer.status == 0) return "no answer: " + answer.trouble;
  if (answer.status != 200) return answer.head + answer.body;
  if (!answer.complete) return "cut: " + answer.trouble;
  return answer.body == body ? "" : "another body of " + std::to_string(answer.body.size());
}

}  // namespace

const char* to_string(Errand errand) {
  constexpr std::array<const char*, static_cast<std::size_t>(Errand::count_)> names = {
      "fresh", "kept", "upload", "download", "events", "tunnel"};
  return names.at(static_cast<std::size_t>(errand));
}

std::uint64_t SteadyCounts::failures() const {
  std::uint64_t sum = 0;
  for (const ErrandCounts& counts : errands) sum += counts.failures;
  return sum;
}

std::uint64_t SteadyCounts::good() const {
  std::uint64_t sum = 0;
  for (const ErrandCounts& counts : errands) sum += counts.good;
  return sum;
}

std::ostream& operator<<(std::ostream& out, const SteadyCounts& counts) {
  for (std::size_t at = 0; at < counts.errands.size(); ++at) {
    const ErrandCounts& one = counts.errands[at];
    out << to_string(static_cast<Errand>(at)) << ": " << one.good << " good, " << one.failures
        << " failures, " << one.crossings << " crossings, " << one.repeats << " repeats";
    if (one.failures > 0) out << "; first: " << one.first_failure;
    out << "\n";
  }
  return out << "the longest short request took " << counts.longest.count() << " ms\n";
}

Script serves_errands() {
  return [](Exchange& exchange) {
    const std::string& target = exchange.request().target;
    if (target == "/tunnel") return upgrades_and_echoes()(exchange);
    exchange.read_body();
    if (target == "/events") return send_events(exchange);
    if (target == "/upload") return exchange.answer(200, exchange.request().body);
    exchange.answer(200, target == "/download" ? content() : "short");
  };
}

/// Runs errands, one after the other, on the thread of one user.
class SteadyLoad::User {
 public:
  explicit User(SteadyLoad& load) : load_(load) {}

  /// What went wrong; nothing when all was well.
  std::string try_to(Errand errand) {
    try {
      return run(errand);
    } catch (const std::exception& failure) {
      return failure.what();
    }
  }
  std::uint64_t take_repeats() { return std::exchange(repeats_, 0); }

 private:
  /// The same. Throws Failure.
  std::string run(Errand errand) {
    switch (errand) {
      case Errand::fresh:
        return trouble_of(RawClient(load_.address_).get("/", "Connection: close\r\n"), "short");
      case Errand::kept:
        return get_on_kept();
      case Errand::upload:
        return upload();
      case Errand::download:
        return download();
      case Errand::events:
        return read_events();
      case Errand::tunnel:
      case Errand::count_:
        break;
    }
    return talk();
  }
  std::string get_on_kept() {
    for (;;) {
      const bool is_used = kept_.has_value();
      if (!is_used) kept_.emplace(load_.address_);
      const Response answer = kept_->get("/");
      const bool is_over = answer.head.empty() && kept_->stream.buffer.empty() &&
                           kept_->stream.ending() == Ending::closed;
      if (!answer.complete || same_name(answer.fields.get("Connection"), "close")) kept_.reset();
      if (!is_used || !is_over) return trouble_of(answer, "short");
      ++repeats_;
    }
  }

  /// Not when the load is to stop.
  void wait_a_part() { load_.pause_until(Clock::now() + part_time); }

  std::string upload() {
    const std::string body = content().substr(0, content().size() / 8);
    const std::size_t size = body.size() / parts;
    RawClient client(load_.address_);
    client.send("PUT /upload HTTP/1.1\r\nHost: test.example\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n");
    for (std::size_t part = 0; part < parts; ++part) {
      if (!client.send(body.substr(part * size, size))) return "the proxy does not take the body";
      wait_a_part();
    }
    return trouble_of(client.response("PUT"), body);
  }

  std::string download() {
    RawClient client(load_.address_);
    const int size = 65'536;
    ::setsockopt(client.stream.fd(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    client.send(request_text("GET", "/download"));
    const Response head = read_response_head(client.stream);
    if (head.status != 200) return head.head + head.trouble;
    std::string body;
    do {
      wait_a_part();
      client.stream.fill_to(content().size() / parts);
      body += client.stream.take(content().size() / parts);
    } while (body.size() < content().size() && client.stream.ending() == Ending::open);
    return body == content() ? "" : "another body of " + std::to_string(body.size());
  }

  std::string read_events() {
    std::string all;
    for (int number = 0; number < parts; ++number) all += event(number);
    return trouble_of(RawClient(load_.address_).get("/events"), all);
  }

  std::string talk() {
    RawClient client(load_.address_);
    const Response answer = client.get("/tunnel",
                                       "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                       "Sec-WebSocket-Version: 13\r\n"
                                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    if (answer.status != 101) return answer.head + answer.trouble;
    for (int part = 0; part < parts; ++part) {
      const std::string word = "word " + std::to_string(part);
      client.send(word);
      if (!client.stream.fill_to(word.size())) return "the tunnel is cut";
      if (client.stream.take(word.size()) != word) return "the tunnel said something else";
      wait_a_part();
    }
    client.stream.finish_sending();
    return client.stream.take_all().empty() && client.stream.ending() == Ending::closed
               ? ""
               : "the tunnel did not end in order";
  }

  SteadyLoad& load_;
  std::optional<RawClient> kept_;
  std::uint64_t repeats_ = 0;
};

SteadyLoad::SteadyLoad(std::string address, unsigned per_second)
    : address_(std::move(address)), gap_(std::chrono::seconds(1)) {
  gap_ /= per_second;
  for (unsigned hand = 0; hand < hands; ++hand)
    threads_.emplace_back([this] { make_short_requests(); });
  for (const Errand errand : {Errand::upload, Errand::download, Errand::events, Errand::tunnel})
    for (const bool is_second : {false, true})
      threads_.emplace_back([=, this] { run_errands(errand, is_second); });
}

SteadyLoad::~SteadyLoad() {
  stop();
}

SteadyCounts SteadyLoad::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool SteadyLoad::all_go_on(std::uint64_t count) const {
  const SteadyCounts before = counts();
  return eventually([&] {
    const SteadyCounts now = counts();
    for (std::size_t at = 0; at < now.errands.size(); ++at)
      if (now.errands[at].good < before.errands[at].good + count) return false;
    return true;
  });
}

SteadyCounts SteadyLoad::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
  return counts();
}

bool SteadyLoad::pause_until(Clock::time_point when) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_until(lock, when, [this] { return stopping_; });
}

void SteadyLoad::note(Errand errand, std::uint64_t mark_at_start, const std::string& trouble) {
  const std::lock_guard lock(mutex_);
  ErrandCounts& counts = counts_.errands[static_cast<std::size_t>(errand)];
  if (trouble.empty()) {
    ++counts.good;
    counts.crossings += mark_at_start == mark_ ? 0 : 1;
  } else if (counts.failures++ == 0) {
    counts.first_failure = trouble;
  }
}

void SteadyLoad::make_short_requests() {
  User user(*this);
  for (;;) {
    const std::uint64_t number = next_++;
    const Clock::time_point due = start_ + number * gap_;
    if (!pause_until(due)) return;
    // Not by the number itself: a hand may get only even ones.
    const Errand errand = number / hands % 2 == 0 ? Errand::fresh : Errand::kept;
    const std::uint64_t mark = mark_;
    note(errand, mark, user.try_to(errand));
    const std::lock_guard lock(mutex_);
    counts_.errands[static_cast<std::size_t>(errand)].repeats += user.take_repeats();
    counts_.longest =
        std::max(counts_.longest, std::chrono::duration_cast<milliseconds>(Clock::now() - due));
  }
}

void SteadyLoad::run_errands(Errand errand, bool is_second) {
  User user(*this);
  if (is_second && !pause_until(start_ + parts * part_time / 2)) return;
  do {
    const std::uint64_t mark = mark_;
    note(errand, mark, user.try_to(errand));
  } while (pause_until(Clock::now()));
}

}  // namespace sluice::e2e
