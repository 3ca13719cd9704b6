#include <array>

#include "proxy/exchange.hpp"

/// An upgraded connection.
namespace sluice::proxy {
using core::FailureReason;

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
