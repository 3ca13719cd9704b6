#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "sluice/reload.hpp"

namespace sluice::proxy {

/// Entries of a history of settings, oldest first. Shared, since a thread may be writing them.
using ReloadRecords = std::vector<std::shared_ptr<const ReloadRecord>>;

/// The history as the text of its file (JSON, format 1).
std::string to_history_text(const ReloadRecords& records);

/// Reads such a text. The error is a sentence that says what is wrong with it.
core::Result<ReloadRecords, std::string> read_history_text(std::string_view text);

/// The format of a text that a newer version wrote; none for any other.
std::optional<std::uint64_t> newer_history_format(std::string_view text);

}  // namespace sluice::proxy
