#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy {

/// One thing that a process says to its successor, or the other way round.
struct HandoverMessage {
  std::string type;
  boost::json::value body = boost::json::object();
  std::vector<OwnedDescriptor> descriptors = {};
};

/// The conversation over a connected unix socket: messages of JSON, some with descriptors
/// (SCM_RIGHTS). A frame is a length in octets (4, little-endian) and that many octets of
/// {"type":..., "descriptors": how many, "body":...}; the descriptors travel with the length. Never
/// blocks. One thread.
class HandoverChannel {
 public:
  /// The kernel refuses more in one message (SCM_MAX_FD, pitfall P3): who has more to give sends
  /// several messages.
  static constexpr std::size_t most_descriptors = 253;

  explicit HandoverChannel(OwnedDescriptor socket);

  int descriptor() const { return socket_.get(); }
  /// Who is at the other end, by SO_PEERCRED: process and user.
  struct Peer {
    int process = 0;
    unsigned user = 0;
  };
  std::optional<Peer> peer() const;

  /// Appends a message to what is to be sent. At most most_descriptors.
  void put(HandoverMessage message);
  bool has_unsent() const { return !unsent_.empty(); }
  /// Sends as much as goes now. False when the channel is broken: see why().
  bool send_some();
  /// Receives what is there now. False when the other side has closed or the channel is broken;
  /// whole messages that came before can still be taken.
  bool receive_some();
  /// The next whole message. None also when what came is no message: then why() is not empty.
  std::optional<HandoverMessage> take();
  /// Ends it. What was not sent, and what came and was not taken, is dropped with its descriptors.
  void close();
  /// What broke the channel, in words; "" while nothing has.
  const std::string& why() const { return why_.empty() ? send_why_ : why_; }

 private:
  struct Frame {
    std::string octets;
    std::size_t sent = 0;
    std::vector<OwnedDescriptor> descriptors;
  };
  bool fail(std::string why);
  bool send_front();

  OwnedDescriptor socket_;
  std::deque<Frame> unsent_;
  std::string received_;
  std::size_t taken_ = 0;
  std::deque<OwnedDescriptor> arrived_;
  std::string why_;       ///< of receiving
  std::string send_why_;  ///< what came before can be received all the same
};

}  // namespace sluice::proxy
