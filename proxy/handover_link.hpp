#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "proxy/handover_channel.hpp"

namespace sluice::proxy {

/// A HandoverChannel on the control thread: sends what is put, calls for what comes. Ends when the
/// other side closes, when the channel breaks or when it is closed here.
class HandoverLink : public std::enable_shared_from_this<HandoverLink> {
 public:
  using OnMessage = std::function<void(HandoverMessage)>;
  /// `why`: a sentence without a full stop. Called at most once, not after close().
  using OnEnd = std::function<void(const std::string& why)>;

  /// `io` outlives it and runs on one thread.
  HandoverLink(boost::asio::io_context& io, HandoverChannel channel);
  HandoverLink(const HandoverLink&) = delete;
  HandoverLink& operator=(const HandoverLink&) = delete;

  /// Begins to receive. Both callbacks run on the control thread, never inside a call.
  void start(OnMessage on_message, OnEnd on_end);
  void put(HandoverMessage message);
  /// Hands out what has come by now, in this call.
  void take_what_came();
  /// `then` once everything that was put is sent, or cannot be any more.
  void when_sent(std::function<void()> then);
  /// Ends it without a word; what was put and not sent is lost.
  void close();
  /// Ends it behind what was put, as far as the other side takes it at once.
  void close_behind();
  bool is_open() const { return !is_over_; }

 private:
  void wait_for_input();
  void hand_out();
  void wait_to_send();
  void tell_sent();
  void end(const std::string& why);

  HandoverChannel channel_;
  boost::asio::posix::stream_descriptor socket_;  ///< a duplicate, to wait on
  OnMessage on_message_;
  OnEnd on_end_;
  std::function<void()> on_sent_;
  bool is_sending_ = false;
  bool is_over_ = false;
};

}  // namespace sluice::proxy
