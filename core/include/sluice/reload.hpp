#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

/// Settings that take the place of others while a proxy runs, as plain values.
namespace sluice {

/// What a reload does to one thing.
enum class ChangeKind : std::uint8_t { added, removed, changed };
std::string_view to_string(ChangeKind kind);

/// One thing that differs between two settings.
struct SettingsChange {
  /// "server", "limits", "listener 0.0.0.0:80", "pool shop-v2", "route shop"; "listeners", "pools"
  /// and "routes" when only their order differs.
  std::string subject;
  ChangeKind kind = ChangeKind::changed;
  /// Of a change, one entry a key: "split: shop-v1=100 shop-v2=0 -> shop-v1=90 shop-v2=10",
  /// "backends: +127.0.0.1:9003 -127.0.0.1:9002".
  std::vector<std::string> details = {};
  bool operator==(const SettingsChange&) const = default;
};

/// What came out of the place that settings are read from.
struct SettingsSource {
  std::string text;               ///< as it was read; "" when it could not be
  Settings settings;              ///< to be used only without problems
  std::vector<Problem> problems;  ///< `where` is a place in the text: "file:line:column"
};

/// Reads the settings anew from where they are kept, such as a file; with a text, that text, which
/// it gave out earlier. Called on the control thread. What it throws counts as a problem.
using ReadSettings = std::function<SettingsSource(const std::optional<std::string>& text)>;

/// How settings are to be put in force.
struct ReloadOrder {
  bool dry_run = false;  ///< only say what would change
  /// Go back to the settings before after this time, unless it is confirmed.
  std::optional<milliseconds> confirm = {};
  /// For one who saw a text with this hash (as in ReloadRecord; "": it could not be read): nothing
  /// happens when that is the text which a reload or a rollback read last, so what was put in force
  /// since stays. A 409 counts as not read and is not told to the observer, so that it can be asked
  /// again until it is none.
  std::optional<std::string> unless_read = {};
};

/// One entry of the history of settings: what was put in force, or ran from the start.
struct ReloadRecord {
  std::uint64_t number = 0;  ///< grows by one
  std::int64_t at_ms = 0;    ///< since the Unix epoch
  std::string who;           ///< as the admin interface or the caller of the library named it
  std::string from;          ///< address of the caller, "unix" or "library"; "" at a start
  /// "start", "reload", "library" (Proxy::reload), "rollback to 3", "confirmation did not come";
  /// "took over": ran here already when this process began to decide for the state folder
  std::string why;
  std::string hash;                  ///< of the text, 16 hex digits; "" without a text
  std::vector<std::string> changes;  ///< against the entry before, in sentences
  std::string text;                  ///< "" when a program gave settings without one
  bool operator==(const ReloadRecord&) const = default;
};

}  // namespace sluice
