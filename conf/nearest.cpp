#include "conf/nearest.hpp"

#include <algorithm>
#include <vector>

#include "conf/words.hpp"

namespace sluice::conf {
namespace {

/// Longer words are not compared: nobody types one by mistake, and the cost is quadratic.
constexpr std::size_t max_compared = 64;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(char a, char b) {
  return lower(a) == lower(b);
}

bool begins_with(std::string_view word, std::string_view start) {
  return word.size() >= start.size() && std::equal(start.begin(), start.end(), word.begin(), same);
}

std::size_t allowed_edits(std::size_t length) {
  if (length <= 1) return 0;
  if (length <= 4) return 1;
  return length <= 8 ? 2 : 3;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known) {
  if (word.size() > max_compared) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t fewest = 0;
  for (const std::string_view candidate : known) {
    if (candidate.size() > max_compared) continue;
    const std::size_t edits = edit_distance(word, candidate);
    if (edits > allowed_edits(std::min(word.size(), candidate.size()))) continue;
    if (best && edits >= fewest) continue;
    best = candidate;
    fewest = edits;
  }
  if (best || word.size() < 3) return best;
  const auto longer = std::find_if(known.begin(), known.end(), [&](std::string_view candidate) {
    return begins_with(candidate, word);
  });
  return longer == known.end() ? best : *longer;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known,
                       std::string_view things) {
  if (const auto near = nearest(word, known)) return "; did you mean " + in_quotes(*near) + "?";
  if (known.empty()) return "; there are no " + std::string(things);
  return "; known " + std::string(things) + ": " + joined(known);
}

}  // namespace sluice::conf
