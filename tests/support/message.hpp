#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/byte_stream.hpp"

/// A strict reader of HTTP/1.1 messages (RFC 9112) for both ends of the tests. Anything that the
/// grammar does not allow is a Failure: the tests must see what a lenient peer would hide.
namespace sluice::support {

/// The fields of a head or of trailers, in order, names as they came.
struct Fields {
  std::vector<std::pair<std::string, std::string>> entries;

  std::vector<std::string> all(std::string_view name) const;
  std::size_t count(std::string_view name) const { return all(name).size(); }
  bool has(std::string_view name) const { return count(name) > 0; }
  /// The first value of `name`, or "".
  std::string get(std::string_view name) const;
};

struct Head {
  std::string bytes;  ///< exactly as received, with the empty line
  std::string start_line;
  Fields fields;
};

/// Throws Malformed (bare CR, LF, NUL, folding, no colon, ...), or Failure when cut or late.
Head read_head(ByteStream& stream, Deadline deadline = {});

/// Reads the next chunk (RFC 9112 7.1) of at least one octet, or nullopt at the last one, after
/// which `trailers` holds the trailer section. Throws Failure.
std::optional<std::string> read_chunk(ByteStream& stream, Fields& trailers, Deadline deadline = {});

enum class Framing : std::uint8_t { none, length, chunked, until_close };

/// An answer as a client sees it.
struct Response {
  std::string head;     ///< exactly as received
  unsigned status = 0;  ///< 0: no answer came
  unsigned minor = 1;   ///< of HTTP/1.x
  std::string reason;
  Fields fields;
  Framing framing = Framing::none;
  std::string body;
  Fields trailers;
  std::vector<Response> interim;  ///< the 1xx answers before it
  bool complete = false;          ///< the body came whole by its framing
  std::string trouble;            ///< what went wrong when it is not complete
};
std::ostream& operator<<(std::ostream& out, const Response& response);

/// Reads one final answer to a request of `method`, with the interim ones before it (101 is final).
/// Never throws: what came is in the answer, with `trouble`.
Response read_response(ByteStream& stream, std::string_view method = "GET", Deadline deadline = {});

/// Reads the head of one answer, interim or final, and leaves its body in `stream`.
Response read_response_head(ByteStream& stream, std::string_view method = "GET",
                            Deadline deadline = {});

bool same_name(std::string_view a, std::string_view b);

/// `body` in chunks of `size` octets, with the last chunk and `trailers` ("Name: value\r\n"...).
std::string in_chunks(std::string_view body, std::size_t size, std::string_view trailers = "");

}  // namespace sluice::support
