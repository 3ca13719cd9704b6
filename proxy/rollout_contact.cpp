#include "proxy/rollout_contact.hpp"

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "core/http_url.hpp"
#include "core/quoted.hpp"

namespace sluice::proxy {

HttpOrder order_to(const std::string& url) {
  HttpOrder order;
  auto parsed = core::parse_http_url(url);
  if (!parsed) {
    order.host = url;
    return order;
  }
  const bool is_ipv6 = parsed->host.find(':') != std::string::npos;
  order.host = is_ipv6 ? '[' + parsed->host + ']' : std::move(parsed->host);
  order.port = parsed->port;
  order.path = std::move(parsed->path);
  return order;
}

bool is_success(unsigned status) {
  return status >= 200 && status < 300;
}

std::string first_line(std::string_view body) {
  return core::quoted(body.substr(0, body.find_first_of("\r\n")));
}

std::shared_ptr<void> pause_for(boost::asio::io_context& io, std::chrono::milliseconds span,
                                std::function<void()> done) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(io, span);
  // The wait may be over, and this on its way, when the token goes.
  timer->async_wait(
      [weak = std::weak_ptr(timer), done = std::move(done)](const boost::system::error_code&) {
        if (const auto alive = weak.lock()) done();
      });
  return timer;
}

}  // namespace sluice::proxy
