#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

#include "proxy/reactor.hpp"

namespace sluice::proxy {

/// Runs a reactor inside an io_context of Asio: whenever the reactor has something to do, the
/// io_context gives it a turn. For loops that Asio needs for other things, and for programs that
/// bring their own. One thread at a time runs the io_context.
class ReactorHost {
 public:
  /// `after_turn` is called behind each turn. Does nothing before start().
  ReactorHost(boost::asio::io_context& io, Reactor& reactor, std::function<void()> after_turn = {});
  ReactorHost(const ReactorHost&) = delete;
  ReactorHost& operator=(const ReactorHost&) = delete;
  ~ReactorHost();

  void start();
  /// No turn is given afterwards; the io_context is not kept alive.
  void stop();

 private:
  void wait();

  boost::asio::posix::stream_descriptor ready_;  ///< the reactor's own descriptor, only waited on
  Reactor& reactor_;
  std::function<void()> after_turn_;
  std::shared_ptr<const char> alive_;  ///< a wait that ends later than this sees that it is gone
};

}  // namespace sluice::proxy
