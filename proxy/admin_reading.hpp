#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/outcome.hpp"

/// The strict reading of JSON that the bodies of the admin interface share, and how it words what
/// is wrong.
namespace sluice::proxy {

/// 422 with this sentence.
Denial unacceptable(std::string detail);

/// `where` is of another type than it must be.
Denial wrong_type(std::string_view where, const boost::json::value& found, std::string_view wanted);

/// The names with commas between.
std::string listed(const std::vector<std::string_view>& names);

/// The first member whose name is not among `allowed`. `where`: path of the object, "" at the top.
std::optional<Denial> unknown_member(const boost::json::object& object,
                                     const std::vector<std::string_view>& allowed,
                                     std::string_view where = "");

/// The body as a value, or a 400 that names line and column and says to send `example`.
Outcome<boost::json::value> parse_json(std::string_view body, std::string_view example);

}  // namespace sluice::proxy
