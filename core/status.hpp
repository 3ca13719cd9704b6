#pragma once

#include <string_view>

namespace sluice::core {

/// The reason phrase of a status code that sluice itself answers with (RFC 9110 section 15);
/// "Refused" or "Error" for others from 400 on.
std::string_view reason_phrase(unsigned status);

}  // namespace sluice::core
