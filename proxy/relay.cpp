#include "proxy/relay.hpp"

#include <array>

#include "core/chunked.hpp"

namespace sluice::proxy {
using core::BodyKind;

namespace {

iovec piece_of(std::string_view octets) {
  // sendmsg does not write through it; iovec just has no const form.
  return {const_cast<char*>(octets.data()), octets.size()};  // NOLINT
}

/// The pieces of one write: a head, then body octets with what their framing puts around them.
class Batch {
 public:
  explicit Batch(bool chunked) : chunked_(chunked) {}

  bool is_full() const { return count_ + 3 > pieces_.size() - 3 || lines_used_ == lines_.size(); }
  bool is_empty() const { return count_ == 0; }
  std::span<iovec> pieces() { return {pieces_.data(), count_}; }

  void add(std::string_view octets) {
    if (!octets.empty()) pieces_[count_++] = piece_of(octets);
  }
  void add_data(std::string_view data) {
    if (!chunked_) return add(data);
    auto& line = lines_[lines_used_++];
    const std::size_t size = core::write_chunk_size(line, data.size());
    add({&line[0], size});
    add(data);
    add("\r\n");
  }
  void add_end(const std::string& trailers) {
    if (!chunked_) return;
    add("0\r\n");
    add(trailers);
    add("\r\n");
  }

 private:
  using SizeLine = char[core::chunk_size_room];
  std::array<iovec, 40> pieces_;
  std::array<SizeLine, 12> lines_;
  std::size_t count_ = 0;
  std::size_t lines_used_ = 0;
  bool chunked_;
};

/// Puts what has been received into `batch`. `consumed`: octets of the buffer that it stands on.
BodyReader::Status gather(Relay& relay, Batch& batch, std::size_t& consumed) {
  auto status = BodyReader::Status::done;
  while (!relay.body.is_done() && !batch.is_full()) {
    const BodyReader::Piece piece = relay.body.next(relay.from.in().view().substr(consumed));
    status = piece.status;
    consumed += piece.consumed;
    if (status != BodyReader::Status::data) break;
    batch.add_data(piece.data);
  }
  return relay.body.is_done() ? BodyReader::Status::done : status;
}

void keep_for_replay(ReplayBuffer* replay, std::span<const iovec> pieces, std::size_t skip) {
  if (replay == nullptr) return;
  for (const iovec& piece : pieces.subspan(skip)) {
    replay->keep({static_cast<const char*>(piece.iov_base), piece.iov_len});
  }
}

}  // namespace

RelayEnd end_of_read(IoError error) {
  switch (error) {
    case IoError::timeout:
      return RelayEnd::source_stalled;
    case IoError::interrupted:
      return RelayEnd::interrupted;
    default:
      return RelayEnd::source_cut;
  }
}

RelayEnd end_of_write(IoError error) {
  switch (error) {
    case IoError::none:
      return RelayEnd::complete;
    case IoError::timeout:
      return RelayEnd::sink_stalled;
    case IoError::interrupted:
      return RelayEnd::interrupted;
    default:
      return RelayEnd::sink_broken;
  }
}

void ReplayBuffer::keep(std::string_view octets) {
  if (!is_complete_) return;
  if (octets_.size() + octets.size() > limit) {
    is_complete_ = false;
    octets_.clear();
    return;
  }
  octets_.append(octets);
}

Task<RelayEnd> relay_body(Relay relay, std::string_view head) {
  bool ended = relay.body.is_done();
  const bool had_end = ended;
  for (;;) {
    Batch batch(relay.framing == BodyKind::chunked);
    batch.add(head);
    std::size_t consumed = 0;
    const BodyReader::Status status = gather(relay, batch, consumed);
    ended = status == BodyReader::Status::done;
    if (ended && !had_end) batch.add_end(relay.body.trailers());
    IoError written = IoError::none;
    if (!batch.is_empty()) {
      keep_for_replay(relay.replay, batch.pieces(), head.empty() ? 0 : 1);
      written = co_await relay.to.write(batch.pieces(), relay.sink_stall);
    }
    // Written or not, the reader is past these octets: left in the buffer they would be taken for
    // the next message.
    head = {};
    relay.from.in().consume(consumed);
    if (written != IoError::none) co_return end_of_write(written);
    if (ended) co_return RelayEnd::complete;
    if (status == BodyReader::Status::bad) co_return RelayEnd::source_bad;
    if (status == BodyReader::Status::too_large) co_return RelayEnd::too_large;
    if (!relay.from.in().is_empty()) continue;
    if (may_splice(relay)) co_return co_await splice_body(relay);

    const IoError received = co_await relay.from.read(relay.stall, BlockPool::large_block);
    if (received == IoError::eof && relay.body.end_at_close()) {
      Batch last(relay.framing == BodyKind::chunked);
      last.add_end({});
      const IoError closed = co_await relay.to.write(last.pieces(), relay.sink_stall);
      co_return end_of_write(closed);
    }
    if (received != IoError::none) co_return end_of_read(received);
  }
}

Task<RelayEnd> relay_octets(Stream& from, Stream& to, TunnelPulse& pulse, std::uint64_t& octets) {
  for (;;) {
    const std::string_view received = from.in().view();
    if (!received.empty()) {
      pulse.last = coarse_now();
      std::array<iovec, 1> piece{piece_of(received)};
      const IoError written = co_await to.write(piece, pulse.idle);
      if (written != IoError::none) co_return end_of_write(written);
      octets += received.size();
      from.in().consume(received.size());
    }
    const IoError error = co_await from.read(pulse.idle, BlockPool::large_block);
    // The other direction may have been busy all the while.
    if (error == IoError::timeout && coarse_now() - pulse.last < pulse.idle) continue;
    if (error == IoError::eof) {
      to.shutdown_send();
      co_return RelayEnd::complete;
    }
    if (error != IoError::none) co_return end_of_read(error);
  }
}

}  // namespace sluice::proxy
