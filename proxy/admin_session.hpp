#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>

#include "proxy/admin_message.hpp"
#include "proxy/admin_routes.hpp"
#include "proxy/control.hpp"

namespace sluice::proxy {

/// One connection to the admin interface, served from its first request to its last. On the control
/// thread.
class AdminSession {
 public:
  using Protocol = boost::asio::generic::stream_protocol;

  /// `control` and `routes` must outlive the session or its stop().
  AdminSession(Protocol::socket socket, Control& control, AdminRoutes& routes,
               const AdminOptions& options);

  /// Serves until either side has had enough. Holds on to `self`.
  static boost::asio::awaitable<void> run(std::shared_ptr<AdminSession> self);

  /// Closes the connection; run() returns soon.
  void stop();

  /// Closes it now when it is idle between requests or follows events, else behind the answer; who
  /// has just connected gets one.
  void retire();

  /// The refusal of a connection too many, ready to be sent.
  static std::string too_many();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Error = boost::beast::error_code;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  static Awaitable<bool> serve_one(const std::shared_ptr<AdminSession>& self);
  Awaitable<bool> wait_for_request();
  Awaitable<Error> read(Parser& parser);
  Awaitable<bool> write(const std::string& text);
  Awaitable<void> follow(EventWish wish);
  Awaitable<void> say_goodbye();

  boost::beast::basic_stream<Protocol> stream_;
  boost::asio::steady_timer wake_;  ///< cancelled when a reply or an event is there
  boost::beast::flat_buffer buffer_;
  Control& control_;
  AdminRoutes& routes_;
  const AdminOptions& options_;
  std::string peer_;
  std::optional<AdminReply> reply_;
  bool is_fresh_ = true;       ///< nothing was asked yet
  bool is_answering_ = false;  ///< from the first octet of a request to the end of its answer
  bool retired_ = false;
  bool stopped_ = false;
};

}  // namespace sluice::proxy
