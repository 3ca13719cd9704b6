#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/chunked.hpp"
#include "core/framing.hpp"

namespace sluice::proxy {

/// Octets up to which a body that has come as a whole is copied behind its head.
inline constexpr std::size_t small_body = 4 * 1024;

/// Takes a message body out of received octets, after its framing. Holds no octets.
class BodyReader {
 public:
  enum class Status : std::uint8_t {
    more,       ///< everything was used, receive more
    data,       ///< `data` is the next piece
    done,       ///< the body is complete
    bad,        ///< the chunked coding is broken
    too_large,  ///< longer than the limit
  };
  struct Piece {
    Status status = Status::more;
    std::size_t consumed = 0;
    std::string_view data;  ///< view into what was given
  };

  /// `limit`: octets the body may have; 0: no limit.
  void start(const core::BodyFraming& framing, std::uint64_t limit);
  /// The next piece of `received`. Call again behind `consumed` until it wants more or is done.
  Piece next(std::string_view received);
  bool is_done() const { return done_; }
  /// Octets that are still to come of a body of known length; else 0.
  std::uint64_t left() const;
  /// That many of them went past without being looked at. Requires as many left.
  void skip(std::uint64_t size);
  /// The peer closed: completes a body that is delimited by it. False when the body was cut.
  bool end_at_close();
  std::uint64_t octets() const { return octets_; }
  const std::string& trailers() const { return decoder_.trailers(); }

 private:
  Piece next_of_length(std::string_view received);
  Piece next_of_chunks(std::string_view received);

  core::BodyFraming framing_;
  core::ChunkDecoder decoder_;
  std::uint64_t limit_ = 0;
  std::uint64_t octets_ = 0;
  bool done_ = true;
};

}  // namespace sluice::proxy
