#pragma once

#include <string>
#include <string_view>

/// What the admin interface answers, laid out for people. Each takes the JSON of the answer; a
/// member that is missing reads as zero or "", and what is no JSON is shown as it is.
namespace sluice::proxy::program {

std::string status_view(std::string_view json, bool colour);
std::string routes_view(std::string_view json, bool colour);
std::string route_view(std::string_view json, bool colour);
std::string pools_view(std::string_view json, bool colour);
std::string pool_view(std::string_view json, bool colour);

/// A drain in one sentence.
std::string drain_view(std::string_view json);
/// How a drain stands.
struct DrainVerdict {
  bool drained = false;
  bool deadline_passed = false;
};
DrainVerdict drain_verdict(std::string_view json);

/// The members of a JSON object as `name=value` in one line.
std::string members_view(std::string_view json);

/// The title and detail of a problem+json (RFC 9457), or the first line of anything else.
std::string problem_view(unsigned status, std::string_view body);

}  // namespace sluice::proxy::program
