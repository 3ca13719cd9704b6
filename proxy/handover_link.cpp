#include "proxy/handover_link.hpp"

#include <fcntl.h>

#include <utility>

namespace sluice::proxy {

HandoverLink::HandoverLink(boost::asio::io_context& io, HandoverChannel channel)
    : channel_(std::move(channel)), socket_(io) {
  boost::system::error_code ignored;
  socket_.assign(::fcntl(channel_.descriptor(), F_DUPFD_CLOEXEC, 0), ignored);
}

void HandoverLink::start(OnMessage on_message, OnEnd on_end) {
  on_message_ = std::move(on_message);
  on_end_ = std::move(on_end);
  wait_for_input();
}

void HandoverLink::wait_for_input() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (self->is_over_) return;
                       if (error) return self->end("cannot wait for it: " + error.message());
                       const bool goes_on = self->channel_.receive_some();
                       self->hand_out();
                       if (self->is_over_) return;
                       if (!goes_on || !self->channel_.why().empty()) {
                         return self->end(self->channel_.why());
                       }
                       self->wait_for_input();
                     });
}

void HandoverLink::hand_out() {
  // A copy, and a hold: it may close the link.
  const OnMessage on_message = on_message_;
  const auto self = shared_from_this();
  while (!is_over_) {
    auto message = channel_.take();
    if (!message) return;
    on_message(std::move(*message));
  }
}

void HandoverLink::take_what_came() {
  if (is_over_) return;
  channel_.receive_some();
  hand_out();
}

void HandoverLink::put(HandoverMessage message) {
  if (is_over_) return;
  channel_.put(std::move(message));
  if (!is_sending_) wait_to_send();
}

void HandoverLink::wait_to_send() {
  is_sending_ = true;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->is_sending_ = false;
                       // What broke it is seen by the reading side, behind what came before.
                       if (self->is_over_) return;
                       if (error || !self->channel_.send_some()) return self->tell_sent();
                       if (self->channel_.has_unsent()) return self->wait_to_send();
                       self->tell_sent();
                     });
}

void HandoverLink::when_sent(std::function<void()> then) {
  if (is_over_ || !is_sending_) return then();
  on_sent_ = std::move(then);
}

void HandoverLink::tell_sent() {
  if (const auto on_sent = std::exchange(on_sent_, nullptr)) on_sent();
}

void HandoverLink::close_behind() {
  if (!is_over_) channel_.send_some();
  close();
}

void HandoverLink::close() {
  is_over_ = true;
  tell_sent();
  boost::system::error_code ignored;
  socket_.close(ignored);
  // Descriptors of a message that never became whole would hold on to what they stand for.
  channel_.close();
  on_message_ = nullptr;
  on_end_ = nullptr;
}

void HandoverLink::end(const std::string& why) {
  if (is_over_) return;
  const OnEnd on_end = std::exchange(on_end_, nullptr);
  close();
  if (on_end) on_end(why);
}

}  // namespace sluice::proxy
