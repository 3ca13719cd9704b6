#include "proxy/reactor_host.hpp"

#include <utility>

namespace sluice::proxy {

ReactorHost::ReactorHost(boost::asio::io_context& io, Reactor& reactor,
                         std::function<void()> after_turn)
    : ready_(io),
      reactor_(reactor),
      after_turn_(std::move(after_turn)),
      alive_(std::make_shared<const char>()) {}

ReactorHost::~ReactorHost() {
  stop();
}

void ReactorHost::start() {
  ready_.assign(reactor_.descriptor());
  reactor_.be_hosted();
  wait();
}

void ReactorHost::stop() {
  // The descriptor stays the reactor's.
  if (ready_.is_open()) ready_.release();
}

void ReactorHost::wait() {
  ready_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
                      if (error || alive.expired()) return;
                      reactor_.turn(std::chrono::milliseconds(0));
                      if (after_turn_) after_turn_();
                      if (ready_.is_open()) wait();
                    });
}

}  // namespace sluice::proxy
