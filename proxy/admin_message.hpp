#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/log_sink.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"
#include "sluice/snapshot.hpp"

/// Requests and replies of the admin interface as plain values, so that every call can be tried
/// without a socket.
namespace sluice::proxy {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A whole request, body included.
struct AdminRequest {
  std::string method;
  std::string target;  ///< origin-form, as received
  Fields fields;
  std::string body;
  std::string peer;  ///< "127.0.0.1:40000", "[::1]:40000" or "unix"

  /// The value of the first field of this name, compared without regard to case.
  std::optional<std::string_view> field(std::string_view name) const;
  /// The values of all fields of this name, joined with ", "; none when there is no such field.
  std::optional<std::string> joined(std::string_view name) const;
};

/// What a reader of the event stream asks for.
struct EventWish {
  std::optional<std::uint64_t> after;  ///< resume behind this id; none: only what is new
  std::vector<std::string> types;      ///< only these; empty: all
};

struct AdminReply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  Fields fields;                    ///< further fields: ETag, Allow, WWW-Authenticate
  std::optional<EventWish> events;  ///< set: the answer is an event stream, `body` is empty
};

/// How the admin interface behaves.
struct AdminOptions {
  std::string token;  ///< expected in `Authorization: Bearer`; empty: none is needed
  std::function<std::string(const Snapshot&)> render_metrics;  ///< Prometheus text 0.0.4
  milliseconds head_timeout{10'000};  ///< for a head, for a body and for each write
  milliseconds idle_timeout{60'000};  ///< between two requests of a connection
  milliseconds heartbeat{15'000};     ///< between two comments on a quiet event stream
  std::size_t max_connections = 256;
  std::uint64_t body_limit = 1024 * 1024;
  std::uint32_t head_limit = 16 * 1024;
  std::size_t event_backlog = 256;  ///< events that a reader may lag behind before it is cut
  LogSink log = {};
};

/// 200 with JSON.
AdminReply json_reply(std::string body);

/// An error as RFC 9457 problem+json. An empty title stands for the reason phrase. `problems`, when
/// there are any, become a member "problems" of objects with "where" and "what".
AdminReply problem_reply(unsigned status, std::string_view title, std::string_view detail,
                         const std::vector<Problem>& problems = {});

}  // namespace sluice::proxy
