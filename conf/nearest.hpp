#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::conf {

/// The number of letters to insert, remove, replace or swap with their neighbour to make `a` of
/// `b` (optimal string alignment distance). Compares octets; upper and lower case count as equal.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The word of `known` that `word` was probably meant to be: the one with the fewest edits, when
/// these are few for its length, or one of which `word` is the beginning. The first of equals.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known);

/// "; did you mean 'x'?" when there is a near word, else "; known <things>: a, b, c", or
/// "; there are no <things>" when nothing is known.
std::string suggestion(std::string_view word, std::span<const std::string_view> known,
                       std::string_view things);

}  // namespace sluice::conf
