#pragma once

#include <string>
#include <vector>

#include "proxy/control.hpp"

/// What Control answers, as the JSON of the admin interface (docs/admin.md). Each ends with a line
/// feed.
namespace sluice::proxy {

std::string to_json(const Status& status);
std::string to_json(const RouteStatus& route);
std::string to_json(const std::vector<RouteStatus>& routes);
std::string to_json(const PoolStatus& pool);
std::string to_json(const std::vector<PoolStatus>& pools);
std::string to_json(const DrainStatus& drain);

/// Milliseconds since the Unix epoch as RFC 3339 in UTC: "2024-05-01T12:00:00.250Z".
std::string utc_text(std::int64_t ms);

}  // namespace sluice::proxy
