#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace sluice::proxy {

/// The path and query of an instant query: below the path of the server's URL, `expr`
/// percent-encoded (RFC 3986 section 2.1).
std::string query_path(std::string_view server_path, std::string_view expr);

/// The values in the answer to an instant query of Prometheus's HTTP API: of a vector or a scalar,
/// without NaN and histograms. The error is a part of a sentence; no value left is one too.
core::Result<std::vector<double>, std::string> read_prometheus(unsigned status,
                                                               std::string_view body);

}  // namespace sluice::proxy
