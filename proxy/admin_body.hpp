#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/control.hpp"

/// The JSON bodies and query parameters that the admin interface takes, read strictly: a body that
/// is not JSON is a 400 that names line and column; a member that is unknown, missing or of the
/// wrong type is a 422 that names it and says what is allowed.
namespace sluice::proxy {

using Query = std::vector<std::pair<std::string, std::string>>;

/// `{"weights":{"shop-v1":90,"shop-v2":12.5}}`
Outcome<std::vector<ShareSettings>> read_split(std::string_view body);

/// `{"backends":["127.0.0.1:9001",{"address":"127.0.0.1:9002","weight":2}]}`
Outcome<std::vector<BackendSettings>> read_backends(std::string_view body);

/// `{"address":"127.0.0.1:9002","weight":2}` or `"127.0.0.1:9002"`
Outcome<BackendSettings> read_backend(std::string_view body);

struct DrainWish {
  std::optional<milliseconds> deadline;
  bool wait = false;
};

/// `{"deadline":"30s","wait":true}`, both optional, or the same as query parameters; an empty body
/// is `{}`. A value that is given twice and differs is refused.
Outcome<DrainWish> read_drain(std::string_view body, const Query& query);

/// Refuses a query parameter whose name is not among `allowed`.
std::optional<Denial> unknown_parameter(const Query& query,
                                        const std::vector<std::string_view>& allowed);

/// Refuses a body that is neither empty nor an empty JSON object.
std::optional<Denial> unexpected_body(std::string_view body);

}  // namespace sluice::proxy
