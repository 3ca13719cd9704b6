#include <algorithm>
#include <array>
#include <utility>

#include "proxy/exchange.hpp"
#include "proxy/prefetch.hpp"

/// From the first octet of an answer to its last.
namespace sluice::proxy {
using core::FailureReason;

namespace {

constexpr Fault bad_response{Side::backend, FailureReason::bad_response, 502, "bad_response"};

}  // namespace

Fault Exchange::fault_of_read(IoError error) const {
  switch (error) {
    case IoError::timeout:
      return {Side::backend, FailureReason::first_byte_timeout, 504, "first_byte_timeout"};
    default:
      return {Side::backend, FailureReason::reset, 502, "reset"};
  }
}

/// Looks for a whole head in what has come, and cuts it.
HeadScan::Found Exchange::look_for_head(core::ResponseHead& head) {
  const std::string_view received = backend().in().view();
  if (received.empty()) return HeadScan::Found::more;
  if (!std::exchange(head_has_begun_, true)) head_begun_ = Clock::now();
  LimitSettings limits;
  limits.head = max_answer_head;
  const auto found = scan_.look(received, limits, false);
  if (found != HeadScan::Found::head) return found;
  const bool is_bad = parse_response_head(received.substr(0, scan_.size()), head).has_value();
  return is_bad ? HeadScan::Found::refused : found;
}

/// The first byte deadline runs from the moment the request was sent as a whole until the response
/// head is there as a whole. Zero: no deadline.
TimePoint Exchange::deadline_for_head() const {
  if (upload_.is_running()) return no_deadline;
  return deadline_of(request_.timeouts().first_byte, waiting_since_);
}

/// Brings back one answer, with the interim ones before it (RFC 9110 section 15.2).
Task<Fault> Exchange::receive_answer() {
  core::ResponseHead& head = request_.answer;
  scan_.reset();
  head_has_begun_ = false;
  for (;;) {
    const auto found = look_for_head(head);
    if (found == HeadScan::Found::more) {
      const IoError error =
          co_await backend().read_until(deadline_for_head(), BlockPool::large_block);
      if (error != IoError::none) co_return fault_of_read(error);
      answer_begun_ = true;
      continue;
    }
    if (found == HeadScan::Found::refused) co_return bad_response;
    if (head.status >= 200) break;
    if (!core::frame_response(head, false)) co_return bad_response;
    if (head.status == 101) {
      probe_.answered(head.status, ns_between(request_.record.sent, head_begun_));
      co_return co_await tunnel(head);
    }
    const Fault fault = co_await forward_interim(head);
    if (fault) co_return fault;
  }
  core::BodyFraming framing;
  if (const Fault fault = begin_answer(head, framing)) co_return fault;
  RelayEnd end = RelayEnd::complete;
  if (take_small_body(framing)) {
    std::array<iovec, 1> piece{iovec{out_.data(), out_.size()}};
    end = end_of_write(co_await client_.write(piece, request_.timeouts().body_idle));
  } else {
    const auto kind = core::client_framing(framing, request_.minor).kind;
    end = co_await relay_body(answer_relay(kind), out_);
  }
  co_return end_answer(end);
}

/// Passes an interim head on, to a client that knows them, and begins the wait for the next one.
Task<Fault> Exchange::forward_interim(const core::ResponseHead& head) {
  if (request_.minor >= 1) {
    out_.clear();
    core::write_response_head(out_, head, {}, {});
    std::array<iovec, 1> piece{iovec{out_.data(), out_.size()}};
    sends_interim_ = true;
    const IoError written = co_await client_.write(piece, request_.timeouts().body_idle);
    sends_interim_ = false;
    if (written != IoError::none) {
      client_left_ = true;
      co_return Fault{Side::client, {}, 499, "client_left"};
    }
  }
  backend().in().consume(scan_.size());
  scan_.reset();
  head_has_begun_ = false;
  waiting_since_ = Clock::now();
  co_return Fault{};
}

/// The final head is here: judges it and puts what the client gets of it into out_.
Fault Exchange::begin_answer(core::ResponseHead& head, core::BodyFraming& framing) {
  awaits_head_ = false;
  // Counted into when the answer has left.
  prefetch(counted_in_->duration.sum_ns);
  prefetch(counted_in_->response_head.sum_ns);
  Record& record = request_.record;
  record.head_ns = ns_between(record.sent, head_begun_);
  if (record.attempts == 1) record.first_head_ns = record.head_ns;
  probe_.answered(head.status, record.head_ns);
  refuses_answer_ =
      trial() != nullptr && trial()->errors.contains(head.status) && may_shield(false);
  if (refuses_answer_) return {Side::backend, FailureReason::bad_response, 502, "shielded"};

  const auto framed = core::frame_response(head, request_.is_head);
  if (!framed) return {Side::backend, FailureReason::bad_response, 502, framed.error().detail};
  framing = *framed;
  const core::ConnectionOptions options = core::connection_options(head.fields);
  backend_persists_ =
      core::persists(head.minor, options) && framing.kind != core::BodyKind::until_close;
  const core::BodyFraming towards_client = core::client_framing(framing, request_.minor);
  keeps_open_ = request_.persists && is_request_sent() && !worker_.is_finishing() &&
                towards_client.kind != core::BodyKind::until_close;
  write_answer_head(head, towards_client);
  client_answered_ = true;
  ends_with_connection_ = towards_client.kind == core::BodyKind::until_close;
  answer_body_.start(framing, 0);
  return {};
}

Fault Exchange::end_answer(RelayEnd end) {
  if (end != RelayEnd::complete) {
    keeps_open_ = false;
    return fault_of_relay(end);
  }
  if (!backend_persists_ || !is_request_sent()) backend().close();
  return {};
}

Relay Exchange::answer_relay(core::BodyKind towards_client) {
  const TimeoutSettings& timeouts = request_.timeouts();
  return {backend(),          answer_body_, client_,        towards_client, timeouts.backend_idle,
          timeouts.body_idle, nullptr,      worker_.pipes()};
}

/// Puts the head that the client gets into out_; `head` is gone afterwards.
void Exchange::write_answer_head(const core::ResponseHead& head,
                                 const core::BodyFraming& towards_client) {
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
}

/// Puts a body that is here as a whole behind the head in out_. False when it has to be relayed.
bool Exchange::take_small_body(const core::BodyFraming& framing) {
  if (answer_body_.is_done()) return true;
  const std::string_view received = backend().in().view();
  if (framing.kind != core::BodyKind::length ||
      framing.length > std::min(received.size(), small_body)) {
    return false;
  }
  const BodyReader::Piece piece = answer_body_.next(received);
  out_.append(piece.data);
  backend().in().consume(piece.consumed);
  return true;
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

}  // namespace sluice::proxy
