#include "sluice/proxy.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "proxy/admin_server.hpp"
#include "proxy/listening_socket.hpp"
#include "proxy/local_control.hpp"

namespace sluice {
namespace asio = boost::asio;
using proxy::Fleet;
using proxy::ListeningSocket;
using proxy::Worker;

namespace {

constexpr int listen_backlog = 4096;
/// Over which time idle keep-alive connections are closed at a stop, at most.
constexpr milliseconds longest_spread{1000};
constexpr std::chrono::milliseconds time_for_last_words{200};

unsigned worker_count(unsigned configured) {
  return configured != 0 ? configured : std::max(1U, std::thread::hardware_concurrency());
}

/// Reads the token in the first line of a file into `token`. "" or a sentence.
std::string read_token(const std::string& path, std::string& token) {
  if (path.empty()) return {};
  std::ifstream file(path);
  if (!file) return "the token file " + path + " cannot be read; make it readable for this user";
  std::getline(file, token);
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty()) return "the token file " + path + " is empty; its first line is the token";
  return {};
}

}  // namespace

/// The parts of a running proxy, and the order in which they start and end.
///
///     idle -> starting -> serving -> lame duck -> draining -> ended
///                                       any of them --stop_now--> ended
class Proxy::Impl {
 public:
  Impl(Settings settings, Options options)
      : settings_(std::move(settings)),
        options_(std::move(options)),
        access_log_(settings_.log.access),
        state_(settings_.server.state_dir),
        work_(asio::make_work_guard(io_)),
        timer_(io_) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    stop_now();
    wait();
    if (thread_.joinable()) thread_.join();
  }

  std::vector<Problem> start();
  void stop();
  void stop_now();
  std::size_t wait();
  void reopen_logs() { access_log_.reopen(); }
  std::vector<std::string> listener_addresses() const { return listener_addresses_; }
  std::string admin_address() const { return admin_ ? admin_->local_address() : std::string(); }

 private:
  void open_listeners(std::vector<Problem>& problems);
  void open_admin(const std::string& token, std::vector<Problem>& problems);
  void run();
  void begin_lame_duck();
  void begin_drain();
  void watch_drain();
  void cut();
  void end();

  Settings settings_;
  Options options_;
  proxy::AccessLog access_log_;
  proxy::StateFile state_;
  std::atomic<unsigned> connections_{0};
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<proxy::LocalControl> control_;
  std::unique_ptr<proxy::AdminServer> admin_;
  std::vector<ListeningSocket> sockets_;  ///< keep the files of unix sockets
  std::vector<std::string> listener_addresses_;
  std::thread thread_;
  proxy::TimePoint drain_end_;
  std::size_t cut_ = 0;
  bool is_stopping_ = false;
  bool is_ending_ = false;

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_running_ = false;
};

std::vector<Problem> Proxy::Impl::start() {
  std::vector<Problem> problems = validate(settings_);
  if (!problems.empty()) return problems;
  std::string token;
  if (auto problem = read_token(settings_.admin.token_file, token); !problem.empty()) {
    problems.push_back({"admin.token_file", problem});
  }
  if (auto problem = state_.prepare(); !problem.empty()) {
    problems.push_back({"server.state_dir", problem});
  }
  if (auto problem = access_log_.open(); !problem.empty()) {
    problems.push_back({"log.access", problem});
  }
  fleet_ = std::make_unique<Fleet>(io_, worker_count(settings_.server.workers),
                                   Worker::Shared{access_log_, connections_});
  open_listeners(problems);
  control_ = std::make_unique<proxy::LocalControl>(
      proxy::LocalControl::Parts{io_, *fleet_, state_, access_log_}, settings_);
  open_admin(token, problems);
  if (!problems.empty()) return problems;

  if (!state_.is_kept()) {
    spdlog::warn(
        "server.state_dir is empty: weights, drains and membership changed at run time "
        "are lost at a restart");
  }
  is_running_ = true;
  fleet_->start();
  control_->start([this] {
    fleet_->on_all([](Worker& worker) { worker.accept_on(); });
    for (const std::string& address : listener_addresses_) spdlog::info("serving on {}", address);
  });
  thread_ = std::thread([this] { run(); });
  return {};
}

void Proxy::Impl::open_listeners(std::vector<Problem>& problems) {
  proxy::ListenOptions options;
  options.subject = "A listener";
  options.table = "[[listener]]";
  options.file_mode = 0666;
  options.backlog = listen_backlog;
  options.shared_port = true;
  for (std::size_t index = 0; index < settings_.listeners.size(); ++index) {
    const std::string where = "listener[" + std::to_string(index) + "].address";
    auto first = ListeningSocket::open(settings_.listeners[index].address, options);
    if (!first) {
      problems.push_back({where, first.error()});
      continue;
    }
    const std::string address = first->address();
    listener_addresses_.push_back(address);
    for (std::size_t worker = 1; worker < fleet_->size(); ++worker) {
      auto another = first->another(options);
      if (!another) {
        problems.push_back({where, another.error()});
        break;
      }
      fleet_->at(worker).listen(another->release(), address);
    }
    fleet_->at(0).listen(first->release(), address);
    sockets_.push_back(std::move(*first));
  }
}

void Proxy::Impl::open_admin(const std::string& token, std::vector<Problem>& problems) {
  if (settings_.admin.address.empty()) return;
  proxy::AdminOptions options;
  options.token = token;
  options.render_metrics = options_.render_metrics;
  admin_ = std::make_unique<proxy::AdminServer>(io_, *control_, std::move(options));
  if (auto problem = admin_->listen(settings_.admin.address); !problem.empty()) {
    problems.push_back({"admin.address", problem});
  }
}

void Proxy::Impl::run() {
  io_.run();
  // What was cancelled a moment ago still has to hear of it.
  io_.restart();
  io_.run_for(time_for_last_words);
  if (options_.on_stopped) options_.on_stopped();
  const std::lock_guard lock(mutex_);
  is_running_ = false;
  stopped_.notify_all();
}

void Proxy::Impl::stop() {
  asio::post(io_, [this] {
    if (is_stopping_) return cut();
    is_stopping_ = true;
    begin_lame_duck();
  });
}

void Proxy::Impl::stop_now() {
  asio::post(io_, [this] {
    is_stopping_ = true;
    cut();
  });
}

std::size_t Proxy::Impl::wait() {
  std::unique_lock lock(mutex_);
  stopped_.wait(lock, [&] { return !is_running_; });
  return cut_;
}

/// Balancers in front still send for a while after /readyz fails: accept on (pitfall P22).
void Proxy::Impl::begin_lame_duck() {
  if (settings_.server.lame_duck.count() == 0) return begin_drain();
  spdlog::info("stopping: lame duck for {} ms", settings_.server.lame_duck.count());
  control_->set_readiness({false, "lame duck"});
  timer_.expires_after(settings_.server.lame_duck);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) begin_drain();
  });
}

void Proxy::Impl::begin_drain() {
  spdlog::info("stopping: no new connections; what is in flight has {} ms",
               settings_.server.drain_timeout.count());
  control_->set_readiness({false, "draining"});
  drain_end_ = proxy::Clock::now() + settings_.server.drain_timeout;
  const milliseconds spread = std::min(longest_spread, settings_.server.drain_timeout / 4);
  fleet_->on_all_then(
      [spread](Worker& worker) {
        worker.stop_accepting();
        worker.finish(spread);
      },
      [this] { watch_drain(); });
}

void Proxy::Impl::watch_drain() {
  fleet_->ask_all<std::size_t>([](Worker& worker) { return worker.sessions().size(); },
                               [this](const std::vector<std::size_t>& sessions) {
                                 if (is_ending_) return;
                                 const bool is_drained =
                                     std::all_of(sessions.begin(), sessions.end(),
                                                 [](std::size_t size) { return size == 0; });
                                 if (is_drained) return end();
                                 if (proxy::Clock::now() >= drain_end_) return cut();
                                 timer_.expires_after(proxy::DeadlineWheel::grain);
                                 timer_.async_wait([this](const boost::system::error_code& error) {
                                   if (!error) watch_drain();
                                 });
                               });
}

void Proxy::Impl::cut() {
  if (is_ending_) return;
  timer_.cancel();
  fleet_->ask_all<std::size_t>([](Worker& worker) { return worker.cut_sessions(); },
                               [this](const std::vector<std::size_t>& cut) {
                                 for (const std::size_t count : cut) cut_ += count;
                                 if (cut_ > 0) spdlog::warn("stopping: {} requests cut", cut_);
                                 end();
                               });
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
  if (admin_) admin_->stop();
  sockets_.clear();
  spdlog::info("stopped");
  work_.reset();
  io_.stop();
}

Proxy::Proxy(Settings settings) : Proxy(std::move(settings), Options{}) {}
Proxy::Proxy(Settings settings, Options options)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(options))) {}
Proxy::~Proxy() = default;

std::vector<Problem> Proxy::start() {
  return impl_->start();
}
void Proxy::stop() {
  impl_->stop();
}
void Proxy::stop_now() {
  impl_->stop_now();
}
std::size_t Proxy::wait() {
  return impl_->wait();
}
void Proxy::reopen_logs() {
  impl_->reopen_logs();
}
std::vector<std::string> Proxy::listener_addresses() const {
  return impl_->listener_addresses();
}
std::string Proxy::admin_address() const {
  return impl_->admin_address();
}

}  // namespace sluice
