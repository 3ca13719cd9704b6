#pragma once

#include <string>
#include <vector>

#include "conf/reading.hpp"
#include "conf/values.hpp"
#include "sluice/settings.hpp"

namespace sluice::conf {

/// Reads one [route.NAME]. `inherited` are the deadlines of the file.
RouteSettings read_route(const Named& named, const TimeoutSettings& inherited, Reading& reading);

/// Appends the keys of a route; `path` is that of all routes.
void list_route_keys(const std::string& path, std::vector<std::string>& out);

}  // namespace sluice::conf
