#include "proxy/prober.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace sluice::proxy {
namespace {

constexpr std::size_t max_status_line = 1024;

/// The status code of "HTTP/1.x 200 ...", or 0.
unsigned status_of(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return 0;
  unsigned status = 0;
  const auto parsed = std::from_chars(line.data() + 9, line.data() + 12, status);
  const bool is_over = line.size() == 12 || line[12] == ' ' || line[12] == '\r';
  return parsed.ec == std::errc{} && parsed.ptr == line.data() + 12 && is_over ? status : 0;
}

std::string in_words(IoError error) {
  switch (error) {
    case IoError::eof:
    case IoError::reset:
      return "the connection was closed without an answer";
    case IoError::timeout:
      return "no answer in time";
    case IoError::refused:
      return "connection refused";
    default:
      return "the connection failed";
  }
}

}  // namespace

struct Prober::Target {
  Target(Prober& of, DeadlineWheel& wheel, core::Health first)
      : prober(of),
        health(first),
        next(
            wheel, [](void* owner) { static_cast<Target*>(owner)->wake(); }, this) {}

  void wake() { prober.begin(self.lock()); }

  Prober& prober;
  std::string pool;
  std::string address;
  HealthSettings settings;
  core::Health health;
  std::string seen;
  std::vector<SocketAddress> addresses;
  std::size_t next_address = 0;
  bool is_located = false;  ///< addresses were said
  bool is_forgotten = false;
  bool has_verdict = false;
  bool is_in_first_check = false;
  StreamPtr stream;
  Deadline next;
  std::weak_ptr<Target> self;
};

Prober::Prober(Reactor& reactor, DeadlineWheel& wheel, BlockPool& blocks, OnChange on_change)
    : reactor_(reactor), wheel_(wheel), blocks_(blocks), on_change_(std::move(on_change)) {}

Prober::~Prober() {
  for (const auto& [place, target] : targets_) {
    target->is_forgotten = true;
    if (target->stream) target->stream->close();
  }
}

void Prober::watch(const std::string& pool, const std::string& address,
                   const HealthSettings& settings, core::HealthState known) {
  std::shared_ptr<Target>& slot = targets_.add(pool, address).first;
  if (slot && slot->settings == settings) return;
  const std::shared_ptr<Target> before = std::move(slot);
  slot = std::make_shared<Target>(*this, wheel_, core::Health(settings.rise, settings.fall, known));
  slot->pool = pool;
  slot->address = address;
  slot->settings = settings;
  slot->self = slot;
  if (!before) return;
  drop(*before);
  if (slot->health.state() == core::HealthState::unknown) return;
  slot->has_verdict = before->has_verdict;
  slot->seen = before->seen;
}

void Prober::forget(const std::string& pool, const std::string& address) {
  const auto* target = targets_.find(pool, address);
  if (target == nullptr) return;
  drop(**target);
  targets_.erase(pool, address);
}

/// A check under way ends without being heard.
void Prober::drop(Target& target) {
  target.is_forgotten = true;
  target.next.disarm();
  if (target.stream) target.stream->close();
  if (std::exchange(target.is_in_first_check, false)) --first_checks_;
}

void Prober::set_addresses(const std::string& pool, const std::string& address,
                           std::vector<SocketAddress> addresses) {
  const auto* found = targets_.find(pool, address);
  if (found == nullptr) return;
  Target& target = **found;
  target.addresses = std::move(addresses);
  if (std::exchange(target.is_located, true)) return;
  const double share = target.has_verdict ? random_.fraction() : 0;
  const double wait = static_cast<double>(target.settings.interval.count()) * share;
  target.next.arm(std::chrono::milliseconds(static_cast<std::int64_t>(wait) + 1));
}

core::HealthState Prober::state(const std::string& pool, const std::string& address) const {
  const auto* target = targets_.find(pool, address);
  return target == nullptr ? core::HealthState::unchecked : (*target)->health.state();
}

std::string Prober::last_seen(const std::string& pool, const std::string& address) const {
  const auto* target = targets_.find(pool, address);
  return target == nullptr ? std::string() : (*target)->seen;
}

bool Prober::has_all_verdicts() const {
  for (const auto& [place, target] : targets_) {
    if (!target->has_verdict) return false;
  }
  return true;
}

void Prober::begin(const std::shared_ptr<Target>& target) {
  if (!target || target->is_forgotten) return;
  if (!target->has_verdict) {
    if (first_checks_ == most_first_checks) return target->next.arm(DeadlineWheel::grain);
    target->is_in_first_check = true;
    ++first_checks_;
  }
  spawn(check(target), [](std::exception_ptr) {});
}

Task<void> Prober::check(std::shared_ptr<Target> target) {
  const std::string problem = co_await probe(*target);
  target->stream.reset();
  // Then the prober may be gone, too.
  if (target->is_forgotten) co_return;
  if (std::exchange(target->is_in_first_check, false)) --first_checks_;
  conclude(*target, problem);
  const double jitter = 0.9 + 0.2 * random_.fraction();
  const double wait = static_cast<double>(target->settings.interval.count()) * jitter;
  target->next.arm(std::chrono::milliseconds(static_cast<std::int64_t>(wait) + 1));
}

/// One check. "" when the backend is well, else what was seen.
Task<std::string> Prober::probe(Target& target) {
  if (target.addresses.empty()) co_return "the name has no address";
  const TimePoint end = Clock::now() + target.settings.timeout;
  const auto left = [&] {
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    return std::max(rest, std::chrono::milliseconds(1));
  };
  const SocketAddress address = target.addresses[target.next_address++ % target.addresses.size()];
  target.stream = make_stream(reactor_, wheel_, blocks_);
  Stream& stream = *target.stream;
  const IoError connected = co_await stream.connect(address, left());
  if (connected != IoError::none) co_return in_words(connected);

  const std::string host = !target.settings.host.empty() ? target.settings.host
                           : address.is_unix()           ? "localhost"
                                                         : target.address;
  std::string request = "GET " + target.settings.path + " HTTP/1.1\r\nHost: " + host +
                        "\r\nUser-Agent: sluice-health\r\nConnection: close\r\n\r\n";
  std::array<iovec, 1> piece{iovec{request.data(), request.size()}};
  const IoError written = co_await stream.write(piece, left());
  if (written != IoError::none) co_return in_words(written);
  while (stream.in().view().find("\r\n") == std::string_view::npos) {
    if (stream.in().view().size() > max_status_line) co_return "the answer is not HTTP";
    if (Clock::now() >= end) co_return in_words(IoError::timeout);
    const IoError read = co_await stream.read(left());
    if (read != IoError::none) co_return in_words(read);
  }
  const unsigned status = status_of(stream.in().view());
  if (status == 0) co_return "the answer is not HTTP";
  if (status >= 200 && status < 400) co_return "";
  co_return "status " + std::to_string(status);
}

void Prober::conclude(Target& target, const std::string& problem) {
  target.seen = problem;
  target.has_verdict = true;
  if (!target.health.observe(problem.empty())) return;
  on_change_(target.pool, target.address, target.health.state(), problem);
}

}  // namespace sluice::proxy
