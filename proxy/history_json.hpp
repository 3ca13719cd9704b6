#pragma once

#include <cstdint>
#include <functional>
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

/// The name of the file that holds the text of a record; "" when it has none.
std::string text_file_of(const ReloadRecord& record);

/// Whether a name is one that text_file_of() gives: it leads nowhere else.
bool is_text_file(std::string_view name);

/// The history as the text of its file (JSON, format 2). The texts of the records are in files of
/// their own: a reload then writes its own text and not those of all before.
std::string to_history_text(const ReloadRecords& records);

/// The text in a file that text_file_of() named; none when it cannot be read or is another one.
using ReadText = std::function<std::optional<std::string>(const std::string& file)>;

/// Reads a history, also one of format 1, which has the texts in it. A text that is missing leaves
/// its record without one. The error is a sentence that says what is wrong with it.
core::Result<ReloadRecords, std::string> read_history_text(std::string_view text,
                                                           const ReadText& read_text);

/// The format of a text that a newer version wrote; none for any other.
std::optional<std::uint64_t> newer_history_format(std::string_view text);

}  // namespace sluice::proxy
