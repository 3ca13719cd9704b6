#include "proxy/exchange.hpp"

#include <array>

namespace sluice::proxy {
using core::FailureReason;

namespace {

/// Octets that the kernel takes without waiting, but for a backend that reads nothing.
constexpr std::size_t taken_at_once = 8 * 1024;

}  // namespace

/// One try on one backend. Faultless: the answer went to the client as a whole.
Task<Fault> Exchange::attempt() {
  Record& record = request_.record;
  ++record.attempts;
  record.connect_ns = 0;
  attempted_ = LocalPtr<LiveBackend>(static_cast<LiveBackend*>(&ticket_.backend()));
  if (worker_.logs_access()) record.backend.assign(attempted_->address);
  was_sent_ = answer_begun_ = refuses_answer_ = false;
  if (record.attempts == 1) begin_trial();

  connection_ = wants_fresh_ ? nullptr : attempted_->take_idle(!request_.is_idempotent);
  Fault fault;
  if (connection_ == nullptr) {
    fault = co_await connect();
  } else {
    watch_cut();
  }
  if (!fault && attempted_->draining) fault = {Side::proxy, {}, 503, "drained"};
  if (!fault) fault = co_await send();
  if (fault) {
    if (fault.side == Side::backend && !refuses_answer_) {
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
  request_.record.attempted = Clock::now();
  connection_ = std::make_unique<BackendConnection>(
      attempted_, make_stream(worker_.reactor(), worker_.wheel(), worker_.blocks()));
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
  probe_.wait_from(waiting_since_);
  if (request_.body.is_done() && request_.replay.octets().empty()) {
    std::array<iovec, 1> piece{iovec{request_.backend_head.data(), request_.backend_head.size()}};
    const IoError written =
        co_await backend().write(piece, request_.timeouts().backend_idle, sending());
    // Whatever went wrong, the backend may have answered before it broke the connection.
    if (written == IoError::timeout) {
      co_return Fault{Side::backend, FailureReason::idle_timeout, 504, "send_timeout"};
    }
    // Small ones leave at once; the wait for the answer begins when all has left.
    if (request_.backend_head.size() > taken_at_once) waiting_since_ = Clock::now();
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

/// What must not be sent twice leaves before the connection, just looked at, can turn stale.
Sending Exchange::sending() const {
  return request_.is_idempotent ? Sending::with_group : Sending::at_once;
}

Task<void> Exchange::upload() {
  const TimeoutSettings& timeouts = request_.timeouts();
  Relay relay{client_,
              request_.body,
              backend(),
              request_.framing.kind,
              timeouts.body_idle,
              timeouts.backend_idle,
              request_.is_idempotent ? &request_.replay : nullptr,
              worker_.pipes()};
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

/// While a backend works on a whole request, a client that breaks the connection ends the work. One
/// that only finished sending still gets its answer.
void Exchange::watch_client() {
  client_.in().release_if_empty();
  client_.watch({[](void* self) { static_cast<Exchange*>(self)->on_client_news(); }, this});
  on_client_news();
}

void Exchange::on_client_news() {
  if (!client_.is_broken()) return;
  client_left_ = true;
  if (connection_ != nullptr) backend().close();
}

/// The deadline of a drain broke the connection to the backend.
void Exchange::on_cut() {
  end_client();
}

/// Ends an answer that cannot become whole; the client may be slow to take what it has got so far.
void Exchange::end_client() {
  if (!client_answered_ && !sends_interim_) return;
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

}  // namespace sluice::proxy
