#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/document.hpp"
#include "core/text_map.hpp"
#include "sluice/conf.hpp"

namespace sluice::conf {

/// A value and its dotted path, as in Problem::where.
struct Spot {
  const Node& node;
  std::string path;
};

/// `path` and `key` as one dotted path; `key` alone at the top level.
std::string below(const std::string& path, std::string_view key);

/// "path[index]"
std::string element(const std::string& path, std::size_t index);

/// The path one step up: "a.b[1].c" -> "a.b[1]" -> "a.b" -> "a" -> "".
std::string_view parent_of(std::string_view path);

/// What is known while one file is read: where each path stands, what is wrong, and which paths
/// therefore have no value that could be judged further.
class Reading {
 public:
  /// `path` stands at `place`.
  void note(std::string path, Place place) { places_.insert_or_assign(std::move(path), place); }

  /// The value at `path` is wrong; `what` follows the path in the message.
  void reject(const Spot& spot, std::string_view what);

  /// Something is wrong at `place`, in the words of `message`.
  void report(Place place, std::string_view message);

  /// The value of `path` is not known, for a reason that has been reported.
  void mark_unread(const std::string& path) { unread_.insert(path); }

  /// The place of `path`, or of the nearest path above it that stands in the file.
  Place place_of(std::string_view path) const;

  /// Whether every value of the file could be read.
  bool all_read() const { return unread_.empty(); }

  /// Whether `path` itself could not be read.
  bool unread(std::string_view path) const { return unread_.contains(path); }

  /// Whether `path`, something above it or something below it could not be read.
  bool unread_around(std::string_view path) const;

  /// Whether `path` or something below it could not be read.
  bool unread_within(std::string_view path) const;

  /// Everything reported, sorted by place, without repetition.
  std::vector<Diagnostic> diagnostics(std::string_view file_name) const;

 private:
  struct Finding {
    Place place;
    std::string message;
  };

  core::TextMap<Place> places_;
  std::set<std::string, std::less<>> unread_;
  std::vector<Finding> findings_;
};

}  // namespace sluice::conf
