#include "proxy/exchange.hpp"

#include <algorithm>
#include <array>

namespace sluice::proxy {
using core::FailureReason;

namespace {

std::uint64_t ns_between(TimePoint from, TimePoint to) {
  return to > from ? static_cast<std::uint64_t>((to - from).count()) : 0;
}

}  // namespace

/// One try on one backend. Faultless: the answer went to the client as a whole.
Task<Fault> Exchange::attempt() {
  Record& record = request_.record;
  ++record.attempts;
  record.attempted = Clock::now();
  attempted_ = LocalPtr<LiveBackend>(static_cast<LiveBackend*>(&ticket_.backend()));
  record.backend.assign(attempted_->address);
  was_sent_ = answer_begun_ = false;

  connection_ = wants_fresh_ ? nullptr : attempted_->take_idle();
  Fault fault;
  if (connection_ == nullptr) {
    fault = co_await connect();
  } else {
    watch_cut();
  }
  if (!fault && attempted_->draining) fault = {Side::proxy, {}, 503, "drained"};
  if (!fault) fault = co_await send();
  if (fault) {
    if (fault.side == Side::backend) {
      ticket_.fail(fault.reason);
    } else {
      ticket_.finish();
    }
    co_return fault;
  }
  ticket_.finish();
  if (connection_ != nullptr) attempted_->give_idle(std::move(connection_));
  co_return Fault{};
}

void Exchange::watch_cut() {
  connection_->on_cut({[](void* self) { static_cast<Exchange*>(self)->on_cut(); }, this});
}

Task<Fault> Exchange::connect() {
  if (attempted_->addresses.empty()) {
    co_return Fault{Side::backend, FailureReason::name_unresolved, 502, "name_unresolved"};
  }
  connection_ = std::make_unique<BackendConnection>(
      attempted_, make_stream(worker_.io(), worker_.wheel(), worker_.blocks()));
  watch_cut();
  const SocketAddress address = attempted_->next_address();
  const IoError error = co_await backend().connect(address, request_.timeouts().connect);
  request_.record.connect_ns = ns_between(request_.record.attempted, Clock::now());
  switch (error) {
    case IoError::none:
      co_return Fault{};
    case IoError::refused:
      co_return Fault{Side::backend, FailureReason::connect_refused, 502, "connect_refused"};
    case IoError::timeout:
      co_return Fault{Side::backend, FailureReason::connect_timeout, 504, "connect_timeout"};
    case IoError::interrupted:
      if (attempted_->draining) co_return Fault{Side::proxy, {}, 503, "drained"};
      [[fallthrough]];
    default:
      co_return Fault{Side::backend, FailureReason::connect_failed, 502, "connect_failed"};
  }
}

/// Sends the request and brings back the answer, both at the same time.
Task<Fault> Exchange::send() {
  connection_->mark_sent();
  was_sent_ = true;
  awaits_head_ = true;
  upload_end_ = RelayEnd::complete;
  request_.record.sent = waiting_since_ = Clock::now();
  if (request_.body.is_done() && request_.replay.octets().empty()) {
    std::array<iovec, 1> piece{iovec{request_.backend_head.data(), request_.backend_head.size()}};
    const IoError written = co_await backend().write(piece, request_.timeouts().backend_idle);
    // Whatever went wrong, the backend may have answered before it broke the connection.
    if (written == IoError::timeout) {
      co_return Fault{Side::backend, FailureReason::idle_timeout, 504, "send_timeout"};
    }
    watch_client();
  } else {
    upload_.start(upload());
  }
  Fault fault = co_await receive_answer();
  if (upload_.is_running()) {
    // The answer is over or failed before the request was whole: the rest has nobody to go to.
    keeps_open_ = false;
    client_.watch({});
    client_.interrupt_read();
    backend().close();
    co_await upload_.join();
  }
  client_.watch({});
  if (fault && upload_end_ != RelayEnd::complete) {
    const Fault sending = fault_of_upload();
    if (sending.side == Side::client) fault = sending;
  }
  if (fault && total_passed_) fault = fault_of_total();
  if (fault && connection_->is_cut()) fault = {Side::proxy, {}, 503, "cut"};
  if (fault && client_left_) fault = {Side::client, {}, 499, "client_left"};
  co_return fault;
}

Task<void> Exchange::upload() {
  const TimeoutSettings& timeouts = request_.timeouts();
  Relay relay{client_,
              request_.body,
              backend(),
              request_.framing.kind,
              timeouts.body_idle,
              timeouts.backend_idle,
              request_.is_idempotent ? &request_.replay : nullptr};
  std::string again;
  std::string_view head = request_.backend_head;
  if (!request_.replay.octets().empty()) {
    again.append(request_.backend_head).append(request_.replay.octets());
    head = again;
  }
  upload_end_ = co_await relay_body(relay, head);
  request_.record.octets_in = request_.body.octets();
  switch (upload_end_) {
    case RelayEnd::complete:
      if (awaits_head_) {
        watch_client();
        waiting_since_ = Clock::now();
        backend().rearm_read(timeouts.first_byte);
      }
      break;
    case RelayEnd::sink_broken:
      // The backend may have answered before it closed: the reader finds out.
      break;
    default:
      backend().close();
  }
}

Fault Exchange::fault_of_upload() const {
  switch (upload_end_) {
    case RelayEnd::source_cut:
      return {Side::client, {}, 499, "client_left"};
    case RelayEnd::source_stalled:
      return {Side::client, {}, 408, "the request body stalled"};
    case RelayEnd::source_bad:
      return {Side::client, {}, 400, "the chunked coding of the request is malformed"};
    case RelayEnd::too_large:
      return {Side::client, {}, 413, "the request body is larger than allowed"};
    default:
      return {Side::backend, FailureReason::reset, 502, "reset"};
  }
}

/// While a backend works on a whole request, the client is listened to: its next request is
/// received, and a client that breaks the connection ends the work. One that only finished sending
/// still gets its answer.
void Exchange::watch_client() {
  if (!client_.in().is_empty() || client_.has_read_result()) return;
  client_.watch({[](void* self) { static_cast<Exchange*>(self)->on_client_read(); }, this});
  client_.start_read();
}

void Exchange::on_client_read() {
  const IoError result = client_.read_result();
  if (result != IoError::reset && result != IoError::failed) return;
  client_left_ = true;
  if (connection_ != nullptr) backend().close();
}

/// The deadline of a drain broke the connection to the backend.
void Exchange::on_cut() {
  end_client();
}

/// Ends an answer that cannot become whole; the client may be slow to take what it has got so far.
void Exchange::end_client() {
  if (!client_answered_) return;
  if (ends_with_connection_) {
    client_.close_hard();
  } else {
    client_.close();
  }
}

Fault Exchange::fault_of_total() const {
  const auto reason =
      awaits_head_ ? FailureReason::first_byte_timeout : FailureReason::idle_timeout;
  return {Side::backend, reason, 504, "total_timeout"};
}

void Exchange::on_total_deadline() {
  total_passed_ = true;
  if (connection_ != nullptr) backend().close();
  end_client();
  if (upload_.is_running()) client_.interrupt_read();
}

Fault Exchange::fault_of_read(IoError error) const {
  switch (error) {
    case IoError::timeout:
      return {Side::backend, FailureReason::first_byte_timeout, 504, "first_byte_timeout"};
    default:
      return {Side::backend, FailureReason::reset, 502, "reset"};
  }
}

Task<Fault> Exchange::receive_head(core::ResponseHead& head) {
  scan_.reset();
  Stream& stream = backend();
  LimitSettings limits;
  limits.head = max_answer_head;
  for (;;) {
    if (!stream.in().is_empty()) {
      const auto found = scan_.look(stream.in().view(), limits, false);
      if (found == HeadScan::Found::head) break;
      if (found == HeadScan::Found::refused) {
        co_return Fault{Side::backend, FailureReason::bad_response, 502, "bad_response"};
      }
    }
    const IoError error = co_await stream.read(time_left_for_head());
    if (error != IoError::none) co_return fault_of_read(error);
    answer_begun_ = true;
  }
  const std::string_view raw = stream.in().view().substr(0, scan_.size());
  if (parse_response_head(raw, head)) {
    co_return Fault{Side::backend, FailureReason::bad_response, 502, "bad_response"};
  }
  co_return Fault{};
}

/// The first byte deadline runs from the moment the request was sent as a whole until the response
/// head is there as a whole. Zero: no deadline.
std::chrono::milliseconds Exchange::time_left_for_head() const {
  const auto allowed = request_.timeouts().first_byte;
  if (upload_.is_running() || allowed.count() == 0) return std::chrono::milliseconds(0);
  const auto passed =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - waiting_since_);
  return std::max(allowed - passed, std::chrono::milliseconds(1));
}

Task<Fault> Exchange::receive_answer() {
  core::ResponseHead& head = request_.answer;
  for (;;) {
    const Fault fault = co_await receive_head(head);
    if (fault) co_return fault;
    if (head.status >= 200) break;
    if (!core::frame_response(head, false)) {
      co_return Fault{Side::backend, FailureReason::bad_response, 502, "bad_response"};
    }
    if (head.status == 101) co_return co_await tunnel(head);
    if (request_.minor >= 1) {
      out_.clear();
      core::write_response_head(out_, head, {}, {});
      std::array<iovec, 1> piece{iovec{out_.data(), out_.size()}};
      const IoError written = co_await client_.write(piece, request_.timeouts().body_idle);
      if (written != IoError::none) {
        client_left_ = true;
        co_return Fault{Side::client, {}, 499, "client_left"};
      }
    }
    backend().in().consume(scan_.size());
    waiting_since_ = Clock::now();
  }
  awaits_head_ = false;
  Record& record = request_.record;
  record.head_ns = ns_between(record.sent, Clock::now());
  if (record.attempts == 1) record.first_head_ns = record.head_ns;
  co_return co_await relay_answer(head);
}

Task<Fault> Exchange::relay_answer(core::ResponseHead& head) {
  const auto framing = core::frame_response(head, request_.is_head);
  if (!framing) {
    co_return Fault{Side::backend, FailureReason::bad_response, 502, framing.error().detail};
  }
  const core::ConnectionOptions options = core::connection_options(head.fields);
  const bool backend_persists =
      core::persists(head.minor, options) && framing->kind != core::BodyKind::until_close;
  const core::BodyFraming towards_client = core::client_framing(*framing, request_.minor);
  const bool sent_all = is_request_sent();
  keeps_open_ = request_.persists && sent_all && !worker_.is_finishing() &&
                towards_client.kind != core::BodyKind::until_close;

  core::ResponseAdditions additions;
  additions.client_minor = request_.minor;
  additions.close = !keeps_open_;
  additions.keep_alive = keeps_open_ && request_.minor == 0;
  additions.to_head = request_.is_head;
  additions.set_cookie = request_.set_cookie;
  additions.request_id = request_.record.request_id;
  additions.date = worker_.date();
  out_.clear();
  core::write_response_head(out_, head, towards_client, additions);
  request_.record.status = head.status;
  backend().in().consume(scan_.size());
  client_answered_ = true;

  ends_with_connection_ = towards_client.kind == core::BodyKind::until_close;
  answer_body_.start(*framing, 0);
  const TimeoutSettings& timeouts = request_.timeouts();
  Relay relay{backend(),           answer_body_,          client_,
              towards_client.kind, timeouts.backend_idle, timeouts.body_idle};
  const RelayEnd end = co_await relay_body(relay, out_);
  if (end != RelayEnd::complete) {
    keeps_open_ = false;
    co_return fault_of_relay(end);
  }
  if (!backend_persists || !is_request_sent()) backend().close();
  co_return Fault{};
}

bool Exchange::is_request_sent() const {
  return request_.body.is_done() && !upload_.is_running() && upload_end_ == RelayEnd::complete;
}

Fault Exchange::fault_of_relay(RelayEnd end) const {
  switch (end) {
    case RelayEnd::source_stalled:
      return {Side::backend, FailureReason::idle_timeout, 504, "idle_timeout"};
    case RelayEnd::source_bad:
      return {Side::backend, FailureReason::bad_response, 502, "bad_response"};
    case RelayEnd::sink_broken:
      return {Side::client, {}, 499, "client_left"};
    case RelayEnd::sink_stalled:
      return {Side::client, {}, 408, "client_stalled"};
    default:
      return {Side::backend, FailureReason::reset, 502, "reset"};
  }
}

/// Octets both ways until both sides have finished (RFC 9110 section 7.8).
Task<Fault> Exchange::tunnel(core::ResponseHead& head) {
  if (request_.upgrade.empty() || !request_.body.is_done()) {
    co_return Fault{Side::backend, FailureReason::bad_response, 502, "unasked_upgrade"};
  }
  awaits_head_ = false;
  client_.watch({});
  core::ResponseAdditions additions;
  additions.upgrade = request_.upgrade;
  additions.set_cookie = request_.set_cookie;
  additions.request_id = request_.record.request_id;
  out_.clear();
  core::write_response_head(out_, head, {}, additions);
  request_.record.status = 101;
  backend().in().consume(scan_.size());
  client_answered_ = is_tunnel_ = true;
  total_.disarm();
  ticket_.upgrade();
  std::array<iovec, 1> piece{iovec{out_.data(), out_.size()}};
  const IoError written = co_await client_.write(piece, request_.timeouts().body_idle);
  if (written != IoError::none) co_return Fault{Side::client, {}, 499, "client_left"};
  co_return co_await relay_tunnel();
}

Task<Fault> Exchange::relay_tunnel() {
  --listener_.active;
  ++listener_.upgraded;
  TunnelPulse pulse{request_.timeouts().tunnel_idle, coarse_now()};
  std::uint64_t octets_out = 0;
  upload_.start(relay_tunnel_upload(pulse));
  const RelayEnd end = co_await relay_octets(backend(), client_, pulse, octets_out);
  if (end != RelayEnd::complete) {
    client_.close();
    backend().close();
  }
  co_await upload_.join();
  backend().close();
  ++listener_.active;
  --listener_.upgraded;
  co_return Fault{};
}

Task<void> Exchange::relay_tunnel_upload(TunnelPulse& pulse) {
  const RelayEnd end = co_await relay_octets(client_, backend(), pulse, request_.record.octets_in);
  if (end != RelayEnd::complete) {
    client_.close();
    backend().close();
  }
}

}  // namespace sluice::proxy
