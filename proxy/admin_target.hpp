#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::proxy {

/// A request target taken apart: segments and query, percent-decoded after they were separated, so
/// that a segment may hold a slash ("unix:%2Frun%2Fapp.sock").
struct AdminTarget {
  std::vector<std::string> segments;  ///< "/v1/routes" is {"v1", "routes"}; "/" is empty
  std::vector<std::pair<std::string, std::string>>
      query;  ///< in order; without "=" the value is ""
};

/// Reads a target in origin-form (RFC 9112 section 3.2.1). None when it does not begin with a slash
/// or holds an incomplete percent-encoding.
std::optional<AdminTarget> parse_admin_target(std::string_view target);

/// The text with everything but unreserved characters (RFC 3986 section 2.3), ':', '[' and ']'
/// percent-encoded: one path segment or query value.
std::string encode_segment(std::string_view text);

}  // namespace sluice::proxy
