#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/framing.hpp"
#include "proxy/body_reader.hpp"
#include "proxy/pipe_pool.hpp"
#include "proxy/stream.hpp"
#include "proxy/task.hpp"

namespace sluice::proxy {

/// How the transfer of a body ended.
enum class RelayEnd : std::uint8_t {
  complete,
  source_cut,      ///< the sender closed or broke the connection before the end
  source_stalled,  ///< the sender sent nothing for too long
  source_bad,      ///< the sender's chunked coding is broken
  too_large,       ///< the body is longer than allowed
  sink_broken,     ///< the receiver broke the connection
  sink_stalled,    ///< the receiver took nothing for too long
  interrupted,     ///< ended from our side
};

/// How a transfer stands after a read that brought nothing, and after a write.
RelayEnd end_of_read(IoError error);
RelayEnd end_of_write(IoError error);

/// What has been sent, kept for sending it again; gives up once it would grow beyond a limit.
class ReplayBuffer {
 public:
  static constexpr std::size_t limit = 64 * 1024;
  static constexpr std::size_t kept_capacity = 4 * 1024;

  void reset(bool wanted) {
    octets_.clear();
    if (octets_.capacity() > kept_capacity) octets_.shrink_to_fit();
    is_complete_ = wanted;
  }
  void keep(std::string_view octets);
  /// Everything that was sent so far is here.
  bool is_complete() const { return is_complete_; }
  std::string_view octets() const { return octets_; }

 private:
  std::string octets_;
  bool is_complete_ = false;
};

/// Moves one body from one stream to another, octet for octet, re-framed.
struct Relay {
  Stream& from;
  BodyReader& body;
  Stream& to;
  core::BodyKind framing;           ///< towards `to`
  std::chrono::milliseconds stall;  ///< nothing received for this long
  std::chrono::milliseconds sink_stall;
  ReplayBuffer* replay = nullptr;  ///< keeps what goes out, when given
  PipePool* pipes = nullptr;       ///< large bodies may go through these
};

/// Sends `head` and then the body, in as few writes as what has been received allows. `head` stays
/// valid until the end. The end of the body (last chunk, trailers) is sent only when it came
/// complete.
Task<RelayEnd> relay_body(Relay relay, std::string_view head);

/// Whether the rest of a body is better moved by splice_body(): its framing stays as it is, nobody
/// keeps its octets, and it is large.
bool may_splice(const Relay& relay);
/// Moves the rest of a body without copying it, with splice(2). The same ends as relay_body().
Task<RelayEnd> splice_body(Relay relay);

/// What the two directions of a tunnel share.
struct TunnelPulse {
  std::chrono::milliseconds idle;  ///< how long no octet may move either way; 0: for ever
  TimePoint last;                  ///< when one moved
};

/// Moves octets as they come until `from` ends, then ends `to`'s sending side.
Task<RelayEnd> relay_octets(Stream& from, Stream& to, TunnelPulse& pulse, std::uint64_t& octets);

}  // namespace sluice::proxy
