#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <memory>

#include "proxy/reactor_host.hpp"
#include "proxy/worker.hpp"

namespace sluice::proxy {

/// Runs a worker on the io_context of somebody else, in place of a thread of its own. One thread at
/// a time runs that io_context.
class HostedWorker {
 public:
  HostedWorker(boost::asio::io_context& io, Worker& worker);
  HostedWorker(const HostedWorker&) = delete;
  HostedWorker& operator=(const HostedWorker&) = delete;

  /// Begins with the next turn of the io_context. Any thread.
  void start();
  /// After Worker::release(): waits until the worker has ended. While this waits, the io_context
  /// has to run, or somebody calls turn().
  void join() { over_.wait(); }
  /// Gives the worker a turn in place of the io_context. False when it was not started or has
  /// ended. On the thread that runs the io_context, or while nobody does.
  bool turn();

 private:
  void go_on();
  void wait_for_tick();

  boost::asio::io_context& io_;
  Worker& worker_;
  ReactorHost host_;
  boost::asio::steady_timer ticker_;
  std::promise<void> ended_;
  std::shared_future<void> over_{ended_.get_future()};
  bool is_started_ = false;
  bool is_over_ = false;
  std::shared_ptr<const char> alive_{std::make_shared<const char>()};
};

}  // namespace sluice::proxy
