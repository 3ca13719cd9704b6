#include "core/status.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::core {
namespace {

constexpr auto phrases = std::to_array<std::pair<unsigned, std::string_view>>({
    {200, "OK"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
});

}  // namespace

std::string_view reason_phrase(unsigned status) {
  const auto* known = std::find_if(phrases.begin(), phrases.end(),
                                   [&](const auto& entry) { return entry.first == status; });
  if (known != phrases.end()) return known->second;
  return status < 400 ? "OK" : status < 500 ? "Refused" : "Error";
}

}  // namespace sluice::core
