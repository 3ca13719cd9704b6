#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

/// Message heads, neutral of the protocol that carried them. All views point into a read buffer
/// that outlives the head; nothing is copied.
namespace sluice::core {

/// The field names that a proxy has to know; all others are `other`.
enum class FieldId : std::uint8_t {
  other,
  accept,
  alt_svc,
  authorization,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  http2_settings,
  keep_alive,
  location,
  max_forwards,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  proxy_status,
  server,
  set_cookie,
  te,
  trailer,
  traceparent,
  transfer_encoding,
  upgrade,
  via,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_request_id,
};

/// The id of a name, without regard to case. `other` when it is none of the above.
FieldId field_id(std::string_view name);

/// True when `a` and `b` are the same but for ASCII case.
bool iequals(std::string_view a, std::string_view b);

struct Field {
  std::string_view name;   ///< as received
  std::string_view value;  ///< without white space around it
  FieldId id = FieldId::other;
};

using Fields = std::vector<Field>;

/// The first field with this id, or nullptr.
const Field* find(const Fields& fields, FieldId id);

/// A request as a client sent it. `method` and `target` as received; `scheme`, `authority` and
/// `path` are what `resolve_target` (target.hpp) made of target and Host.
struct RequestHead {
  std::string_view method;
  std::string_view target;
  std::string_view scheme;     ///< "http" unless an absolute-form target names another
  std::string_view authority;  ///< host[:port]; from an absolute-form target, else Host; may be ""
  std::string_view path;       ///< path and query in origin form, or "*", never empty
  unsigned minor = 1;          ///< of HTTP/1.x as received
  Fields fields;

  bool is_head() const { return method == "HEAD"; }
};

struct ResponseHead {
  unsigned status = 0;
  std::string_view reason;
  unsigned minor = 1;
  Fields fields;
};

}  // namespace sluice::core
