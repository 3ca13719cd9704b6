#include <algorithm>
#include <charconv>
#include <string_view>

#include "core/choice.hpp"
#include "core/hop.hpp"
#include "core/target.hpp"
#include "proxy/prefetch.hpp"
#include "proxy/session.hpp"

/// From octets to a routed request: everything a session decides before it forwards.
namespace sluice::proxy {
using core::Field;
using core::FieldId;

namespace {

constexpr std::string_view request_error = "http_request_error";
constexpr std::string_view served_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

OwnAnswer answer_to(const core::Refusal& refusal) {
  return {.status = refusal.status, .detail = refusal.detail, .proxy_error = request_error};
}

/// True when an Accept field asks for JSON and not for everything.
bool wants_json(const core::Fields& fields) {
  const Field* accept = core::find(fields, FieldId::accept);
  return accept != nullptr && accept->value.find("json") != std::string_view::npos;
}

}  // namespace

/// Cuts the head and checks what HTTP asks of it.
std::optional<OwnAnswer> Session::read_request() {
  const Settings& settings = request_->plan->plan->topology->settings;
  core::RequestHead& head = request_->head;
  head.fields.clear();
  request_->is_head = request_->accepts_json = request_->persists = false;
  request_->body.start({}, 0);

  const std::string_view raw = client_->in().view().substr(0, request_->scan.size());
  if (const auto refusal = parse_request_head(raw, settings.limits.fields, head)) {
    return answer_to(*refusal);
  }
  find_route();
  request_->minor = head.minor;
  request_->is_head = head.is_head();
  request_->accepts_json = wants_json(head.fields);
  request_->record.method.assign(head.method);
  if (worker_.logs_access()) {
    request_->record.host.assign(head.authority);
    request_->record.path.assign(head.path);
  }
  read_ids();
  if (request_->match) prefetch_pools();
  const auto framing = core::frame_request(head);
  if (!framing) return answer_to(framing.error());
  if (const auto refusal = core::check_expectation(head)) return answer_to(*refusal);
  request_->framing = *framing;
  request_->body.start(*framing, settings.limits.body);
  if (settings.limits.body != 0 && framing->length > settings.limits.body) {
    return OwnAnswer{.status = 413,
                     .detail = "the request body is larger than allowed",
                     .proxy_error = request_error};
  }
  const core::ConnectionOptions options = core::connection_options(head.fields);
  request_->persists = core::persists(head.minor, options);
  request_->upgrade.assign(core::wants_upgrade(head, options, *framing));
  request_->is_idempotent = core::is_idempotent(head.method);
  request_->replay.reset(true);
  if (request_->match) prefetch_members();
  return std::nullopt;
}

/// TRACE is not served, for it would show fields that the proxy adds. OPTIONS counts its hops (RFC
/// 9110 section 7.6.2).
std::optional<OwnAnswer> Session::limit_forwards() {
  core::RequestHead& head = request_->head;
  if (head.method == "TRACE") {
    request_->persists = false;
    return OwnAnswer{.status = 405,
                     .detail = "TRACE is not served here",
                     .proxy_error = request_error,
                     .allow = served_methods};
  }
  if (head.method != "OPTIONS") return std::nullopt;
  for (Field& field : head.fields) {
    if (field.id != FieldId::max_forwards) continue;
    unsigned hops = 0;
    const auto parsed =
        std::from_chars(field.value.data(), field.value.data() + field.value.size(), hops);
    if (parsed.ec != std::errc{}) continue;
    if (hops == 0) {
      request_->persists = false;
      return OwnAnswer{.status = 200, .allow = served_methods};
    }
    request_->max_forwards = std::to_string(hops - 1);
    field.value = request_->max_forwards;
  }
  return std::nullopt;
}

std::optional<OwnAnswer> Session::read_route() {
  if (!request_->match)
    return OwnAnswer{.status = 404,
                     .detail = "no route matches this host and path",
                     .proxy_error = "destination_not_found"};
  request_->has_route = true;
  const core::RoutePlan& route = request_->route_plan();
  if (worker_.logs_access()) request_->record.route = route.settings.name;
  request_->steering = {};
  request_->set_cookie.clear();
  if (!route.steers) return std::nullopt;
  request_->steering = core::steer(route, request_->salt(), request_->head, client_ip_);
  if (request_->steering.needs_cookie) assign_cookie();
  return std::nullopt;
}

/// Looks the route up as soon as its head is cut, and asks for what will be read of it: much else
/// is to be done before that.
void Session::find_route() {
  request_->match = request_->plan->plan->topology->router.match(request_->head);
  if (!request_->match) return;
  request_->route = *request_->match;
  const core::RoutePlan& route = request_->route_plan();
  prefetch(request_->plan->plan->splits[request_->route]);
  prefetch(request_->live_route());
  prefetch(route.timeouts);
  prefetch(route.steers);
}

/// The next step: what find_route() asked for is probably there, and says where this lies.
void Session::prefetch_pools() const {
  prefetch(request_->split().shares().front());
  for (const LiveShare& share : request_->live_route().shares) prefetch(*share.pool);
}

/// And the last one before the choice.
void Session::prefetch_members() const {
  for (const LiveShare& share : request_->live_route().shares) {
    share.pool->balancer.prefetch();
    prefetch(share.tally->in_flight);
  }
}

/// Gives a new client its unit: a random value that comes back as a cookie (pitfall P19).
void Session::assign_cookie() {
  std::string value;
  core::make_request_id(value, worker_.random().next(), worker_.random().next());
  core::assign_unit(request_->steering, request_->salt(), value);
  request_->set_cookie.append(request_->route_plan().settings.sticky.name)
      .append("=")
      .append(value)
      .append("; Path=/; HttpOnly; SameSite=Lax");
}

/// Keeps the client's ids where they are usable, else makes new ones.
void Session::read_ids() {
  Record& record = request_->record;
  const Field* id = core::find(request_->head.fields, FieldId::x_request_id);
  if (id != nullptr && core::is_usable_request_id(id->value)) {
    record.request_id.assign(id->value);
  } else {
    core::make_request_id(record.request_id, worker_.random().next(), worker_.random().next());
  }
  const Field* trace = core::find(request_->head.fields, FieldId::traceparent);
  if (trace != nullptr && core::is_valid_traceparent(trace->value)) {
    record.trace.assign(trace->value);
  } else {
    core::make_traceparent(record.trace, worker_.random().next(), worker_.random().next(),
                           worker_.random().next());
  }
}

void Session::prepare_backend_head() {
  core::RequestAdditions additions;
  additions.client_ip = client_ip_;
  additions.trust_forwarded = is_trusted_;
  additions.forwarded = request_->plan->plan->topology->settings.server.forwarded;
  additions.request_id = request_->record.request_id;
  additions.traceparent = request_->record.trace;
  additions.upgrade = request_->upgrade;
  request_->backend_head.clear();
  core::write_request_head(request_->backend_head, request_->head, request_->framing, additions);
  client_->in().consume(request_->scan.size());
  take_small_body();
}

/// A small body that has come as a whole goes with the head: one piece to send, and to send again.
void Session::take_small_body() {
  BodyReader& body = request_->body;
  const std::string_view received = client_->in().view();
  const bool is_here = request_->framing.kind == core::BodyKind::length && !body.is_done() &&
                       request_->framing.length <= std::min(received.size(), small_body);
  if (!is_here) return;
  const BodyReader::Piece piece = body.next(received);
  request_->backend_head.append(piece.data);
  request_->record.octets_in = body.octets();
  client_->in().consume(piece.consumed);
}

void Session::count_rejected(unsigned status) {
  if (status == 200) return;
  const RejectReason reason = reject_reason_of(status);
  count(worker_.tally().route("").rejected, reason);
}

}  // namespace sluice::proxy
