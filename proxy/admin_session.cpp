#include "proxy/admin_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/read.hpp>
#include <chrono>
#include <ctime>
#include <utility>

#include "core/head.hpp"
#include "core/status.hpp"
#include "proxy/admin_events.hpp"
#include "proxy/as_result.hpp"
#include "proxy/socket_address.hpp"

namespace sluice::proxy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

/// Octets that are still taken from a client that is being refused, so that it can read why.
constexpr std::size_t goodbye_limit = 4 * 1024 * 1024;
constexpr std::chrono::seconds goodbye_time{2};

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text, size};
}

/// How an answer is framed.
struct Framing {
  bool head_only = false;
  bool keep_alive = false;
  bool old_client = false;  ///< HTTP/1.0, which has to be told that the connection stays
};

std::string answer_text(const AdminReply& reply, Framing framing) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  text += core::reason_phrase(reply.status);
  text += "\r\nDate: " + date_now() + "\r\n";
  if (reply.status != 304) text += "Content-Type: " + reply.content_type + "\r\n";
  if (reply.status != 304 && !reply.events)
    text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  for (const auto& [name, value] : reply.fields) text += name + ": " + value + "\r\n";
  text += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (!framing.keep_alive)
    text += "Connection: close\r\n";
  else if (framing.old_client)
    text += "Connection: keep-alive\r\n";
  text += "\r\n";
  if (!framing.head_only) text += reply.body;
  return text;
}

/// What a request that cannot be read is answered with; none when there is nobody to answer.
std::optional<AdminReply> unreadable(const beast::error_code& error, const AdminOptions& options) {
  if (error == http::error::body_limit)
    return problem_reply(413, "",
                         "The body is larger than the " + std::to_string(options.body_limit) +
                             " octets that the admin interface takes.");
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return problem_reply(431, "",
                         "The head is larger than the " + std::to_string(options.head_limit) +
                             " octets that the admin interface takes.");
  const bool parsing =
      error.category() == http::make_error_code(http::error::end_of_stream).category();
  if (!parsing || error == http::error::end_of_stream || error == http::error::partial_message)
    return std::nullopt;
  return problem_reply(400, "", "The request is not HTTP/1.1: " + error.message() + ".");
}

/// Refuses what leaves room for doubt about where a request ends or whom it is for (RFC 9112
/// sections 3.2 and 6.1).
std::optional<AdminReply> doubtful(const http::request<http::string_body>& request) {
  if (request.version() != 10 && request.version() != 11)
    return problem_reply(400, "", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
  const auto coding = request.find(http::field::transfer_encoding);
  const bool has_length = request.find(http::field::content_length) != request.end();
  if (coding != request.end() &&
      (has_length || request.count(http::field::transfer_encoding) > 1 ||
       !core::iequals({coding->value().data(), coding->value().size()}, "chunked")))
    return problem_reply(400, "",
                         "The length of the body is in doubt; send either Content-Length or "
                         "Transfer-Encoding: chunked.");
  const std::size_t hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() == 11))
    return problem_reply(400, "", "Send exactly one Host field.");
  return std::nullopt;
}

AdminRequest plain(http::request<http::string_body>& request, const std::string& peer) {
  AdminRequest plain;
  plain.method.assign(request.method_string().data(), request.method_string().size());
  plain.target.assign(request.target().data(), request.target().size());
  for (const auto& field : request)
    plain.fields.emplace_back(std::string(field.name_string().data(), field.name_string().size()),
                              std::string(field.value().data(), field.value().size()));
  plain.body = std::move(request.body());
  plain.peer = peer;
  return plain;
}

}  // namespace

AdminSession::AdminSession(Protocol::socket socket, Control& control, AdminRoutes& routes,
                           const AdminOptions& options)
    : stream_(std::move(socket)),
      wake_(stream_.get_executor()),
      buffer_(options.head_limit + 16 * 1024),
      control_(control),
      routes_(routes),
      options_(options) {
  const SocketAddress peer = peer_address(stream_.socket().native_handle());
  peer_ = peer.is_unix() ? "unix" : peer.text();
}

asio::awaitable<void> AdminSession::run(std::shared_ptr<AdminSession> self) {
  bool more = true;
  while (more && !self->stopped_) {
    more = co_await serve_one(self) && !self->retired_;
    self->is_answering_ = false;
  }
  if (!self->stopped_) co_await self->say_goodbye();
}

void AdminSession::stop() {
  stopped_ = true;
  wake_.cancel();
  stream_.close();
}

void AdminSession::retire() {
  retired_ = true;
  if (!is_answering_ && !is_fresh_) stop();
}

std::string AdminSession::too_many() {
  return answer_text(problem_reply(503, "",
                                   "The admin interface has as many connections as it takes; "
                                   "close one, such as an event stream, and try again."),
                     {});
}

/// True when the connection stays for another request.
asio::awaitable<bool> AdminSession::serve_one(const std::shared_ptr<AdminSession>& self) {
  AdminSession& session = *self;
  if (!co_await session.wait_for_request()) co_return false;
  session.is_answering_ = true;
  session.is_fresh_ = false;
  Parser parser;
  parser.header_limit(session.options_.head_limit);
  parser.body_limit(session.options_.body_limit);
  if (const Error error = co_await session.read(parser)) {
    if (const auto reply = unreadable(error, session.options_))
      co_await session.write(answer_text(*reply, {}));
    co_return false;
  }
  auto& message = parser.get();
  if (const auto refusal = doubtful(message)) {
    co_await session.write(answer_text(*refusal, {}));
    co_return false;
  }
  Framing framing{message.method() == http::verb::head, message.keep_alive(),
                  message.version() == 10};
  session.reply_.reset();
  session.routes_.answer(plain(message, session.peer_),
                         [weak = std::weak_ptr(self)](AdminReply reply) {
                           const auto waiting = weak.lock();
                           if (!waiting) return;
                           waiting->reply_ = std::move(reply);
                           waiting->wake_.cancel();
                         });
  while (!session.reply_ && !session.stopped_) {
    session.wake_.expires_at(asio::steady_timer::time_point::max());
    co_await session.wake_.async_wait(as_result);
  }
  if (session.stopped_) co_return false;
  const AdminReply reply = std::move(*session.reply_);
  if (reply.events || session.retired_) framing.keep_alive = false;
  const bool written = co_await session.write(answer_text(reply, framing));
  session.is_answering_ = !reply.events.has_value();
  const bool follows = reply.events && !framing.head_only && !session.retired_;
  if (written && follows) co_await session.follow(*reply.events);
  co_return written&& framing.keep_alive;
}

/// False when the client is gone or stays silent for too long.
asio::awaitable<bool> AdminSession::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  stream_.expires_after(options_.idle_timeout);
  const auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(4096), as_result);
  buffer_.commit(size);
  co_return !error;
}

asio::awaitable<AdminSession::Error> AdminSession::read(Parser& parser) {
  stream_.expires_after(options_.head_timeout);
  const auto [head_error, head_size] =
      co_await http::async_read_header(stream_, buffer_, parser, as_result);
  if (head_error) co_return head_error;
  const auto expect = parser.get()[http::field::expect];
  if (!parser.is_done() && parser.get().version() == 11 &&
      core::iequals({expect.data(), expect.size()}, "100-continue"))
    if (!co_await write("HTTP/1.1 100 Continue\r\n\r\n")) co_return http::error::partial_message;
  stream_.expires_after(options_.head_timeout);
  const auto [body_error, body_size] =
      co_await http::async_read(stream_, buffer_, parser, as_result);
  stream_.expires_never();
  co_return body_error;
}

asio::awaitable<bool> AdminSession::write(const std::string& text) {
  stream_.expires_after(options_.head_timeout);
  const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(text), as_result);
  stream_.expires_never();
  co_return !error && !stopped_;
}

asio::awaitable<void> AdminSession::follow(EventWish wish) {
  EventFeed feed(control_, std::move(wish), options_.event_backlog, [this] { wake_.cancel(); });
  if (!co_await write(": events\n\n")) co_return;
  while (!stopped_) {
    std::string text = feed.take();
    if (feed.overrun()) {
      if (options_.log) {
        options_.log(LogLevel::warn,
                     "admin: event stream of " + peer_ + " closed: it reads too slowly");
      }
      co_return;
    }
    if (text.empty()) {
      wake_.expires_after(options_.heartbeat);
      const auto [cancelled] = co_await wake_.async_wait(as_result);
      if (cancelled) continue;
      text = ":\n\n";
    }
    if (!co_await write(text)) co_return;
  }
}

/// Lets a client that is still sending read the answer: closing at once would reset the connection
/// and could take the answer with it (RFC 9112 section 9.6).
asio::awaitable<void> AdminSession::say_goodbye() {
  Error ignored;
  stream_.socket().shutdown(Protocol::socket::shutdown_send, ignored);
  if (ignored) co_return;
  stream_.expires_after(goodbye_time);
  buffer_.clear();
  for (std::size_t taken = 0; taken < goodbye_limit;) {
    const auto [error, size] =
        co_await stream_.async_read_some(buffer_.prepare(16 * 1024), as_result);
    if (error) break;
    taken += size;
  }
}

}  // namespace sluice::proxy
