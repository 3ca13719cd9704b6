#include "proxy/succession.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <exception>
#include <utility>

#include "proxy/deadline.hpp"
#include "sluice/version.hpp"

namespace sluice::proxy {
namespace json = boost::json;

namespace {

constexpr milliseconds time_to_refuse{1000};
/// Between the end of a process's connections and of itself.
constexpr milliseconds time_to_exit{500};

/// Waits until the descriptor can be read or written. False when the time is over.
bool wait_for(int descriptor, short events, TimePoint end) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd entry{descriptor, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool send_all(HandoverChannel& channel, TimePoint end) {
  while (channel.send_some() && channel.has_unsent()) {
    if (!wait_for(channel.descriptor(), POLLOUT, end)) return false;
  }
  return channel.why().empty();
}

void say_last(OwnedDescriptor socket, const std::string& type, const std::string& why) {
  HandoverChannel channel(std::move(socket));
  channel.put({type, json::object{{"why", why}}});
  send_all(channel, Clock::now() + time_to_refuse);
}

}  // namespace

Succession::Succession(HandoverChannel channel) : channel_(std::move(channel)) {}

core::Result<std::shared_ptr<Succession>, std::string> Succession::begin(OwnedDescriptor socket,
                                                                         milliseconds patience) {
  std::shared_ptr<Succession> succession(new Succession(HandoverChannel(std::move(socket))));
  const auto peer = succession->channel_->peer();
  if (!peer || (peer->user != ::geteuid() && peer->user != 0)) {
    return std::string(
        "the process that offers to hand over belongs to another user; it is not trusted");
  }
  // Of another pid namespace it cannot be named, and its end is not seen.
  if (peer->process > 0) {
    succession->ended_ =
        OwnedDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, peer->process, 0)));
  }
  const std::string problem = succession->receive_all(patience);
  if (!problem.empty()) {
    succession->refuse(problem);
    return "the hand-over from the running process failed: " + problem;
  }
  return succession;
}

void Succession::decline(OwnedDescriptor socket, const std::string& why) {
  say_last(std::move(socket), "failed", why);
}

void Succession::abort(OwnedDescriptor socket, const std::string& why) {
  say_last(std::move(socket), "abort", why);
}

/// "" or what went wrong.
std::string Succession::receive_all(milliseconds patience) {
  const TimePoint end = Clock::now() + patience;
  channel_->put({"hello", json::object{{"protocol", handover_protocol},
                                       {"pid", ::getpid()},
                                       {"takes_lock", true},
                                       {"version", std::string(version)}}});
  if (!send_all(*channel_, end)) return channel_->why();
  while (!state_) {
    const bool goes_on = channel_->receive_some();
    while (auto message = channel_->take()) {
      std::string problem = take(std::move(*message));
      if (!problem.empty()) return problem;
      if (state_) return {};
    }
    if (!goes_on || !channel_->why().empty()) return channel_->why();
    if (!wait_for(channel_->descriptor(), POLLIN, end)) return "it does not answer";
  }
  return {};
}

std::string Succession::take(HandoverMessage message) try {
  if (message.type == "abort") return json::value_to<std::string>(message.body.at("why"));
  if (message.type == "sockets") return add_sockets(message);
  if (message.type != "state") return "it said \"" + message.type + "\" out of turn";
  auto state = read_handover(message.body);
  if (!state) return "its state cannot be read: " + state.error();
  predecessor_.version = json::value_to<std::string>(message.body.at("version"));
  predecessor_.pid = json::value_to<std::int64_t>(message.body.at("pid"));
  state_ = std::make_shared<const HandoverState>(std::move(*state));
  return {};
} catch (const std::exception& problem) {
  return "it sent \"" + message.type + "\" that cannot be read: " + problem.what();
}

std::string Succession::add_sockets(HandoverMessage& message) {
  const json::array& names = message.body.at("sockets").as_array();
  if (names.size() != message.descriptors.size()) return "sockets are missing";
  for (std::size_t index = 0; index < names.size(); ++index) {
    auto socket = ListeningSocket::adopt(std::move(message.descriptors[index]));
    if (!socket) return socket.error();
    const auto configured = json::value_to<std::string>(names[index].at("configured"));
    if (names[index].at("kind") == "admin") {
      admin_configured_ = configured;
      admin_ = std::move(*socket);
      continue;
    }
    auto known = std::find_if(
        listeners_.begin(), listeners_.end(),
        [&](const Listeners::Handed& handed) { return handed.configured == configured; });
    if (known == listeners_.end()) known = listeners_.insert(known, {configured, {}});
    known->sockets.push_back(std::move(*socket));
  }
  return {};
}

std::optional<ListeningSocket> Succession::take_admin(const std::string& configured) {
  if (admin_configured_ != configured) return std::nullopt;
  return std::exchange(admin_, std::nullopt);
}

void Succession::refuse(const std::string& why) {
  if (!channel_) return;
  channel_->put({"failed", json::object{{"why", why}}});
  send_all(*channel_, Clock::now() + time_to_refuse);
}

void Succession::offer(boost::asio::io_context& io, Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  link_ = std::make_shared<HandoverLink>(io, std::move(*channel_));
  channel_.reset();
  link_->put({"ready"});
  link_->start([this](HandoverMessage message) { on_message(std::move(message)); },
               [this](const std::string&) {
                 if (!has_given_up_) callbacks_.gone();
               });
}

bool Succession::predecessor_has_ended() const {
  // Where its end cannot be seen: one that goes on has said so before it closed.
  return !ended_.is_open() || wait_for(ended_.get(), POLLIN, Clock::now() + time_to_exit);
}

void Succession::withdraw(const std::string& why) {
  if (!link_) return refuse(why);
  link_->put({"failed", json::object{{"why", why}}});
  link_->close_behind();
}

void Succession::say_taken() {
  link_->put({"taken"});
}

void Succession::say_serving(const std::vector<std::string>& listeners, bool admin) {
  link_->put(
      {"serving", json::object{{"listeners", json::value_from(listeners)}, {"admin", admin}}});
}

void Succession::on_message(HandoverMessage message) {
  if (message.type == "commit") {
    auto state = read_handover(message.body);
    OwnedDescriptor lock;
    if (!message.descriptors.empty()) lock = std::move(message.descriptors.front());
    if (state) return callbacks_.commit(std::move(*state), std::move(lock));
    link_->put(
        {"failed", json::object{{"why", "its last state cannot be read: " + state.error()}}});
  } else if (message.type == "go") {
    callbacks_.go();
  } else if (message.type == "progress") {
    const auto counts = read_counts(message.body);
    if (counts) callbacks_.progress(*counts);
  } else if (message.type == "abort") {
    has_given_up_ = true;
    const json::value* why = message.body.as_object().if_contains("why");
    callbacks_.aborted(why != nullptr && why->is_string() ? std::string(why->get_string())
                                                          : "it gave no reason");
  }
}

}  // namespace sluice::proxy
