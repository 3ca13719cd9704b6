#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Entity tags and preconditions (RFC 9110 sections 8.8.3 and 13.1) of things that carry a
/// revision number.
namespace sluice::proxy {

/// The entity tag of a revision: `"7"`.
std::string entity_tag(std::uint64_t revision);

/// One If-Match or If-None-Match field.
struct RevisionCondition {
  struct Tag {
    bool weak = false;
    std::string opaque;  ///< without quotes
  };
  bool any = false;  ///< "*"
  std::vector<Tag> tags;

  /// Strong comparison, for If-Match: a weak tag matches nothing.
  bool matches_strongly(std::uint64_t revision) const;
  /// Weak comparison, for If-None-Match.
  bool matches_weakly(std::uint64_t revision) const;
};

/// None when the field is malformed.
std::optional<RevisionCondition> parse_condition(std::string_view field);

}  // namespace sluice::proxy
