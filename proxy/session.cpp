#include "proxy/session.hpp"

#include <algorithm>
#include <array>

#include "core/hop.hpp"

namespace sluice::proxy {
namespace {

constexpr std::chrono::milliseconds linger_time{1000};
constexpr std::size_t linger_octets = 256 * 1024;

}  // namespace

void SessionList::add(Session& session) {
  session.next_ = head_;
  if (head_ != nullptr) head_->previous_ = &session;
  head_ = &session;
  ++size_;
}

void SessionList::remove(Session& session) {
  (session.previous_ != nullptr ? session.previous_->next_ : head_) = session.next_;
  if (session.next_ != nullptr) session.next_->previous_ = session.previous_;
  --size_;
}

void Session::start(Worker& worker, StreamPtr client, const SocketAddress& peer,
                    ListenerTally& listener) {
  auto* session = new Session(worker, std::move(client), peer, listener);
  spawn(session->serve(), [session](std::exception_ptr) { delete session; });
}

Session::Session(Worker& worker, StreamPtr client, const SocketAddress& peer,
                 ListenerTally& listener)
    : worker_(worker), client_(std::move(client)), listener_(listener), client_ip_(peer.ip()) {
  worker_.sessions().add(*this);
  worker_.connections().fetch_add(1, std::memory_order_relaxed);
  ++listener_.accepted;
  if (const auto ip = core::parse_ip(client_ip_)) {
    const auto& trusted = worker_.plan()->plan->topology->trusted_proxies;
    is_trusted_ = std::any_of(trusted.begin(), trusted.end(), [&](const core::Network& network) {
      return core::contains(network, *ip);
    });
  }
}

Session::~Session() {
  become(Phase::none);
  worker_.connections().fetch_sub(1, std::memory_order_relaxed);
  worker_.sessions().remove(*this);
}

bool Session::cut() {
  const bool was_busy = phase_ == Phase::active;
  if (was_busy) {
    client_->close_hard();
  } else {
    client_->close();
  }
  return was_busy;
}

void Session::end_idle(std::chrono::milliseconds wait) {
  if (is_waiting_) client_->rearm_read(std::max(wait, std::chrono::milliseconds(1)));
}

/// The life of a connection.
Task<void> Session::serve() {
  become(Phase::idle);
  while (co_await receive_head()) {
    become(Phase::active);
    const bool goes_on = co_await answer_request();
    conclude();
    if (!goes_on) break;
    become(Phase::idle);
  }
  if (is_awaited_ || reset_on_close_) {
    co_await close_gently();
  } else {
    client_->close();
  }
}

/// Waits for a whole request head. False when the connection is to be closed.
Task<bool> Session::receive_head() {
  // Copies: the plan may change while this waits.
  const TimeoutSettings timeouts = worker_.plan()->plan->topology->settings.timeouts;
  const LimitSettings limits = worker_.plan()->plan->topology->settings.limits;
  octets_sent_before_ = client_->octets_sent();
  const TimePoint waiting_since = is_first_ ? Clock::now() : concluded_;
  while (!begins_request()) {
    is_waiting_ = true;
    auto wait = is_first_ ? timeouts.head : timeouts.keep_alive;
    if (worker_.is_finishing()) wait = linger_time;
    // Empty lines do not begin the wait anew.
    const IoError error = co_await client_->read_until(deadline_of(wait, waiting_since));
    is_waiting_ = false;
    if (error != IoError::none) co_return false;
  }
  is_first_ = false;
  request_ = worker_.requests().take();
  request_->record.started = Clock::now();
  for (;;) {
    const auto found = request_->scan.look(client_->in().view(), limits, true);
    if (found == HeadScan::Found::head) co_return true;
    if (found == HeadScan::Found::refused) {
      const core::Refusal& why = request_->scan.refusal();
      co_await refuse_head({why.status, why.detail, "http_request_error", {}, false});
      co_return false;
    }
    const IoError error =
        co_await client_->read_until(deadline_of(timeouts.head, request_->record.started));
    if (error == IoError::timeout) {
      co_await refuse_head({.status = 408, .detail = "the request head did not come in time"});
      co_return false;
    }
    if (error != IoError::none) {
      worker_.requests().give_back(std::move(request_));
      co_return false;
    }
  }
}

/// A head that does not become whole is answered and counted like a request.
Task<void> Session::refuse_head(OwnAnswer answer) {
  become(Phase::active);
  co_await refuse(answer);
  conclude();
}

/// Whether anything of a request is there. Empty lines before one are skipped (RFC 9112
/// section 2.2).
bool Session::begins_request() {
  while (client_->in().view().starts_with("\r\n")) client_->in().consume(2);
  return !client_->in().is_empty() && client_->in().view() != "\r";
}

/// Serves the request whose head has been received. True when the connection can carry another one.
Task<bool> Session::answer_request() {
  request_->plan = worker_.plan();
  request_->record.generation = request_->plan->plan->generation;
  auto answer = read_request();
  if (!answer) answer = limit_forwards();
  if (!answer) answer = read_route();
  if (answer) co_return co_await refuse(*answer);

  bool goes_on = false;
  {
    Exchange exchange(worker_, {*client_, listener_, request_->out}, *request_);
    exchange.begin();
    prepare_backend_head();
    co_await exchange.forward();
    exchange.conclude();
    goes_on = exchange.keeps_client_open() && client_->is_open();
    reset_on_close_ = reset_on_close_ || exchange.needs_reset();
  }
  request_->record.keeps_open = goes_on;
  is_awaited_ = may_say_more();
  co_return goes_on;
}

/// Whether the client may still send something: closing with octets unread would break off the
/// answer. One that said it was its last request, and sent all of it, has nothing more to say. Some
/// end a body with an empty line that does not belong to it (RFC 9112 section 2.2), hence a look.
bool Session::may_say_more() {
  if (request_->persists || !request_->body.is_done()) return true;
  if (!client_->in().is_empty() || !client_->is_open()) return true;
  const bool is_doubtful = request_->framing.kind != core::BodyKind::none ||
                           !request_->upgrade.empty() || client_->may_have_input();
  return is_doubtful && client_->has_unread();
}

/// Answers in place of a backend. The connection goes on only when it is clear where the next
/// request begins.
Task<bool> Session::refuse(OwnAnswer answer) {
  count_rejected(answer.status);
  Record& record = request_->record;
  const bool goes_on = request_->persists && request_->body.is_done() && !worker_.is_finishing() &&
                       client_->is_open();
  if (goes_on) client_->in().consume(request_->scan.size());
  record.status = answer.status;
  if (record.request_id.empty()) {
    core::make_request_id(record.request_id, worker_.random().next(), worker_.random().next());
  }
  if (record.error.empty()) record.error = answer.detail;
  request_->out.clear();
  write_own_answer(
      request_->out, answer,
      {request_->accepts_json, request_->is_head, !goes_on, record.request_id, worker_.date()});
  std::array<iovec, 1> piece{iovec{request_->out.data(), request_->out.size()}};
  const IoError written = co_await client_->write(piece, linger_time);
  record.keeps_open = goes_on && written == IoError::none;
  co_return record.keeps_open;
}

/// Closes so that the last answer reaches a client that is still sending (RFC 9112 section 9.6).
Task<void> Session::close_gently() {
  if (!client_->is_open()) co_return;
  if (reset_on_close_) {
    // A body that ends with the connection would look complete otherwise.
    client_->close_hard();
    co_return;
  }
  client_->shutdown_send();
  become(Phase::idle);
  std::size_t thrown_away = 0;
  const TimePoint end = Clock::now() + linger_time;
  while (client_->is_open() && thrown_away < linger_octets) {
    thrown_away += client_->in().view().size();
    client_->in().consume(client_->in().view().size());
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) break;
    if (co_await client_->read(left) != IoError::none) break;
  }
}

/// Records the request once, whatever became of it.
void Session::conclude() {
  Record& record = request_->record;
  record.octets_out = client_->octets_sent() - octets_sent_before_;
  concluded_ = Clock::now();
  const std::uint64_t duration = ns_between(record.started, concluded_);
  RoutePoolTally& tally = tally_of_request();
  tally.codes.add(record.status);
  tally.duration.observe(duration);
  if (record.first_head_ns != 0) tally.response_head.observe(record.first_head_ns);
  if (worker_.logs_access()) worker_.log(record, client_ip_, listener_.listener, duration);
  worker_.requests().give_back(std::move(request_));
}

RoutePoolTally& Session::tally_of_request() {
  if (request_->served_by != nullptr) return *request_->served_by;
  static const std::string none;
  const std::string& route = request_->has_route ? request_->live_route().tally->route : none;
  return worker_.tally().route_pool(route, none);
}

void Session::become(Phase phase) {
  if (std::uint64_t* counter = counter_of(phase_)) --*counter;
  phase_ = phase;
  if (std::uint64_t* counter = counter_of(phase_)) ++*counter;
}

std::uint64_t* Session::counter_of(Phase phase) {
  switch (phase) {
    case Phase::none:
      return nullptr;
    case Phase::idle:
      return &listener_.idle;
    case Phase::active:
      return &listener_.active;
  }
  return nullptr;
}

}  // namespace sluice::proxy
