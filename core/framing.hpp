#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/head.hpp"
#include "core/result.hpp"

/// How long a message is, and which heads are refused because two readers could disagree about
/// it (RFC 9112 sections 2.2, 5, 6; http-duties "Framing" and "Request line and Host"). Where the
/// RFC leaves a choice, these functions refuse. Pure; no allocation.
namespace sluice::core {

/// Why a message is refused. `status` is what the proxy answers itself.
struct Refusal {
  unsigned status = 400;
  std::string_view detail;  ///< static text for the answer's body and the log
};

enum class BodyKind : std::uint8_t {
  none,         ///< no body
  length,       ///< exactly `length` octets
  chunked,      ///< chunked transfer coding
  until_close,  ///< answers only: until the backend closes
};

struct BodyFraming {
  BodyKind kind = BodyKind::none;
  std::uint64_t length = 0;  ///< for BodyKind::length; may be 0
  bool operator==(const BodyFraming&) const = default;
};

/// Looks at the octets of a whole head (first line to the empty line, both included; no empty line
/// before the first) for what no field-level rule can see any more: NUL, bare CR, bare LF, a line
/// that begins with white space (folding), a control character in a line. HTAB and octets above
/// 0x7f pass. One pass. The status is 400; for the head of an answer the caller makes it 502.
std::optional<Refusal> check_head_octets(std::string_view raw);

/// Connection options that a head may name; more are refused.
inline constexpr std::size_t max_connection_options = 32;

/// A Content-Length value: 1 to 19 decimal digits and nothing else, below 2^63.
std::optional<std::uint64_t> parse_content_length(std::string_view value);

/// The body of a request: Transfer-Encoding and Content-Length rules for requests (RFC 9112
/// section 6). A request without either has none. Refuses with 400: a Transfer-Encoding that is
/// not one field saying `chunked`, or that comes in HTTP/1.0 or beside a Content-Length; more than
/// one Content-Length, equal or not, or a malformed one; more than `max_connection_options`.
/// Requires what every codec guarantees: names are tokens, values hold no control characters.
Result<BodyFraming, Refusal> frame_request(const RequestHead& head);

/// The body of a final answer. `to_head`: it answers a HEAD. 1xx, 204, 304 and answers to HEAD
/// have none whatever their framing fields say. Refusals have status 502, for the same reasons as
/// for a request, and for a status outside 100 to 999.
Result<BodyFraming, Refusal> frame_response(const ResponseHead& head, bool to_head);

}  // namespace sluice::core
