#include "proxy/admin_revision.hpp"

#include <algorithm>

namespace sluice::proxy {
namespace {

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

std::optional<RevisionCondition::Tag> take_tag(std::string_view& text) {
  RevisionCondition::Tag tag;
  if (text.starts_with("W/")) {
    tag.weak = true;
    text.remove_prefix(2);
  }
  if (!text.starts_with('"')) return std::nullopt;
  const std::size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.opaque = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return tag;
}

}  // namespace

std::string entity_tag(std::uint64_t revision) {
  return '"' + std::to_string(revision) + '"';
}

bool RevisionCondition::matches_strongly(std::uint64_t revision) const {
  return any || std::any_of(tags.begin(), tags.end(), [&](const Tag& tag) {
           return !tag.weak && tag.opaque == std::to_string(revision);
         });
}

bool RevisionCondition::matches_weakly(std::uint64_t revision) const {
  return any || std::any_of(tags.begin(), tags.end(),
                            [&](const Tag& tag) { return tag.opaque == std::to_string(revision); });
}

std::optional<RevisionCondition> parse_condition(std::string_view field) {
  RevisionCondition condition;
  skip_blanks(field);
  if (field.starts_with('*')) {
    field.remove_prefix(1);
    skip_blanks(field);
    condition.any = true;
    return field.empty() ? std::optional(condition) : std::nullopt;
  }
  while (true) {
    auto tag = take_tag(field);
    if (!tag) return std::nullopt;
    condition.tags.push_back(std::move(*tag));
    skip_blanks(field);
    if (field.empty()) return condition;
    if (field.front() != ',') return std::nullopt;
    field.remove_prefix(1);
    skip_blanks(field);
  }
}

}  // namespace sluice::proxy
