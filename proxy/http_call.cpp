#include "proxy/http_call.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.hpp"
#include "proxy/as_result.hpp"

namespace sluice::proxy {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr std::uint32_t head_limit = 16 * 1024;

bool is_within(std::string_view text, char lowest) {
  return std::all_of(text.begin(), text.end(), [lowest](char c) { return c >= lowest && c < 127; });
}

std::string request_text(const HttpOrder& order) {
  const bool is_post = order.method == HttpOrder::Method::post;
  std::string text = (is_post ? "POST " : "GET ") + order.path + " HTTP/1.1\r\nHost: " + order.host;
  if (order.port != 80) text += ":" + std::to_string(order.port);
  text += "\r\nUser-Agent: sluice\r\nAccept: */*\r\nConnection: close\r\n";
  if (!is_post) return text + "\r\n";
  if (!order.content_type.empty()) text += "Content-Type: " + order.content_type + "\r\n";
  return text + "Content-Length: " + std::to_string(order.body.size()) + "\r\n\r\n" + order.body;
}

/// One call. Owned by what it waits for.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(asio::io_context& io, HttpOrder order, std::function<void(HttpAnswer)> done)
      : io_(io),
        order_(std::move(order)),
        done_(std::move(done)),
        timer_(io),
        resolver_(io),
        socket_(io) {}

  void start();
  /// Ends it without an answer.
  void cancel();

 private:
  using Error = boost::system::error_code;
  /// What failed, as a sentence; empty when nothing did.
  using Failure = std::string;

  enum class Phase : std::uint8_t { looking_up, connecting, sending, receiving };

  static asio::awaitable<void> run(std::shared_ptr<Call> self);
  Failure check();
  asio::awaitable<Failure> look_up();
  asio::awaitable<Failure> connect();
  asio::awaitable<Failure> exchange();
  asio::awaitable<Error> receive();
  Failure no_whole_answer(const Error& error) const;
  Failure too_late() const;
  void finish(HttpAnswer answer);
  void close();

  asio::io_context& io_;
  HttpOrder order_;
  std::function<void(HttpAnswer)> done_;
  asio::steady_timer timer_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  core::Address address_;
  std::string place_;  ///< the address, for sentences
  std::vector<tcp::endpoint> endpoints_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
  Phase phase_ = Phase::looking_up;
  bool is_ended_ = false;  ///< answered, or nobody wants an answer
};

void Call::start() {
  Failure refusal = check();
  if (!refusal.empty()) return finish({0, {}, std::move(refusal)});
  timer_.expires_after(order_.timeout);
  timer_.async_wait([self = shared_from_this()](const Error& error) {
    if (!error) self->finish({0, {}, self->too_late()});
  });
  asio::co_spawn(io_, run(shared_from_this()), asio::detached);
}

void Call::cancel() {
  is_ended_ = true;
  close();
  // It may own what cancels us.
  const auto forgotten = std::exchange(done_, nullptr);
}

/// Refuses what would be another request than the one that was meant.
Call::Failure Call::check() {
  auto parsed = core::parse_address(order_.host + ":" + std::to_string(order_.port));
  if (!parsed) return parsed.error();
  if (parsed->kind == core::Address::Kind::unix_path) return "a unix socket cannot be called";
  if (!order_.path.starts_with('/') || !is_within(order_.path, '!'))
    return "the path has to begin with \"/\" and be percent-encoded: " + order_.path;
  if (!is_within(order_.content_type, ' ')) return "the content type holds control characters";
  address_ = std::move(*parsed);
  place_ = core::to_string(address_);
  return {};
}

asio::awaitable<void> Call::run(std::shared_ptr<Call> self) {
  Call& call = *self;
  Failure failure = co_await call.look_up();
  if (failure.empty() && !call.is_ended_) failure = co_await call.connect();
  if (failure.empty() && !call.is_ended_) failure = co_await call.exchange();
  if (call.is_ended_) co_return;
  HttpAnswer answer;
  answer.error = std::move(failure);
  if (answer.error.empty()) {
    answer.status = call.parser_->get().result_int();
    answer.body = std::move(call.parser_->get().body());
  }
  call.finish(std::move(answer));
}

asio::awaitable<Call::Failure> Call::look_up() {
  if (address_.kind != core::Address::Kind::name) {
    endpoints_.emplace_back(asio::ip::make_address(address_.host), address_.port);
    co_return Failure{};
  }
  const auto [error, found] = co_await resolver_.async_resolve(
      address_.host, std::to_string(address_.port), tcp::resolver::numeric_service, as_result);
  if (error) co_return "look up " + address_.host + ": " + error.message();
  for (const auto& entry : found) endpoints_.push_back(entry.endpoint());
  co_return Failure{};
}

asio::awaitable<Call::Failure> Call::connect() {
  phase_ = Phase::connecting;
  Failure failure = "connect to " + place_ + ": no address";
  for (const tcp::endpoint& endpoint : endpoints_) {
    Error ignored;
    socket_.close(ignored);
    const auto [error] = co_await socket_.async_connect(endpoint, as_result);
    if (!error || is_ended_) co_return Failure{};
    failure = "connect to " + place_ + ": " + error.message();
  }
  co_return failure;
}

asio::awaitable<Call::Failure> Call::exchange() {
  phase_ = Phase::sending;
  const std::string text = request_text(order_);
  const auto [send_error, sent] =
      co_await asio::async_write(socket_, asio::buffer(text), as_result);
  if (is_ended_) co_return Failure{};
  phase_ = Phase::receiving;
  // A server may refuse a request before it has read it all; its answer says more than our error.
  const Error error = co_await receive();
  if (error && send_error) co_return "send to " + place_ + ": " + send_error.message();
  co_return error ? no_whole_answer(error) : Failure{};
}

/// Reads the answer, and the interim ones before it (RFC 9110 section 15.2).
asio::awaitable<Call::Error> Call::receive() {
  for (;;) {
    parser_.emplace();
    parser_->header_limit(head_limit);
    parser_->body_limit(order_.body_limit);
    const auto [error, size] = co_await http::async_read(socket_, buffer_, *parser_, as_result);
    if (error) co_return error;
    const unsigned status = parser_->get().result_int();
    if (status >= 200 || status == 101) co_return Error{};
  }
}

Call::Failure Call::no_whole_answer(const Error& error) const {
  if (error == http::error::body_limit)
    return "the answer of " + place_ + " has more than " + std::to_string(order_.body_limit) +
           " octets";
  if (error == http::error::end_of_stream)
    return place_ + " closed the connection without an answer";
  if (error == http::error::partial_message) return "the answer of " + place_ + " ends too early";
  if (error.category() == http::make_error_code(http::error::end_of_stream).category())
    return "the answer of " + place_ + " is malformed: " + error.message();
  return "receive from " + place_ + ": " + error.message();
}

Call::Failure Call::too_late() const {
  const Failure late = "no answer within " + std::to_string(order_.timeout.count()) + " ms";
  switch (phase_) {
    case Phase::looking_up:
      return late + ", still looking up " + address_.host;
    case Phase::connecting:
      return late + ", still connecting to " + place_;
    case Phase::sending:
      return late + ", still sending to " + place_;
    case Phase::receiving:
      break;
  }
  return parser_ && parser_->is_header_done() ? late + ", only a part of it" : late;
}

void Call::finish(HttpAnswer answer) {
  if (std::exchange(is_ended_, true)) return;
  close();
  asio::post(io_, [self = shared_from_this(), answer = std::move(answer)]() mutable {
    if (const auto done = std::exchange(self->done_, nullptr)) done(std::move(answer));
  });
}

void Call::close() {
  timer_.cancel();
  resolver_.cancel();
  Error ignored;
  socket_.close(ignored);
}

/// Cancels its call. Does not keep it: the call may be gone with its io_context.
struct CallToken {
  explicit CallToken(const std::shared_ptr<Call>& of) : call(of) {}
  CallToken(const CallToken&) = delete;
  CallToken& operator=(const CallToken&) = delete;
  ~CallToken() {
    if (const auto alive = call.lock()) alive->cancel();
  }
  std::weak_ptr<Call> call;
};

}  // namespace

std::shared_ptr<void> http_call(asio::io_context& io, HttpOrder order,
                                std::function<void(HttpAnswer)> done) {
  const auto call = std::make_shared<Call>(io, std::move(order), std::move(done));
  call->start();
  return std::make_shared<CallToken>(call);
}

}  // namespace sluice::proxy
