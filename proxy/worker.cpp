#include "proxy/worker.hpp"

#include <sched.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include <algorithm>
#include <array>

#include "proxy/acceptor.hpp"
#include "proxy/errno_text.hpp"
#include "proxy/session.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {

namespace {

constexpr std::uint64_t ticks_per_flush = 5;
constexpr std::uint64_t ticks_per_trim = 50;
constexpr std::size_t log_buffer_size = 32 * 1024;
constexpr std::chrono::minutes gone_backends_kept{5};

}  // namespace

Worker::Worker(Shared shared, WorkerPlace place)
    : shared_(shared), trials_(place), logs_access_(!shared.access_log.is_off()) {
  if (shared.batches_calls) batch_calls();
  take_plan(std::make_shared<core::Plan>(core::build_plan(0, {})), {});
  refresh_date();
}

void Worker::batch_calls() {
  reactor_.batch_calls(SocketBatch::make());
  if (reactor_.batches_calls()) return;
  say(LogLevel::warn, "a worker makes socket calls one by one: the kernel gives no io_uring (" +
                          errno_text(errno) + ")");
}

Worker::~Worker() {
  for (const auto& [key, backend] : backends_.all()) backend->close_idle();
}

void Worker::run() {
  sigset_t broken;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  may_splice_ = pthread_sigmask(SIG_BLOCK, &broken, nullptr) == 0;
  TimePoint now = Clock::now();
  do {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next_tick_ - now);
    reactor_.turn(std::max(wait, std::chrono::milliseconds(0)));
    if (std::exchange(yields_, false)) ::sched_yield();
    now = Clock::now();
  } while (go_on(now));
}

void Worker::prepare_hosted() {
  struct sigaction action {};
  sigaction(SIGPIPE, nullptr, &action);
  may_splice_ = action.sa_handler == SIG_IGN;
}

bool Worker::go_on(TimePoint now) {
  if (now >= next_tick_) tick(now);
  if (!is_over()) return true;
  flush_log();
  return false;
}

void Worker::post(std::function<void(Worker&)> job) {
  reactor_.post([this, job = std::move(job)] { job(*this); });
}

void Worker::post_in_parts(std::function<bool(Worker&)> part) {
  reactor_.post_in_parts([this, part = std::move(part)] { return part(*this); });
}

void Worker::tick(TimePoint now) {
  next_tick_ = now + DeadlineWheel::grain;
  wheel_.advance(now);
  ++ticks_;
  if (ticks_ % ticks_per_flush == 0) {
    flush_log();
    refresh_date();
  }
  if (ticks_ % ticks_per_trim == 0) pipes_.trim();
  backends_.forget_gone(now, gone_backends_kept);
}

void Worker::take_plan(std::shared_ptr<const core::Plan> plan,
                       const std::vector<BackendCondition>& conditions) {
  PlanChange(ground(), std::move(plan), conditions).go_on(TimePoint::max());
}

void Worker::apply(const BackendCondition& condition) {
  if (backends_.note(condition)) plan_->topology->refresh(condition.pool);
}

void Worker::listen(int descriptor, const std::string& name) {
  acceptors_.push_back(std::make_unique<Acceptor>(*this, descriptor, tally_.listener(name)));
}

void Worker::accept_on() {
  for (const auto& acceptor : acceptors_) acceptor->start();
}

void Worker::stop_accepting() {
  for (const auto& acceptor : acceptors_) acceptor->stop();
}

void Worker::stop_listening(const std::string& name) {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->name() == name) acceptor->stop();
  }
}

std::vector<std::pair<std::string, OwnedDescriptor>> Worker::share_listening() const {
  std::vector<std::pair<std::string, OwnedDescriptor>> shared;
  for (const auto& acceptor : acceptors_) {
    if (acceptor->is_open()) shared.emplace_back(acceptor->name(), acceptor->share());
  }
  return shared;
}

void Worker::leave_listening(const std::vector<std::string>& names) {
  for (const auto& acceptor : acceptors_) {
    if (std::find(names.begin(), names.end(), acceptor->name()) != names.end())
      acceptor->hand_over();
  }
}

void Worker::look_at_backlogs() {
  for (const auto& acceptor : acceptors_) acceptor->look();
}

void Worker::finish(std::chrono::milliseconds spread, std::chrono::milliseconds at_least) {
  finishing_ = true;
  sessions_.for_each([&](Session& session) {
    const double part = random_.fraction() * static_cast<double>(spread.count());
    session.end_idle(at_least + std::chrono::milliseconds(static_cast<std::int64_t>(part)));
  });
}

std::size_t Worker::cut_sessions() {
  std::size_t busy = 0;
  sessions_.for_each([&](Session& session) { busy += session.cut() ? 1 : 0; });
  for (const auto& [key, backend] : backends_.all()) backend->cut();
  return busy;
}

std::size_t Worker::cut_backend(const std::string& pool, const std::string& address) {
  LiveBackend* backend = backends_.find(pool, address);
  return backend == nullptr ? 0 : backend->cut();
}

void Worker::release() {
  released_ = finishing_ = true;
  // First the backlog, so that those it brings are cut, too.
  stop_accepting();
  cut_sessions();
  for (const auto& [key, backend] : backends_.all()) {
    backend->gone = true;
    backend->close_idle();
  }
}

WorkerReport Worker::report() const {
  WorkerReport report;
  report.tally = tally_;
  report.sessions = sessions_.size();
  for (const auto& [key, backend] : backends_.all()) {
    report.backends.push_back(*backend);
    report.gone.push_back(backend->gone);
  }
  return report;
}

std::vector<core::Backend> Worker::counts_of(const std::string& pool,
                                             const std::string& address) const {
  std::vector<core::Backend> counts;
  backends_.for_each_of(pool, [&](const LiveBackend& backend) {
    if (address.empty() || backend.address == address) counts.push_back(backend);
  });
  return counts;
}

void Worker::log(const Record& record, std::string_view client, std::string_view listener,
                 std::uint64_t duration_ns) {
  append_log_line(log_buffer_, record, client, listener, duration_ns, wall_clock_ms());
  ++log_lines_;
  if (log_buffer_.size() >= log_buffer_size) flush_log();
}

void Worker::flush_log() {
  shared_.access_log.hand_over(log_buffer_, log_lines_);
  log_lines_ = 0;
}

void Worker::refresh_date() {
  const std::time_t now = std::time(nullptr);
  if (now == date_second_) return;
  date_second_ = now;
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  date_.assign(text.data(), size);
}

}  // namespace sluice::proxy
