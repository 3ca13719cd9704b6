#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/framing.hpp"
#include "core/head.hpp"

/// What changes in a head between the two hops (RFC 9110 sections 7.6 to 7.8), and the text of the
/// head that goes out. Text is appended to a string that the caller reuses, so that the steady
/// state allocates nothing.
namespace sluice::core {

/// What the Connection fields of a head say.
///
/// A field that Connection names is removed from the head in which it stands, in both directions
/// (RFC 9110 section 7.6.1), but for those that are meant for every recipient or that the proxy
/// itself relies on; naming these is ignored: Host, Content-Length, Transfer-Encoding,
/// Content-Type, Expect, Authorization, Cookie, Set-Cookie, Date, Location, Max-Forwards, Via,
/// Forwarded, X-Forwarded-For, -Host and -Proto, X-Request-Id and traceparent. Connection,
/// Keep-Alive, Proxy-Connection, Proxy-Authorization (requests), HTTP2-Settings, TE and Upgrade are
/// removed whether named or not.
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;  ///< "upgrade" is named (the Upgrade field itself is looked at elsewhere)
  bool te = false;       ///< "TE" is named
  bool names_others = false;  ///< names some further field that has to go
};
ConnectionOptions connection_options(const Fields& fields);

/// True when the sender of this head keeps the connection open after it (RFC 9112 section 9.3).
bool persists(unsigned minor, const ConnectionOptions& options);

/// The protocol a request asks to upgrade to ("websocket", any one protocol but h2c and other
/// versions of HTTP), or "" when it does not ask: needs `Connection: upgrade`, one Upgrade field
/// with one protocol, HTTP/1.1 and no body.
std::string_view wants_upgrade(const RequestHead& head, const ConnectionOptions& options,
                               const BodyFraming& body);

/// True when the request carries `Expect: 100-continue` (HTTP/1.1 only).
bool expects_continue(const RequestHead& head);

/// A refusal with 417 when an Expect field holds anything but 100-continue.
std::optional<Refusal> check_expectation(const RequestHead& head);

/// What the proxy adds to a request on its way to a backend.
struct RequestAdditions {
  std::string_view client_ip;                 ///< for X-Forwarded-For, without port or brackets
  std::string_view listener_scheme = "http";  ///< for X-Forwarded-Proto
  bool trust_forwarded =
      false;  ///< the client is a trusted proxy: append to what it sent; else replace it
  bool forwarded = false;        ///< send Forwarded (RFC 7239) as well
  std::string_view request_id;   ///< value of X-Request-Id: the client's when usable, else a new
                                 ///< one; "" leaves what the client sent
  std::string_view traceparent;  ///< value of traceparent: the client's when valid, else a new one
                                 ///< (then tracestate goes); "" leaves what the client sent
  std::string_view upgrade;      ///< protocol to upgrade to; "" drops Upgrade
};

/// Appends the head of `head` as it goes to a backend in HTTP/1.1: request line in origin form,
/// Host first, the client's fields in their order without what belongs to the client's hop, then
/// Content-Length or Transfer-Encoding after `body` (exactly one of them, or none when kind is
/// none), Via, X-Forwarded-*, Forwarded, X-Request-Id, traceparent, "TE: trailers" re-nominated,
/// and Connection/Upgrade when upgrading. Via names the version the client spoke.
///
/// From a client that is not trusted every X-Forwarded-* field and Forwarded are removed and ours
/// written once. From a trusted one X-Forwarded-For and, when `forwarded`, Forwarded are merged
/// into one line with ours at the end, X-Forwarded-Host and -Proto are added only where missing,
/// and the others pass. Expect goes only with HTTP/1.1, Trailer only with a chunked body.
/// Requires a head that `frame_request` and `resolve_target` let pass.
void write_request_head(std::string& out, const RequestHead& head, const BodyFraming& body,
                        const RequestAdditions& additions);

/// How an answer goes to the client.
struct ResponseAdditions {
  unsigned client_minor = 1;  ///< of the client's HTTP/1.x
  bool close = false;         ///< the proxy closes after this answer: say so
  bool keep_alive = false;    ///< an HTTP/1.0 client asked to keep the connection: say so
  bool to_head =
      false;  ///< it answers a HEAD: Content-Length may stand for a body that does not come
  std::string_view upgrade;     ///< protocol switched to (101 only)
  std::string_view set_cookie;  ///< whole value of a Set-Cookie of ours, or ""
  std::string_view request_id;  ///< X-Request-Id to show, or ""
  std::string_view date;        ///< IMF-fixdate to add when the answer has no Date
};

/// Appends the head of a final or interim answer as it goes to the client. `body` is how the proxy
/// frames it towards the client: `until_close` for an HTTP/1.0 client where the length is not
/// known; it always says `Connection: close`. 1xx and 204 carry no framing fields. 304 and answers
/// to HEAD keep the Content-Length they came with when it is a valid one, else that of `body`.
/// Interim answers but 101 get none of the additions.
/// Requires a head that `frame_response` let pass.
void write_response_head(std::string& out, const ResponseHead& head, const BodyFraming& body,
                         const ResponseAdditions& additions);

/// The framing towards the client of a body that came framed as `body`: a close-delimited body
/// becomes chunked for HTTP/1.1 clients and stays until_close for HTTP/1.0; chunked becomes
/// until_close for 1.0.
BodyFraming client_framing(const BodyFraming& body, unsigned client_minor);

/// True when a request of this method may be sent again although a backend may have processed it
/// (RFC 9110 section 9.2.2). Methods are case-sensitive.
bool is_idempotent(std::string_view method);

/// A usable X-Request-Id: 1 to 128 visible ASCII characters.
bool is_usable_request_id(std::string_view value);

/// A valid traceparent (W3C Trace Context, section 3.2).
bool is_valid_traceparent(std::string_view value);

/// A new request id: 32 lower-case hexadecimal digits of two random words. `out` is overwritten.
void make_request_id(std::string& out, std::uint64_t high, std::uint64_t low);

/// A new traceparent, version 00, sampled, from three random words. `out` is overwritten.
void make_traceparent(std::string& out, std::uint64_t high, std::uint64_t low, std::uint64_t span);

/// The value of cookie `name` in the Cookie fields, or "" (RFC 6265 section 5.4).
std::string_view cookie_value(const Fields& fields, std::string_view name);

}  // namespace sluice::core
