#include <cerrno>
#include <utility>

#include "proxy/pipe_pool.hpp"
#include "proxy/relay.hpp"

/// Large bodies whose framing stays as it is, from socket to socket inside the kernel.
namespace sluice::proxy {
namespace {

/// Below this the copies of a read and a write cost less than the two calls and the pipe.
constexpr std::uint64_t worth_splicing = 64 * 1024;
/// Octets that one splice moves at most: what a pipe holds.
constexpr std::uint64_t spliced_at_once = 256 * 1024;

RelayEnd end_of_fill(Relay& relay, ssize_t size) {
  if (size < 0) return RelayEnd::source_cut;
  return relay.body.end_at_close() ? RelayEnd::complete : RelayEnd::source_cut;
}

/// Gives the receiver what the pipe holds.
Task<RelayEnd> empty(Pipe& pipe, Relay& relay) {
  while (pipe.held() != 0) {
    const ssize_t size = pipe.empty_into(relay.to.descriptor());
    if (size > 0) {
      relay.to.add_sent(static_cast<std::size_t>(size));
      continue;
    }
    if (!relay.to.is_open()) co_return RelayEnd::interrupted;
    if (size == 0 || errno != EAGAIN) co_return RelayEnd::sink_broken;
    const IoError waited = co_await relay.to.writable(relay.sink_stall);
    if (waited != IoError::none) co_return end_of_write(waited);
  }
  co_return RelayEnd::complete;
}

}  // namespace

bool may_splice(const Relay& relay) {
  const bool keeps_octets = relay.replay != nullptr && relay.replay->is_complete();
  return relay.pipes != nullptr && relay.framing == core::BodyKind::length && !keeps_octets &&
         relay.body.left() >= worth_splicing && relay.from.in().is_empty();
}

Task<RelayEnd> splice_body(Relay relay) {
  Pipe pipe = relay.pipes->take();
  if (!pipe) {
    relay.pipes = nullptr;
    co_return co_await relay_body(relay, {});
  }
  RelayEnd end = RelayEnd::complete;
  while (end == RelayEnd::complete && !relay.body.is_done()) {
    const IoError waited = co_await relay.from.readable(relay.stall);
    if (waited != IoError::none) {
      end = end_of_read(waited);
      break;
    }
    const ssize_t size = pipe.fill(relay.from.descriptor(),
                                   std::min<std::uint64_t>(relay.body.left(), spliced_at_once));
    if (size > 0) {
      relay.body.skip(static_cast<std::uint64_t>(size));
      end = co_await empty(pipe, relay);
    } else if (size < 0 && errno == EAGAIN) {
      relay.from.note_drained();
    } else {
      end = end_of_fill(relay, size);
      break;
    }
  }
  relay.pipes->give_back(std::move(pipe));
  co_return end;
}

}  // namespace sluice::proxy
