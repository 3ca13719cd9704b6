#include "proxy/hosted_worker.hpp"

#include <boost/asio/post.hpp>

namespace sluice::proxy {

HostedWorker::HostedWorker(boost::asio::io_context& io, Worker& worker)
    : io_(io), worker_(worker), host_(io, worker.reactor(), [this] { go_on(); }), ticker_(io) {}

void HostedWorker::start() {
  is_started_ = true;
  boost::asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || is_over_) return;
    worker_.prepare_hosted();
    host_.start();
    wait_for_tick();
  });
}

bool HostedWorker::turn() {
  if (!is_started_ || is_over_) return false;
  worker_.reactor().turn(DeadlineWheel::grain);
  go_on();
  return !is_over_;
}

void HostedWorker::go_on() {
  if (is_over_ || worker_.go_on(Clock::now())) return;
  is_over_ = true;
  host_.stop();
  ticker_.cancel();
  ended_.set_value();
}

void HostedWorker::wait_for_tick() {
  ticker_.expires_after(DeadlineWheel::grain);
  ticker_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired() || is_over_) return;
    go_on();
    if (!is_over_) wait_for_tick();
  });
}

}  // namespace sluice::proxy
