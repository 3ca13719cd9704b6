#pragma once

#include <string>
#include <string_view>

/// What the admin interface answers about settings, laid out for people; see views.hpp.
namespace sluice::proxy::program {

/// What a reload did, or would do.
std::string reload_view(std::string_view json, bool colour);
std::string reload_history_view(std::string_view json, bool colour);
/// Why settings were refused: a line for each problem, as "file:line:column: what", then a summary.
std::string refused_settings_view(unsigned status, std::string_view json);

}  // namespace sluice::proxy::program
