#pragma once

#include <string>
#include <string_view>

#include "tests/support/byte_stream.hpp"
#include "tests/support/message.hpp"
#include "tests/support/socket.hpp"

namespace sluice::support {

/// A request as text: `method target HTTP/1.1`, Host (test.example), `fields` ("Name: value\r\n"
/// each), and Content-Length with `body` unless it is empty.
std::string request_text(std::string_view method, std::string_view target,
                         std::string_view fields = "", std::string_view body = "");

/// A client that sends exactly the octets it is told to.
class RawClient {
 public:
  /// Connects; throws Failure.
  explicit RawClient(const std::string& address) : stream(connect_to(address)) {}

  bool send(std::string_view bytes) { return stream.send(bytes); }
  Response response(std::string_view method = "GET", Deadline deadline = {}) {
    return read_response(stream, method, deadline);
  }
  /// Sends and reads one answer.
  Response ask(std::string_view bytes, std::string_view method = "GET") {
    stream.send(bytes);
    return response(method);
  }
  /// GET `target` on this connection, which stays open.
  Response get(std::string_view target, std::string_view fields = "") {
    return ask(request_text("GET", target, fields));
  }
  /// True when the proxy ends the connection, in order or by reset, without another octet.
  bool is_ended(Deadline deadline = {}) {
    return stream.buffer.empty() && !stream.fill(deadline) && stream.ending() != Ending::late;
  }

  ByteStream stream;
};

}  // namespace sluice::support
