#include "sluice/proxy.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>

#include "proxy/errno_text.hpp"
#include "proxy/proxy_impl.hpp"
#include "proxy/socket_batch.hpp"
#include "proxy/thread_name.hpp"
#include "proxy/thread_slice.hpp"

namespace sluice {
namespace asio = boost::asio;
using proxy::Fleet;
using proxy::Worker;

namespace {

/// Until a running process has given everything that its successor needs to get ready.
constexpr milliseconds longest_hand_over{10'000};

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

std::string in_one_line(const std::vector<Problem>& problems) {
  std::string line;
  for (const Problem& problem : problems) {
    if (!line.empty()) line += "; ";
    line += problem.where.empty() ? problem.what : problem.where + ": " + problem.what;
  }
  return line;
}

/// Threads that are made meanwhile leave signals to those of the embedding program.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t others;
    sigfillset(&others);
    // What a thread does to itself stays visible to whoever watches for it.
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF}) {
      sigdelset(&others, own);
    }
    pthread_sigmask(SIG_BLOCK, &others, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Proxy::Impl::Impl(Settings settings, Options options, asio::io_context* host)
    : settings_(std::move(settings)),
      host_(host),
      render_metrics_(std::move(options.render_metrics)),
      read_settings_(std::move(options.read_settings)),
      settings_text_(std::move(options.settings_text)),
      command_(std::move(options.command)),
      predecessor_(options.predecessor),
      access_log_(settings_.log.access),
      state_(settings_.server.state_dir),
      work_(asio::make_work_guard(io_)),
      timer_(io_),
      notices_(io_, std::move(options.observer)) {}

std::vector<Problem> Proxy::Impl::start() {
  if (is_started_) return {{"", "The proxy was started already."}};
  std::vector<Problem> problems = validate(settings_);
  const SignalsBlocked scope;
  if (predecessor_.is_open()) meet_predecessor(problems);
  if (!problems.empty()) return problems;
  std::string token;
  if (auto problem = read_token(settings_.admin.token_file, token); !problem.empty()) {
    problems.push_back({"admin.token_file", problem});
  }
  open_files(problems);
  fleet_ = std::make_unique<Fleet>(
      io_, worker_count(settings_.server.workers),
      Worker::Shared{access_log_, connections_, notices_.from_any_thread(), batches_calls()},
      host_);
  open_listeners(problems);
  control_ = std::make_unique<proxy::LocalControl>(
      proxy::LocalControl::Parts{
          io_, *fleet_, state_, access_log_, notices_, *listeners_, read_settings_, settings_text_,
          [this](const UpgradeOrder& order, const proxy::Actor& actor, Done<UpgradeStatus> done) {
            upgrade(order, actor, std::move(done));
          },
          [this] { open_door(); }, succession_ ? succession_->state() : nullptr},
      settings_);
  open_admin(token, problems);
  state_.introduce(admin_address_);
  if (problems.empty()) {
    begin();
  } else {
    if (succession_) succession_->refuse(in_one_line(problems));
    give_up();
  }
  return problems;
}

/// Lets the running process send what it hands over, or tells it what stands in the way.
void Proxy::Impl::meet_predecessor(std::vector<Problem>& problems) {
  if (!problems.empty()) {
    return proxy::Succession::decline(std::move(predecessor_), in_one_line(problems));
  }
  auto begun = proxy::Succession::begin(std::move(predecessor_), longest_hand_over);
  if (begun) {
    succession_ = std::move(*begun);
  } else {
    problems.push_back({"", begun.error()});
  }
}

/// Whether the workers use io_uring. That never fails a start: without it they are as able.
bool Proxy::Impl::batches_calls() {
  const IoUring wanted = settings_.server.io_uring;
  if (wanted == IoUring::off) return false;
  const bool must = wanted == IoUring::on;
  if (!proxy::SocketBatch::make()) {
    notices_.log(must ? LogLevel::warn : LogLevel::info,
                 "workers make socket calls one by one: the kernel gives no io_uring (" +
                     proxy::errno_text(errno) + ")");
    return false;
  }
  const bool batches = must || proxy::SocketBatch::pays();
  notices_.log(LogLevel::info, batches ? "workers make socket calls in batches (io_uring)"
                                       : "workers make socket calls one by one, which costs less "
                                         "here than io_uring");
  return batches;
}

void Proxy::Impl::open_files(std::vector<Problem>& problems) {
  if (auto problem = state_.prepare(); !problem.empty()) {
    problems.push_back({"server.state_dir", problem});
  }
  if (auto problem = access_log_.open(); !problem.empty()) {
    problems.push_back({"log.access", problem});
  }
}

void Proxy::Impl::open_listeners(std::vector<Problem>& problems) {
  listeners_ = std::make_unique<proxy::Listeners>(*fleet_);
  if (succession_) {
    auto handed = succession_->take_listeners();
    for (const auto& one : handed) taken_listeners_.push_back(one.configured);
    listeners_->inherit(std::move(handed));
  }
  listeners_->put_in_force(listeners_->prepare(settings_.listeners, problems));
}

void Proxy::Impl::open_admin(const std::string& token, std::vector<Problem>& problems) {
  if (settings_.admin.address.empty()) return;
  proxy::AdminOptions options;
  options.token = token;
  options.render_metrics = render_metrics_;
  options.log = notices_.sink();
  admin_ = std::make_unique<proxy::AdminServer>(io_, *control_, std::move(options));
  auto taken = succession_ ? succession_->take_admin(settings_.admin.address) : std::nullopt;
  is_admin_taken_ = taken.has_value();
  const std::string problem =
      taken ? admin_->adopt(std::move(*taken)) : admin_->listen(settings_.admin.address);
  if (!problem.empty()) problems.push_back({"admin.address", problem});
  admin_address_ = admin_->local_address();
}

/// Closes what was opened for a start that came to nothing.
void Proxy::Impl::give_up() {
  admin_.reset();
  control_.reset();
  listeners_.reset();
  fleet_.reset();
  access_log_.close();
  state_.close();
}

void Proxy::Impl::begin() {
  if (!state_.is_kept()) {
    notices_.log(LogLevel::warn,
                 "server.state_dir is empty: weights, drains and membership changed at run time "
                 "are lost at a restart");
  }
  is_started_ = is_running_ = true;
  fleet_->start();
  control_->start([this] { succession_ ? offer_to_serve() : serve(); });
  thread_ = std::thread([this] {
    proxy::name_thread("sluice-control");
    proxy::take_short_slices();
    run();
  });
}

std::vector<std::string> Proxy::Impl::listener_addresses() const {
  return listeners_ ? listeners_->addresses() : std::vector<std::string>{};
}

Proxy::Proxy(Settings settings) : Proxy(std::move(settings), Options{}) {}
Proxy::Proxy(Settings settings, Options options)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(options), nullptr)) {}
Proxy::Proxy(asio::io_context& io, Settings settings) : Proxy(io, std::move(settings), Options{}) {}
Proxy::Proxy(asio::io_context& io, Settings settings, Options options)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(options), &io)) {}
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
std::string Proxy::failure() const {
  return impl_->failure();
}

}  // namespace sluice
