#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "proxy/proxy_impl.hpp"

/// One process takes the place of another: see Handover for what they say to each other.
namespace sluice {
namespace asio = boost::asio;
using proxy::Handover;
using proxy::HandoverChannel;
using proxy::Worker;

namespace {

/// Idle keep-alive connections are told by an answer if one comes within this time, and closed
/// spread over as much again.
constexpr milliseconds longest_grace{1000};
/// So that whoever asked for the upgrade reads the answer.
constexpr std::chrono::milliseconds time_to_answer{250};

std::string process(std::int64_t pid) {
  return "process " + std::to_string(pid);
}

}  // namespace

std::string Proxy::Impl::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Proxy::Impl::serve() {
  serves_ = true;
  listeners_->accept();
  for (const std::string& address : listeners_->addresses()) {
    notices_.log(LogLevel::info, "serving on " + address);
  }
  // Until the predecessor retires, the door in the folder is its own.
  if (!succession_) open_door();
}

/// Once: what keeps it from opening is told, and is not tried again.
void Proxy::Impl::open_door() {
  if (is_door_tried_ || !serves_ || is_stopping_ || command_.empty()) return;
  if (settings_.server.state_dir.empty() || !control_->decides()) return;
  is_door_tried_ = true;
  door_ = std::make_unique<proxy::HandoverDoor>(io_, [this](proxy::OwnedDescriptor socket) {
    if (const auto obstacle = upgrade_obstacle()) {
      return proxy::Succession::abort(std::move(socket), obstacle->detail);
    }
    notices_.log(LogLevel::info, "a process asks to take over");
    begin_handover(std::move(socket), false, UpgradeOrder{}.patience);
  });
  const std::string problem = door_->open(settings_.server.state_dir);
  if (problem.empty()) return;
  door_.reset();
  // Of a process that is about to go, perhaps; it is told once and tried again.
  is_door_tried_ = false;
  if (problem == std::exchange(door_problem_, problem)) return;
  notices_.log(LogLevel::warn,
               problem + " \"sluice run --take-over\" will not reach this process.");
}

// The side that takes.

void Proxy::Impl::offer_to_serve() {
  proxy::Succession::Callbacks callbacks;
  callbacks.commit = [this](const proxy::HandoverState& last, proxy::OwnedDescriptor lock) {
    if (is_stopping_) return;
    has_committed_ = true;
    decide_in_its_place(last, std::move(lock));
    succession_->say_taken();
  };
  callbacks.go = [this] { serve_in_its_place(true); };
  callbacks.progress = [this](const proxy::HandoverCounts& counts) {
    control_->note_predecessor(succession_->predecessor(), counts);
    // Not before it knows what the predecessor has told whoever asked it.
    open_taken_admin();
    open_door();
  };
  callbacks.gone = [this] {
    if (is_ending_ || (is_stopping_ && !serves_)) return;
    if (!serves_ && !succession_->predecessor_has_ended()) {
      return give_up_succession("it has closed the connection and runs on");
    }
    if (!serves_) {
      notices_.log(LogLevel::warn, process(succession_->predecessor().pid) +
                                       " ended during the hand-over: serving in its place");
      if (!has_committed_) decide_in_its_place(*succession_->state(), {});
      serve_in_its_place(false);
    }
    // Those whom the kernel told the predecessor of, if it was killed before it could accept them.
    fleet_->on_all([](Worker& worker) { worker.look_at_backlogs(); });
    open_taken_admin();
    control_->predecessor_is_gone();
    open_door();
  };
  callbacks.aborted = [this](const std::string& why) { give_up_succession(why); };
  succession_->offer(io_, std::move(callbacks));
}

void Proxy::Impl::decide_in_its_place(const proxy::HandoverState& last,
                                      proxy::OwnedDescriptor lock) {
  control_->note_predecessor(succession_->predecessor(), last.counts);
  control_->take_over(last, has_committed_, std::move(lock));
}

void Proxy::Impl::serve_in_its_place(bool is_asked) {
  if (is_stopping_ || serves_) return;
  listeners_->drop_unwanted();
  listeners_->take_files();
  succession_->drop_admin();
  serve();
  control_->set_readiness({true, ""});
  std::vector<std::string> taken;
  for (const ListenerSettings& listener : settings_.listeners) {
    const bool is_taken = std::find(taken_listeners_.begin(), taken_listeners_.end(),
                                    listener.address) != taken_listeners_.end();
    if (is_taken) taken.push_back(listener.address);
  }
  notices_.log(LogLevel::info, "took over from " + process(succession_->predecessor().pid) +
                                   ", version " + succession_->predecessor().version +
                                   ", with its sockets");
  if (is_asked) succession_->say_serving(taken, is_admin_taken_);
}

void Proxy::Impl::open_taken_admin() {
  if (serves_ && !is_stopping_ && is_admin_taken_ && !std::exchange(is_admin_open_, true))
    admin_->accept();
}

void Proxy::Impl::give_up_succession(const std::string& why) {
  if (is_ending_ || is_stopping_) return;
  notices_.log(LogLevel::error, "the running process does not hand over: " + why);
  {
    const std::lock_guard lock(mutex_);
    failure_ = why;
  }
  is_stopping_ = true;
  listeners_->give_away_files(taken_listeners_);
  // Clients that it has accepted by now are served to the end.
  serves_ ? begin_drain() : cut();
}

// The side that gives.

std::optional<Denial> Proxy::Impl::upgrade_obstacle() const {
  if (is_stopping_) {
    return Denial{409, "The proxy stops", "this process stops already; ask the one after it"};
  }
  if (!serves_) {
    return Denial{409, "Not serving yet", "this process does not serve yet; ask again in a moment"};
  }
  if (handover_) {
    return Denial{409, "An upgrade is under way",
                  "another process is about to take over; wait for how that ends"};
  }
  if (control_->awaits_confirmation()) {
    return Denial{409, "A reload waits for its confirmation",
                  "confirm it (sluice reload confirm) or wait until it goes back, then upgrade"};
  }
  return std::nullopt;
}

void Proxy::Impl::upgrade(const UpgradeOrder& order, const proxy::Actor& actor,
                          Done<UpgradeStatus> done) {
  const auto refuse = [this, done](Denial denial) {
    asio::post(io_, [done, denial = std::move(denial)] { done(denial); });
  };
  if (command_.empty()) {
    return refuse({501, "Nothing to upgrade to",
                   "the program that embeds this proxy has not said how it is started anew"});
  }
  if (auto obstacle = upgrade_obstacle()) return refuse(std::move(*obstacle));
  std::vector<std::string> command = command_;
  if (!order.binary.empty()) command.front() = order.binary;
  auto started = proxy::Successor::start(io_, command);
  if (!started) {
    notices_.log(LogLevel::error, "upgrade: " + started.error());
    return refuse({502, "The successor does not start", started.error()});
  }
  successor_ = std::move(*started);
  upgrade_done_ = std::move(done);
  notices_.audit({"upgrade", "process", actor.who, actor.from, process(::getpid()),
                  process(successor_->pid()) + " (" + command.front() + ")"});
  begin_handover(successor_->take_socket(), true, order.patience);
  successor_->watch([this](const std::string& how) {
    if (handover_ && !handover_->is_served()) handover_->ended(how);
  });
}

void Proxy::Impl::begin_handover(proxy::OwnedDescriptor socket, bool is_child,
                                 milliseconds patience) {
  HandoverChannel channel(std::move(socket));
  const auto peer = channel.peer();
  if (!is_child && !(peer && (peer->user == ::geteuid() || peer->user == 0))) {
    notices_.log(LogLevel::warn, "a process of another user asks to take over: refused");
    return;
  }
  Handover::Callbacks callbacks;
  callbacks.failed = [this](const std::string& why) { handover_failed(why); };
  callbacks.served = [this](const Handover::Served& served) { retire(served); };
  handover_ =
      std::make_shared<Handover>(Handover::Parts{io_, *fleet_, *listeners_, *control_, admin_.get(),
                                                 settings_.admin.address, is_child},
                                 std::move(channel), std::move(callbacks));
  control_->note_handover(true);
  handover_->start(patience);
}

void Proxy::Impl::handover_failed(const std::string& why) {
  const std::string outcome = why + (is_stopping_ ? "" : "; this process goes on");
  notices_.log(LogLevel::error, "upgrade: the new process does not serve: " + outcome);
  if (successor_) successor_->kill();
  handover_.reset();
  control_->note_handover(false);
  if (!upgrade_done_) return;
  asio::post(io_, [done = std::exchange(upgrade_done_, nullptr), outcome] {
    done(Denial{502, "The successor does not serve", outcome});
  });
}

/// The successor serves: what is left here is finished.
void Proxy::Impl::retire(const Handover::Served& served) {
  is_stopping_ = true;
  timer_.cancel();
  door_.reset();
  control_->retire();
  listeners_->give_away_files(served.listeners);
  if (served.admin && admin_) admin_->retire();
  handover_->report(false, [] {});
  const milliseconds drain_timeout = control_->settings().server.drain_timeout;
  notices_.log(LogLevel::info, process(served.status.pid) + ", version " + served.status.version +
                                   ", serves: what is in flight here has " +
                                   std::to_string(drain_timeout.count()) + " ms");
  UpgradeStatus status = served.status;
  status.connections = connections_.load();
  if (upgrade_done_) {
    asio::post(io_, [done = std::exchange(upgrade_done_, nullptr), status] { done(status); });
  }
  const proxy::TimePoint now = proxy::Clock::now();
  drain_end_ = now + drain_timeout;
  earliest_end_ = now + time_to_answer;
  std::vector<std::string> names;
  for (const auto& listener : listeners_->open_listeners()) {
    const bool is_taken = std::find(served.listeners.begin(), served.listeners.end(),
                                    listener.configured) != served.listeners.end();
    if (is_taken) names.push_back(listener.address);
  }
  const milliseconds grace = std::min(longest_grace, drain_timeout / 4);
  fleet_->on_all_then(
      [names, grace](Worker& worker) {
        worker.leave_listening(names);
        worker.stop_accepting();
        worker.finish(grace, grace);
      },
      [this] { watch_drain(); });
}

}  // namespace sluice
