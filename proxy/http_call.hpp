#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice::proxy {

/// A request to be made over plain HTTP/1.1, on a connection of its own.
struct HttpOrder {
  enum class Method : std::uint8_t {
    get,
    post,  ///< sends the body, also when it is empty
  };
  Method method = Method::get;
  std::string host;  ///< a DNS name, an IPv4 address or an IPv6 address in brackets
  std::uint16_t port = 80;
  std::string path = "/";    ///< with the query, percent-encoded
  std::string content_type;  ///< of the body; not sent when empty
  std::string body;          ///< not sent with GET
  /// For the whole of it: look-up, connecting, sending and receiving.
  std::chrono::milliseconds timeout{10'000};
  std::size_t body_limit = 1024 * 1024;  ///< octets; an answer with a larger body is an error
};

/// What came of it: a status, or the reason why there is none.
struct HttpAnswer {
  unsigned status = 0;  ///< 0: no answer came, or not the whole of it
  std::string body;
  std::string error;  ///< a sentence; empty when there is a status
};

/// Makes the request and calls `done` with the answer: once, on `io`, never from inside this call.
/// Redirects are not followed; a name with several addresses is tried at one after the other.
///
/// The call is under way as long as the returned token lives. Destroying it closes the connection,
/// and `done` is not run; after `done` it does nothing. Call it and destroy the token on the thread
/// that runs `io`. The token may outlive `io`.
[[nodiscard]] std::shared_ptr<void> http_call(boost::asio::io_context& io, HttpOrder order,
                                              std::function<void(HttpAnswer)> done);

}  // namespace sluice::proxy
