#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/choice.hpp"
#include "proxy/deadline.hpp"

namespace sluice::proxy {

/// What is known of one request at its end: the source of its metrics and of its access log line.
/// Strings keep their capacity from request to request.
struct Record {
  TimePoint started;                ///< the first octet of the head was there
  TimePoint attempted;              ///< the present attempt began
  TimePoint sent;                   ///< the head of the present attempt was given to be sent
  std::uint64_t connect_ns = 0;     ///< of the last attempt
  std::uint64_t head_ns = 0;        ///< of the last attempt: sent to first octet of the answer
  std::uint64_t first_head_ns = 0;  ///< of the first attempt; 0: it got no answer
  std::string method;
  // The texts of the request and of who serves it are kept only when there is an access log.
  std::string host;
  std::string path;  ///< with query
  std::string request_id;
  std::string trace;  ///< traceparent
  std::string_view route;
  std::string_view pool;
  std::string backend;
  core::Why why = core::Why::none;
  unsigned attempts = 0;
  unsigned status = 0;           ///< 0: none was sent
  std::uint64_t octets_in = 0;   ///< of the request body
  std::uint64_t octets_out = 0;  ///< sent to the client, heads included
  std::string_view error;        ///< static; "" when all went well
  std::uint64_t generation = 0;
  bool keeps_open = false;

  void reset();
};

/// Appends the access log line of `record` (JSON and a newline). `now_ms`: wall clock since the
/// Unix epoch.
void append_log_line(std::string& out, const Record& record, std::string_view client,
                     std::string_view listener, std::uint64_t duration_ns, std::int64_t now_ms);

}  // namespace sluice::proxy
