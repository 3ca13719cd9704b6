#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "core/difference.hpp"
#include "proxy/reloads.hpp"
#include "proxy/wall_clock.hpp"

/// The history on disk, which another process on the same folder may have written.
namespace sluice::proxy {
namespace {

constexpr milliseconds time_to_rewrite{5000};

}  // namespace

core::Result<ReloadRecords, std::string> Reloads::load_history() {
  std::vector<std::string> lost;
  auto loaded = history_.load(&lost);
  for (const std::string& path : lost) {
    notices_.log(LogLevel::warn, "the text of settings " + path +
                                     " is missing or damaged: nobody can go back to it");
  }
  return loaded;
}

/// What cannot be read is not written over.
void Reloads::put_aside(const std::string& problem) {
  const std::string aside = follows_ ? "" : history_.set_aside();
  notices_.log(LogLevel::error, "the history of settings " + history_.path() + " is not used: " +
                                    problem + (aside.empty() ? "" : "; it is kept as " + aside));
}

/// What differs in the settings in force from those of an entry, as far as it can be known.
std::vector<SettingsChange> Reloads::changes_since(const ReloadRecord& before) const {
  if (!read_ || before.text.empty()) return {};
  const SettingsSource source = read(before.text);
  if (!source.problems.empty()) return {};
  return core::difference(source.settings, ground_.configured_settings());
}

void Reloads::begin_to_decide() {
  if (history_.records().empty()) return;
  follows_ = true;
  adopt_history();
  if (history_.records().back()->number > last_on_disk_) keep_then([](const auto&) {});
}

/// Before anything is written, and before anything is said about what ran until now.
void Reloads::adopt_history() {
  if (!follows_ || !ground_.state_held_by().empty()) return;
  follows_ = false;
  if (history_.path().empty()) return;
  auto loaded = load_history();
  if (!loaded) return put_aside(loaded.error());
  // Somebody took the file away, or put an older one there: what is known here is more.
  if (loaded->empty() || loaded->back()->number < last_on_disk_) return;
  go_on_behind(std::move(*loaded));
}

/// The entries of the process that held the folder come first, then those made here meanwhile.
void Reloads::go_on_behind(ReloadRecords written) {
  const ReloadRecords known = history_.records();
  const std::uint64_t last = std::exchange(last_on_disk_, written.back()->number);
  history_.begin_with(std::move(written));
  const auto add_again = [this](const ReloadRecord& record) {
    const std::uint64_t number = history_.add(record);
    if (!pending_) return;
    for (std::uint64_t* waiting : {&pending_->record, &pending_->record_before}) {
      if (*waiting == record.number) *waiting = number;
    }
  };
  for (const auto& record : known) {
    // It may have been written a moment ago.
    const ReloadRecord* there = history_.find(record->number);
    const bool is_written = there != nullptr && *there == *record;
    if (record->number > last && !is_written) add_again(*record);
  }
  if (history_.records().back()->text == known.back()->text) return;
  // The last entry is what ran in the other process.
  ReloadRecord present = *known.back();
  present.at_ms = wall_clock_ms();
  present.who = own_name;
  present.from.clear();
  present.why = "took over";
  present.changes = core::in_words(changes_since(*history_.records().back()));
  add_again(present);
}

/// `then` runs when the history is on disk. A failed write is shouted about and stops nothing: it
/// is tried again.
void Reloads::keep_then(Kept then) {
  write(true, std::move(then));
}

void Reloads::write(bool is_change, Kept then) {
  if (!ground_.state_held_by().empty()) {
    follows_ = true;
    write_problem_.clear();
    return boost::asio::post(io_, [then = std::move(then)] { then({}); });
  }
  const std::uint64_t newest = history_.records().back()->number;
  history_.save([this, newest, is_change, then = std::move(then)](const std::string& problem) {
    boost::asio::post(io_, [this, newest, is_change, problem, then] {
      if (!is_stopped_) note_write(problem, newest, is_change);
      if (problem.empty()) return then({});
      then({"The history of settings is not on disk: " + problem +
            ". What was changed is in force; it is written as soon as that is possible."});
    });
  });
}

/// Each change that is not on disk is told, what is tried again only when it works.
void Reloads::note_write(const std::string& problem, std::uint64_t newest, bool is_change) {
  const std::string before = std::exchange(write_problem_, problem);
  if (problem.empty()) {
    last_on_disk_ = std::max(last_on_disk_, newest);
    if (before.empty()) return;
    return notices_.log(LogLevel::warn,
                        "the history of settings " + history_.path() + " is written again");
  }
  if (is_change || before.empty()) {
    notices_.log(LogLevel::error,
                 "the history of settings is not kept: " + problem +
                     "; what was changed is in force, and it is written as soon as that is "
                     "possible");
  }
  rewrite_timer_.expires_after(time_to_rewrite);
  rewrite_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !is_stopped_) write(false, [](const auto&) {});
  });
}

}  // namespace sluice::proxy
