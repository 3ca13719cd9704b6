#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/overrides.hpp"
#include "proxy/control.hpp"
#include "proxy/notices.hpp"
#include "proxy/reload_history.hpp"

namespace sluice::proxy {

/// Other settings, and what they change in those configured.
struct SettingsDraft {
  Settings settings;
  std::vector<SettingsChange> changes;
  /// To lie over them; none: those in force.
  std::optional<core::Overrides> overrides = {};
};

/// What a reload does to the proxy and needs to know of it. Control thread.
class ReloadGround {
 public:
  virtual ~ReloadGround() = default;

  /// As they were given, without what was changed at run time.
  virtual const Settings& configured_settings() const = 0;
  virtual std::uint64_t generation() const = 0;
  /// What was changed at run time and holds.
  virtual const core::Overrides& overrides() const = 0;
  /// The id of a rollout that `next` would end for good; "" when there is none.
  virtual std::string ends_rollout(const Settings& next) const = 0;
  /// A sentence for each change made at run time that `next` would undo, or what stands against it.
  /// Opens no socket.
  virtual Outcome<std::vector<std::string>> try_settings(const Settings& next) const = 0;
  /// Puts the draft in force as one new plan, and tells so; or says why nothing has changed, and
  /// then `done` is never called. It is called later, when every worker has the plan and what was
  /// changed at run time is on disk.
  virtual std::optional<Denial> put_settings(SettingsDraft draft, const Actor& actor,
                                             std::function<void(ReloadStatus)> done) = 0;
  /// The process that decides for the state folder, when it is another one; else "".
  virtual const std::string& state_held_by() const = 0;
};

/// By whom the history says that settings came into force when nobody asked for it.
inline const std::string own_name = "sluice";

/// Where settings come from, which ones ran, and the way back: reads them anew, keeps the history,
/// and goes back when a confirmation does not come. Control thread.
class Reloads {
 public:
  struct Parts {
    boost::asio::io_context& io;
    Notices& notices;
    ReloadGround& ground;
    std::string state_dir;  ///< "": the history is kept in memory
    ReadSettings read;      ///< empty: there is nothing to read anew
    std::string text;       ///< of the settings at the start; "": they have none
  };
  explicit Reloads(Parts parts);
  Reloads(const Reloads&) = delete;
  Reloads& operator=(const Reloads&) = delete;

  /// Reads the history and notes the settings of the start in it, unless they are its newest.
  void start();
  /// The state folder is free, and this process decides for it: the history goes on behind what the
  /// one before it wrote there.
  void begin_to_decide();
  /// A confirmation is awaited no longer; what runs stays. Writes what waits.
  void stop();

  /// See Control for these.
  void reload(ReloadOrder order, const Actor& actor, Done<ReloadStatus> done);
  void confirm(std::optional<std::uint64_t> record, const Actor& actor,
               const Done<ReloadStatus>& done);
  void roll_back(const std::string& which, ReloadOrder order, const Actor& actor,
                 Done<ReloadStatus> done);
  std::vector<ReloadRecord> history() const;
  Outcome<ReloadRecord> record(const std::string& which) const;

  /// Settings that a program gives, always as a new plan. 409 while a confirmation is awaited.
  void take(Settings next, const Actor& actor, Done<ReloadStatus> done);

  SettingsStatus status() const;
  bool is_last_ok() const { return is_last_ok_; }
  /// When settings were last taken, in milliseconds since the Unix epoch.
  std::int64_t last_taken_ms() const { return last_taken_ms_; }

 private:
  /// Settings on their way into force.
  struct Next {
    Settings settings;
    std::string text;
    std::string why;
    bool file_differs = false;
    bool is_forced = false;  ///< a new plan even when nothing differs
    /// See SettingsDraft.
    std::optional<core::Overrides> overrides = {};
  };
  /// A reload that goes back unless it is confirmed.
  struct Pending {
    std::uint64_t record = 0;
    std::int64_t until_ms = 0;
    Settings before;
    core::Overrides overrides_before;  ///< when the reload came
    core::Overrides overrides_kept;    ///< those of them that it left
    std::string text_before;
    std::uint64_t record_before = 0;
    bool is_overdue = false;  ///< the time is over, but the way back was refused
    std::string refusal;      ///< then: why, as it was told
  };

  SettingsSource read(const std::optional<std::string>& text) const;
  std::optional<Denial> obstacle(const ReloadOrder& order) const;
  std::optional<Denial> no_way_back(const Next& next) const;
  void put(Next next, const ReloadOrder& order, const Actor& actor, Done<ReloadStatus> done);
  std::optional<Denial> put_in_force(Next& next, std::vector<SettingsChange> changes,
                                     const ReloadOrder& order, const Actor& actor,
                                     Done<ReloadStatus> done);
  void try_out(const Next& next, std::vector<SettingsChange> changes, Done<ReloadStatus> done);
  void note_same(Next next, const ReloadOrder& order, const Actor& actor, Done<ReloadStatus> done);
  void refuse(Denial denial, const ReloadOrder& order, const Actor& actor, Done<ReloadStatus> done);
  void tell_refused(const Denial& denial, const Actor& actor);
  void await_confirmation(Pending pending, milliseconds time);
  void go_back_after(milliseconds time);
  void go_back();
  void stay_overdue(const Denial& denial);
  const ReloadRecord* find(const std::string& which) const;
  ReloadStatus present_status() const;
  void note(Next& next, const Actor& actor, const std::vector<SettingsChange>& changes);
  std::vector<SettingsChange> changes_since(const ReloadRecord& before) const;
  core::Result<ReloadRecords, std::string> load_history();
  void put_aside(const std::string& problem);
  void adopt_history();
  void go_on_behind(ReloadRecords written);
  using Kept = std::function<void(std::vector<std::string> notices)>;
  void keep_then(Kept then);
  void write(bool is_change, Kept then);
  void note_write(const std::string& problem, std::uint64_t newest, bool is_change);
  void answer(const Done<ReloadStatus>& done, Outcome<ReloadStatus> outcome);

  boost::asio::io_context& io_;
  Notices& notices_;
  ReloadGround& ground_;
  ReadSettings read_;
  std::string start_text_;
  std::optional<std::string> read_hash_;  ///< of the text that was read last; none after a 409
  ReloadHistory history_;
  boost::asio::steady_timer timer_;
  std::optional<Pending> pending_;
  bool is_last_ok_ = true;
  bool file_differs_ = false;
  std::int64_t last_taken_ms_ = 0;
  boost::asio::steady_timer rewrite_timer_;
  std::string write_problem_;  ///< of the last write; "" when it went well
  bool is_stopped_ = false;
  bool follows_ = false;            ///< another process may have written the history since
  std::uint64_t last_on_disk_ = 0;  ///< the newest entry that is known to be in its file
};

/// 422 with every problem.
Denial settings_refused(std::vector<Problem> problems);

}  // namespace sluice::proxy
