#include "proxy/program/admin_client.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>
#include <memory>

#include "proxy/errno_text.hpp"

namespace sluice::proxy::program {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::chrono::seconds connect_patience{5};

using Parser = http::response_parser<http::string_body>;

std::string reason(int error) {
  if (error == EAGAIN || error == EINPROGRESS) return "it did not answer in time";
  return errno_text(error);
}

/// A socket that closes itself.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

void set_patience(const Socket& socket, int option, std::optional<std::chrono::seconds> patience) {
  timeval limit{};
  if (patience) limit.tv_sec = static_cast<time_t>(patience->count());
  ::setsockopt(socket.get(), SOL_SOCKET, option, &limit, sizeof limit);
}

core::Result<Socket, std::string> connect_to(int family, const sockaddr* address,
                                             socklen_t length) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  set_patience(socket, SO_SNDTIMEO, connect_patience);
  if (socket.get() < 0 || ::connect(socket.get(), address, length) != 0) return reason(errno);
  return socket;
}

core::Result<Socket, std::string> connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::string("the path is too long");
  std::memcpy(&address.sun_path[0], path.data(), path.size());
  return connect_to(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

core::Result<Socket, std::string> connect_tcp(const AdminEndpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &found);
  if (error != 0) return std::string(::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
  std::string why = "it has no address";
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    auto socket = connect_to(at->ai_family, at->ai_addr, at->ai_addrlen);
    if (socket) return socket;
    why = socket.error();
  }
  return why;
}

/// Sends everything; the error number on failure.
int send_all(const Socket& socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return 0;
}

/// Feeds what has come to the parser; the error as a sentence, or "".
std::string parse(Parser& parser, beast::flat_buffer& buffer) {
  beast::error_code error;
  while (!error && buffer.size() > 0 && !parser.is_done()) {
    const std::size_t used = parser.put(buffer.data(), error);
    buffer.consume(used);
  }
  if (!error || error == http::error::need_more) return "";
  return "what it sent is not HTTP (" + error.message() + ")";
}

/// Hands the body that has come so far on, when it is that of a 200. False: no more is wanted.
bool hand_on(Parser& parser, const AdminClient::Piece& piece) {
  if (!piece || !parser.is_header_done() || parser.get().result_int() != 200) return true;
  const bool more = parser.get().body().empty() || piece(parser.get().body());
  parser.get().body().clear();
  return more;
}

/// Reads one answer; the error as a sentence, or "".
std::string receive(const Socket& socket, Parser& parser, const AdminClient::Piece& piece) {
  beast::flat_buffer buffer;
  while (!parser.is_done()) {
    const auto room = buffer.prepare(64 * 1024);
    const ssize_t size = ::recv(socket.get(), room.data(), room.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return reason(errno);
    if (size == 0) {
      beast::error_code error;
      if (parser.got_some()) parser.put_eof(error);
      return parser.is_done() ? "" : "it closed the connection in the middle of its answer";
    }
    buffer.commit(static_cast<std::size_t>(size));
    if (std::string why = parse(parser, buffer); !why.empty()) return why;
    if (!hand_on(parser, piece)) return "";
  }
  return "";
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

core::Result<AdminEndpoint, std::string> parse_endpoint(std::string_view text) {
  constexpr std::string_view local = "unix:";
  constexpr std::string_view scheme = "http://";
  AdminEndpoint endpoint;
  endpoint.text = text;
  if (text.starts_with(local)) {
    endpoint.path = text.substr(local.size());
    if (!endpoint.path.empty()) return endpoint;
  }
  if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && colon > 0) {
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    endpoint.host = host;
    endpoint.port = text.substr(colon + 1);
    const bool plain = host.find_first_of("/@[] ") == std::string_view::npos;
    if (!host.empty() && plain && is_port(endpoint.port)) return endpoint;
  }
  return "\"" + endpoint.text +
         "\" is not the address of an admin interface; write 127.0.0.1:9901, [::1]:9901, "
         "http://name:9901 or unix:/path.";
}

core::Result<AdminAnswer, std::string> AdminClient::call(const AdminOrder& order) const {
  return stream(order, nullptr);
}

core::Result<AdminAnswer, std::string> AdminClient::stream(const AdminOrder& order,
                                                           const Piece& piece) const {
  const auto socket =
      endpoint_.path.empty() ? connect_tcp(endpoint_) : connect_unix(endpoint_.path);
  if (!socket) return unreachable(socket.error());
  set_patience(*socket, SO_RCVTIMEO, order.patience);
  // A proxy that refuses a request early has answered by the time sending fails.
  const int send_error = send_all(*socket, request_text(order));
  Parser parser;
  parser.eager(true);
  parser.body_limit(boost::none);
  const std::string why = receive(*socket, parser, piece);
  if (!why.empty()) return unreachable(send_error != 0 ? reason(send_error) : why);
  AdminAnswer answer;
  answer.status = parser.get().result_int();
  const auto type = parser.get()[http::field::content_type];
  answer.content_type.assign(type.data(), type.size());
  answer.body = std::move(parser.get().body());
  return answer;
}

std::string AdminClient::request_text(const AdminOrder& order) const {
  std::string text = order.method + " " + order.target + " HTTP/1.1\r\nHost: ";
  if (!endpoint_.path.empty())
    text += "localhost";
  else if (endpoint_.host.find(':') != std::string::npos)
    text += "[" + endpoint_.host + "]:" + endpoint_.port;
  else
    text += endpoint_.host + ":" + endpoint_.port;
  text += "\r\nConnection: close\r\nUser-Agent: sluice\r\n";
  if (!token_.empty()) text += "Authorization: Bearer " + token_ + "\r\n";
  for (const auto& [name, value] : order.fields) text += name + ": " + value + "\r\n";
  if (!order.body.empty() || order.method != "GET") {
    if (!order.body.empty()) text += "Content-Type: application/json\r\n";
    text += "Content-Length: " + std::to_string(order.body.size()) + "\r\n";
  }
  return text + "\r\n" + order.body;
}

std::string AdminClient::unreachable(std::string_view why) const {
  return "cannot reach the proxy at " + endpoint_.text + ": " + std::string(why) +
         ". Check that it runs and that this is the address in [admin] of its configuration; "
         "--admin or SLUICE_ADMIN names another.";
}

}  // namespace sluice::proxy::program
