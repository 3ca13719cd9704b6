#pragma once

#include <string>
#include <string_view>

#include "sluice/snapshot.hpp"

/// Prometheus refuses a whole exposition for one repeated series or one label that is not UTF-8.
namespace sluice::metrics {

/// `text` with U+FFFD for each byte that is not part of valid UTF-8 (RFC 3629 section 4).
std::string valid_utf8(std::string_view text);

/// The snapshot with valid labels, sorted by label, and without two entries of the same labels:
/// counts are added; of two weights, rollouts or values of evidence the later one holds; a backend
/// is gone only when every entry says so, and its condition is that of the entries that are not
/// gone (up when all are, draining when one is).
Snapshot distinct(Snapshot snapshot);

}  // namespace sluice::metrics
