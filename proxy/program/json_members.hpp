#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The members of what the admin interface answers, read without asking much: one that is missing
/// or of another type reads as nothing.
namespace sluice::proxy::program {

/// None when the text is no JSON object.
std::optional<boost::json::object> parse_object(std::string_view text);

/// "" for nothing.
std::string text_of(const boost::json::object& object, boost::json::string_view name);
double decimal_of(const boost::json::object& object, boost::json::string_view name);
/// 0 for what is negative.
std::uint64_t count_of(const boost::json::object& object, boost::json::string_view name);
bool flag_of(const boost::json::object& object, boost::json::string_view name);
/// The objects in an array member.
std::vector<boost::json::object> list_of(const boost::json::object& object,
                                         boost::json::string_view name);
boost::json::object object_of(const boost::json::object& object, boost::json::string_view name);

/// At most two decimals, none when they are zero.
std::string decimal_text(double value);

}  // namespace sluice::proxy::program
