#include "conf/reading.hpp"

#include <algorithm>

#include "conf/words.hpp"

namespace sluice::conf {
namespace {

/// What follows the path of a table or array in the path of something in it.
constexpr std::string_view child_marks = ".[";

}  // namespace

std::string below(const std::string& path, std::string_view key) {
  if (path.empty()) return std::string(key);
  std::string joined = path;
  joined += '.';
  joined += key;
  return joined;
}

std::string element(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

std::string_view parent_of(std::string_view path) {
  const auto end = path.find_last_of(child_marks);
  return end == std::string_view::npos ? std::string_view{} : path.substr(0, end);
}

void Reading::reject(const Spot& spot, std::string_view what) {
  const std::string prefix = spot.path.empty() ? "" : spot.path + ": ";
  report(spot.node.place, prefix + std::string(what));
  mark_unread(spot.path);
}

void Reading::report(Place place, std::string_view message) {
  findings_.push_back({place, printable(message)});
}

Place Reading::place_of(std::string_view path) const {
  for (; !path.empty(); path = parent_of(path)) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
  }
  return {};
}

bool Reading::unread_around(std::string_view path) const {
  for (std::string_view above = path; !above.empty(); above = parent_of(above)) {
    if (unread_.contains(above)) return true;
  }
  return unread_.contains("") || unread_within(path);
}

bool Reading::unread_within(std::string_view path) const {
  if (path.empty() || unread_.empty()) return !unread_.empty();
  if (unread_.contains(path)) return true;
  return std::any_of(child_marks.begin(), child_marks.end(), [&](char mark) {
    const std::string start = std::string(path) + mark;
    const auto first = unread_.lower_bound(start);
    return first != unread_.end() && first->starts_with(start);
  });
}

std::vector<Diagnostic> Reading::diagnostics(std::string_view file_name) const {
  std::vector<Finding> sorted = findings_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Finding& a, const Finding& b) { return a.place < b.place; });
  std::vector<Diagnostic> out;
  out.reserve(sorted.size());
  for (Finding& finding : sorted) {
    Diagnostic next{std::string(file_name), finding.place.line, finding.place.column,
                    std::move(finding.message)};
    if (out.empty() || out.back() != next) out.push_back(std::move(next));
  }
  return out;
}

}  // namespace sluice::conf
