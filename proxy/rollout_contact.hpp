#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/http_call.hpp"

/// What hooks, gates and queries have in common.
namespace sluice::proxy {

/// An order for this http URL (core::parse_http_url), to be completed. http_call() refuses the
/// order of what is no such URL.
HttpOrder order_to(const std::string& url);

/// 200 to 299.
bool is_success(unsigned status);

/// The first line of a body, quoted and cut.
std::string first_line(std::string_view body);

/// Calls `done` on `io` after `span`, never from inside this call, as long as the returned token
/// lives. The token must not outlive `io` and is destroyed on its thread.
[[nodiscard]] std::shared_ptr<void> pause_for(boost::asio::io_context& io,
                                              std::chrono::milliseconds span,
                                              std::function<void()> done);

}  // namespace sluice::proxy
