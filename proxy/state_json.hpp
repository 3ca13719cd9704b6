#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/overrides.hpp"
#include "core/result.hpp"

namespace sluice::proxy {

/// The overrides as the text of a state file (JSON, format 2).
std::string to_state_text(const core::Overrides& overrides);

/// Reads such a text, or one of format 1, which knows no rollouts. The error is a sentence that
/// says where and what is wrong, or that the file was written by a newer version.
core::Result<core::Overrides, std::string> read_state_text(std::string_view text);

/// The format of a text that a newer version wrote; none when it is not such a text.
std::optional<std::int64_t> newer_format(std::string_view text);

}  // namespace sluice::proxy
