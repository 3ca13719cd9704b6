#include "tests/support/load.hpp"

#include <poll.h>

#include "tests/support/raw_client.hpp"

namespace sluice::support {

double LoadCounts::share(const std::string& version) const {
  const auto found = versions.find(version);
  std::uint64_t all = 0;
  for (const auto& [name, count] : versions) all += count;
  return found == versions.end() || all == 0
             ? 0
             : static_cast<double>(found->second) / static_cast<double>(all);
}

/// Some of the connections, on one thread.
class Load::Worker {
 public:
  Worker(Load& load, unsigned connections) : load_(load), slots_(connections) {}

  void run() {
    for (Slot& slot : slots_) start(slot);
    while (active() > 0) {
      std::vector<pollfd> polled;
      for (const Slot& slot : slots_)
        polled.push_back({slot.busy ? slot.stream.fd() : -1, POLLIN, 0});
      if (::poll(polled.data(), polled.size(), 100) < 0) continue;
      for (std::size_t at = 0; at < slots_.size(); ++at)
        if (polled[at].revents != 0)
          receive(slots_[at]);
        else if (slots_[at].busy && slots_[at].deadline.passed())
          fail(slots_[at], "late");
    }
  }

 private:
  struct Slot {
    ByteStream stream;
    bool busy = false;
    std::uint64_t mark = 0;
    Deadline deadline;
  };

  std::size_t active() const {
    std::size_t count = 0;
    for (const Slot& slot : slots_) count += slot.busy ? 1 : 0;
    return count;
  }

  bool wants_more() const {
    if (load_.stopping_ || time_limit_.passed()) return false;
    const auto limit = load_.options_.max_requests;
    return limit == 0 || load_.started_.fetch_add(1) < limit;
  }

  void start(Slot& slot) {
    slot.busy = false;
    while (!slot.busy && wants_more()) {
      slot.mark = load_.mark_;
      slot.deadline = Deadline();
      slot.busy = true;
      try {
        if (!slot.stream) slot.stream = ByteStream(connect_to(load_.options_.address));
        if (!slot.stream.send(load_.options_.request)) count_failure(slot, "cannot send");
      } catch (const Failure& failure) {
        count_failure(slot, failure.what());
      }
    }
  }

  void receive(Slot& slot) {
    if (!slot.stream.fill(Deadline(std::chrono::seconds(0)))) {
      if (slot.stream.ending() != Ending::late)
        fail(slot, to_string(slot.stream.ending()) + (" after '" + slot.stream.buffer + "'"));
      return;
    }
    const std::string& buffer = slot.stream.buffer;
    const auto end = buffer.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const auto field = buffer.find("Content-Length: ");
    if (field > end) return fail(slot, "no Content-Length: " + buffer);
    if (buffer.size() < end + 4 + std::stoul(buffer.substr(field + 16))) return;
    take_answer(slot);
  }

  void take_answer(Slot& slot) {
    const Response answer = read_response(slot.stream, "GET", Deadline(std::chrono::seconds(0)));
    if (answer.status / 100 != 2 || !answer.complete || !slot.stream.buffer.empty())
      return fail(slot, answer.head + answer.body + answer.trouble + slot.stream.buffer);
    {
      const std::lock_guard lock(load_.mutex_);
      ++load_.counts_.requests;
      ++load_.counts_.versions[answer.fields.get("X-Version")];
      ++load_.counts_.versions_by_mark[slot.mark][answer.fields.get("X-Version")];
    }
    if (same_name(answer.fields.get("Connection"), "close")) slot.stream = ByteStream();
    start(slot);
  }

  void fail(Slot& slot, const std::string& what) {
    count_failure(slot, what);
    start(slot);
  }

  void count_failure(Slot& slot, const std::string& what) {
    slot.stream = ByteStream();
    slot.busy = false;
    const std::lock_guard lock(load_.mutex_);
    ++load_.counts_.requests;
    if (load_.counts_.failures++ == 0) load_.counts_.first_failure = what;
  }

  Load& load_;
  std::vector<Slot> slots_;
  Deadline time_limit_{load_.options_.max_time};
};

Load::Load(LoadOptions options) : options_(std::move(options)) {
  if (options_.request.empty()) options_.request = request_text("GET", "/");
  for (unsigned thread = 0; thread < options_.threads; ++thread) {
    const unsigned share = options_.connections / options_.threads +
                           (thread < options_.connections % options_.threads ? 1 : 0);
    threads_.emplace_back([this, share] { Worker(*this, share).run(); });
  }
}

Load::~Load() {
  stop();
}

LoadCounts Load::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool Load::wait_for_further(std::uint64_t count, Clock::duration limit) const {
  const std::uint64_t target = counts().requests + count;
  return eventually([&] { return counts().requests >= target; }, limit);
}

LoadCounts Load::stop() {
  stopping_ = true;
  return finish();
}

LoadCounts Load::finish() {
  join();
  return counts();
}

void Load::join() {
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace sluice::support
