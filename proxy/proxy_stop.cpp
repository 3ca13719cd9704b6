#include <algorithm>

#include "proxy/proxy_impl.hpp"

namespace sluice {
namespace asio = boost::asio;
using proxy::Worker;

namespace {

/// Over which time idle keep-alive connections are closed at a stop, at most.
constexpr milliseconds longest_spread{1000};
constexpr std::chrono::milliseconds time_for_last_words{200};

}  // namespace

Proxy::Impl::~Impl() {
  stop_now();
  // Nobody else runs a hosted worker now.
  while (fleet_ && fleet_->turn_hosted()) {
  }
  wait();
  if (thread_.joinable()) {
    asio::post(io_, [this] { io_.stop(); });
    thread_.join();
  } else {
    // Never started: calls that waited for it are answered here.
    io_.poll();
  }
}

void Proxy::Impl::run() {
  io_.run();
  // What was cancelled a moment ago still has to hear of it.
  io_.restart();
  io_.run_for(time_for_last_words);
  completions_.abandon_all({503, "The proxy has stopped", "the proxy stopped before this ended"});
  notices_.stopped(cut_);
  {
    const std::lock_guard lock(mutex_);
    is_running_ = false;
    stopped_.notify_all();
  }
  // Calls that still come are answered until the destructor ends it.
  const auto open_end = asio::make_work_guard(io_);
  io_.restart();
  io_.run();
}

void Proxy::Impl::stop() {
  asio::post(io_, [this] {
    if (!is_started_) return;
    if (is_stopping_) return cut();
    is_stopping_ = true;
    call_off_handover();
    begin_lame_duck();
  });
}

void Proxy::Impl::stop_now() {
  asio::post(io_, [this] {
    if (!is_started_) return;
    is_stopping_ = true;
    call_off_handover();
    cut();
  });
}

/// Who is told to stop does not live on in a successor.
void Proxy::Impl::call_off_handover() {
  door_.reset();
  if (handover_) handover_->fail("the process was told to stop");
  if (succession_ && !serves_) succession_->withdraw("it was told to stop");
}

std::size_t Proxy::Impl::wait() {
  std::unique_lock lock(mutex_);
  stopped_.wait(lock, [&] { return !is_running_; });
  return cut_;
}

/// Balancers in front still send for a while after /readyz fails: accept on (pitfall P22).
void Proxy::Impl::begin_lame_duck() {
  const milliseconds lame_duck = control_->settings().server.lame_duck;
  if (lame_duck.count() == 0) return begin_drain();
  notices_.log(LogLevel::info,
               "stopping: lame duck for " + std::to_string(lame_duck.count()) + " ms");
  control_->set_readiness({false, "lame duck"});
  timer_.expires_after(lame_duck);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) begin_drain();
  });
}

void Proxy::Impl::begin_drain() {
  const milliseconds drain_timeout = control_->settings().server.drain_timeout;
  notices_.log(LogLevel::info, "stopping: no new connections; what is in flight has " +
                                   std::to_string(drain_timeout.count()) + " ms");
  control_->set_readiness({false, "draining"});
  // Where others serve the same traffic, one that sees it has to judge.
  control_->leave();
  drain_end_ = proxy::Clock::now() + drain_timeout;
  const milliseconds spread = std::min(longest_spread, drain_timeout / 4);
  fleet_->on_all_then(
      [spread](Worker& worker) {
        worker.stop_accepting();
        worker.finish(spread);
      },
      [this] { watch_drain(); });
}

void Proxy::Impl::watch_drain() {
  fleet_->ask_all<std::size_t>(
      [](Worker& worker) { return worker.sessions().size(); },
      [this](const std::vector<std::size_t>& sessions) {
        if (is_ending_) return;
        const bool is_drained = std::all_of(sessions.begin(), sessions.end(),
                                            [](std::size_t size) { return size == 0; });
        const proxy::TimePoint now = proxy::Clock::now();
        // What the predecessor still counts comes through this process.
        const bool may_end = now >= earliest_end_ && !(handover_ && control_->has_predecessor());
        if (is_drained && may_end) return end_behind_last_word();
        if (now >= std::max(drain_end_, earliest_end_)) return cut();
        if (handover_) handover_->report(false, [] {});
        timer_.expires_after(proxy::DeadlineWheel::grain);
        timer_.async_wait([this](const boost::system::error_code& error) {
          if (!error) watch_drain();
        });
      });
}

void Proxy::Impl::cut() {
  if (is_ending_) return;
  timer_.cancel();
  fleet_->ask_all<std::size_t>(
      [](Worker& worker) { return worker.cut_sessions(); },
      [this](const std::vector<std::size_t>& cut) {
        for (const std::size_t count : cut) cut_ += count;
        if (cut_ > 0) {
          notices_.log(LogLevel::warn, "stopping: " + std::to_string(cut_) + " requests cut");
        }
        end_behind_last_word();
      });
}

/// A successor learns what this process has counted in the end.
void Proxy::Impl::end_behind_last_word() {
  if (!handover_ || !handover_->is_served()) return end();
  timer_.expires_after(time_for_last_words);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) end();
  });
  handover_->report(true, [this] { end(); });
}

/// Workers first, the admin interface last (pitfall P23).
void Proxy::Impl::end() {
  if (is_ending_) return;
  is_ending_ = true;
  timer_.cancel();
  fleet_->release_and_join();
  access_log_.close();
  control_->stop();
  state_.close();
  call_off_handover();
  if (handover_) handover_->close();
  handover_.reset();
  if (admin_) admin_->stop();
  listeners_->close();
  notices_.log(LogLevel::info, "stopped");
  work_.reset();
  io_.stop();
}

}  // namespace sluice
