#include "proxy/handover.hpp"

#include <unistd.h>

#include <boost/json.hpp>
#include <exception>
#include <map>
#include <utility>

#include "proxy/admin_server.hpp"
#include "proxy/listeners.hpp"
#include "proxy/local_control.hpp"
#include "sluice/version.hpp"

namespace sluice::proxy {
namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds report_interval{200};
constexpr std::chrono::milliseconds time_to_end{1000};

/// One message with sockets, as long as it may become.
struct SocketParcel {
  json::array names;
  std::vector<OwnedDescriptor> descriptors;

  void add(const std::string& kind, const std::string& configured, OwnedDescriptor socket) {
    names.push_back({{"kind", kind}, {"configured", configured}});
    descriptors.push_back(std::move(socket));
  }
  bool is_full() const { return descriptors.size() == HandoverChannel::most_descriptors; }
  HandoverMessage take() {
    HandoverMessage message{"sockets", json::object{{"sockets", std::move(names)}},
                            std::move(descriptors)};
    names = {};
    descriptors.clear();
    return message;
  }
};

}  // namespace

Handover::Handover(Parts parts, HandoverChannel channel, Callbacks callbacks)
    : parts_(std::move(parts)),
      link_(std::make_shared<HandoverLink>(parts_.io, std::move(channel))),
      callbacks_(std::move(callbacks)),
      timer_(parts_.io) {}

void Handover::start(milliseconds patience) {
  // The link holds on to it as long as it is open.
  link_->start([self = shared_from_this()](
                   HandoverMessage message) { self->on_message(std::move(message)); },
               [self = shared_from_this()](const std::string& why) { self->on_lost(why); });
  timer_.expires_after(patience);
  timer_.async_wait([self = shared_from_this(), patience](const boost::system::error_code& error) {
    if (!error) {
      self->fail("it did not serve within " + std::to_string(patience.count()) + " ms");
    }
  });
}

/// Why the successor has closed the connection shows when it has ended.
void Handover::on_lost(const std::string& why) {
  if (!parts_.is_child || is_served()) return fail(why);
  timer_.expires_after(time_to_end);
  timer_.async_wait([self = shared_from_this(), why](const boost::system::error_code& error) {
    if (!error) self->fail(why);
  });
}

void Handover::ended(const std::string& how) {
  // Its last words say more, but whatever it promised is void.
  has_ended_ = true;
  const auto self = shared_from_this();
  link_->take_what_came();
  fail(how);
}

void Handover::fail(const std::string& why) {
  if (stage_ == Stage::served || stage_ == Stage::over) return;
  const auto self = shared_from_this();
  const bool was_frozen = stage_ >= Stage::freezing;
  stage_ = Stage::over;
  timer_.cancel();
  link_->put({"abort", json::object{{"why", why}}});
  link_->close_behind();
  // First: what it holds has to be free for this process.
  callbacks_.failed(why);
  if (was_frozen) parts_.control.thaw();
}

void Handover::close() {
  if (stage_ != Stage::served) stage_ = Stage::over;
  timer_.cancel();
  link_->close();
}

void Handover::on_message(HandoverMessage message) try {
  const std::string& type = message.type;
  if (type != "failed" && has_ended_) return;
  if (type == "failed") return fail(json::value_to<std::string>(message.body.at("why")));
  if (type == "hello" && stage_ == Stage::greeting) return on_hello(message.body);
  if (type == "ready" && stage_ == Stage::preparing) return commit();
  if (type == "taken" && stage_ == Stage::committed) {
    stage_ = Stage::going;
    parts_.control.note_taken();
    return link_->put({"go"});
  }
  if (type == "serving" && stage_ == Stage::going) return on_serving(message.body);
  fail("it said \"" + type + "\" out of turn");
} catch (const std::exception& problem) {
  fail("it sent \"" + message.type + "\" that cannot be read: " + problem.what());
}

void Handover::on_hello(const json::value& body) {
  const auto protocol = json::value_to<unsigned>(body.at("protocol"));
  if (protocol != handover_protocol) {
    return fail("it speaks protocol " + std::to_string(protocol) +
                " of the hand-over, this process " + std::to_string(handover_protocol) +
                "; restart instead");
  }
  successor_.pid = json::value_to<std::int64_t>(body.at("pid"));
  successor_.version = json::value_to<std::string>(body.at("version"));
  const json::value* takes_lock = body.as_object().if_contains("takes_lock");
  takes_lock_ = takes_lock != nullptr && takes_lock->as_bool();
  stage_ = Stage::preparing;
  give_sockets();
}

void Handover::give_sockets() {
  using Shared = std::vector<std::pair<std::string, OwnedDescriptor>>;
  parts_.fleet.ask_all<Shared>([](Worker& worker) { return worker.share_listening(); },
                               [self = shared_from_this()](std::vector<Shared> shared) {
                                 if (self->stage_ != Stage::preparing) return;
                                 if (self->put_sockets(std::move(shared)))
                                   return self->give_state();
                                 self->fail(
                                     "not all sockets can be given: this process may open no "
                                     "more files");
                               });
}

bool Handover::put_sockets(
    std::vector<std::vector<std::pair<std::string, OwnedDescriptor>>> shared) {
  std::map<std::string, std::string> configured;
  for (const auto& listener : parts_.listeners.open_listeners()) {
    configured[listener.address] = listener.configured;
  }
  SocketParcel parcel;
  const auto add = [&](const std::string& kind, const std::string& name, OwnedDescriptor socket) {
    parcel.add(kind, name, std::move(socket));
    if (parcel.is_full()) link_->put(parcel.take());
  };
  for (auto& of_worker : shared) {
    for (auto& [name, socket] : of_worker) {
      const auto known = configured.find(name);
      if (!socket.is_open()) return false;
      if (known != configured.end()) add("listener", known->second, std::move(socket));
    }
  }
  OwnedDescriptor admin = parts_.admin != nullptr ? parts_.admin->share() : OwnedDescriptor();
  if (admin.is_open()) add("admin", parts_.admin_configured, std::move(admin));
  if (!parcel.descriptors.empty()) link_->put(parcel.take());
  return true;
}

void Handover::give_state() {
  parts_.control.handover_state([self = shared_from_this()](const HandoverState& state) {
    if (self->stage_ != Stage::preparing) return;
    json::value body = to_json(state);
    body.as_object()["version"] = version;
    body.as_object()["pid"] = ::getpid();
    self->link_->put({"state", std::move(body)});
  });
}

/// From here on nothing is decided in this process, unless the hand-over fails.
void Handover::commit() {
  stage_ = Stage::freezing;
  const std::string name = "process " + std::to_string(successor_.pid);
  parts_.control.freeze(name, takes_lock_, [self = shared_from_this()] {
    if (self->stage_ != Stage::freezing) return;
    self->parts_.control.handover_state([self](const HandoverState& state) {
      if (self->stage_ != Stage::freezing) return;
      self->stage_ = Stage::committed;
      std::vector<OwnedDescriptor> lock;
      lock.push_back(self->parts_.control.pass_on_lock());
      if (!lock.front().is_open()) lock.clear();
      self->link_->put({"commit", to_json(state), std::move(lock)});
    });
  });
}

void Handover::on_serving(const json::value& body) {
  Served served;
  served.listeners = json::value_to<std::vector<std::string>>(body.at("listeners"));
  served.admin = json::value_to<bool>(body.at("admin"));
  served.status = successor_;
  stage_ = Stage::served;
  timer_.cancel();
  callbacks_.served(served);
}

void Handover::report(bool is_last, std::function<void()> then) {
  const TimePoint now = Clock::now();
  const bool is_due = is_last || (!is_reporting_ && now >= next_report_);
  if (!link_->is_open() || !is_due) return then();
  next_report_ = now + report_interval;
  is_reporting_ = true;
  parts_.control.counts([self = shared_from_this(), is_last, then](const HandoverCounts& counts) {
    self->is_reporting_ = false;
    self->link_->put({"progress", to_json(counts)});
    if (is_last) return self->link_->when_sent(then);
    then();
  });
}

}  // namespace sluice::proxy
