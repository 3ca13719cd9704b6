#include "proxy/body_reader.hpp"

#include <algorithm>

namespace sluice::proxy {
using core::BodyKind;

void BodyReader::start(const core::BodyFraming& framing, std::uint64_t limit) {
  framing_ = framing;
  limit_ = limit;
  octets_ = 0;
  if (framing.kind == BodyKind::chunked) decoder_.reset();
  done_ =
      framing.kind == BodyKind::none || (framing.kind == BodyKind::length && framing.length == 0);
}

BodyReader::Piece BodyReader::next(std::string_view received) {
  if (done_) return {Status::done, 0, {}};
  if (framing_.kind == BodyKind::chunked) return next_of_chunks(received);
  if (framing_.kind == BodyKind::length) return next_of_length(received);
  octets_ += received.size();
  return {received.empty() ? Status::more : Status::data, received.size(), received};
}

std::uint64_t BodyReader::left() const {
  return framing_.kind == BodyKind::length ? framing_.length - octets_ : 0;
}

void BodyReader::skip(std::uint64_t size) {
  octets_ += size;
  done_ = octets_ == framing_.length;
}

BodyReader::Piece BodyReader::next_of_length(std::string_view received) {
  const std::uint64_t left = framing_.length - octets_;
  const std::string_view data =
      received.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, received.size())));
  octets_ += data.size();
  done_ = octets_ == framing_.length;
  return {data.empty() ? Status::more : Status::data, data.size(), data};
}

BodyReader::Piece BodyReader::next_of_chunks(std::string_view received) {
  using Step = core::ChunkDecoder::Status;
  const core::ChunkDecoder::Piece piece = decoder_.feed(received);
  octets_ += piece.data.size();
  if (limit_ != 0 && octets_ > limit_) return {Status::too_large, piece.consumed, {}};
  switch (piece.status) {
    case Step::more:
      return {Status::more, piece.consumed, {}};
    case Step::data:
      return {Status::data, piece.consumed, piece.data};
    case Step::done:
      done_ = true;
      return {Status::done, piece.consumed, {}};
    case Step::bad:
      break;
  }
  return {Status::bad, piece.consumed, {}};
}

bool BodyReader::end_at_close() {
  if (framing_.kind == BodyKind::until_close) done_ = true;
  return done_;
}

}  // namespace sluice::proxy
