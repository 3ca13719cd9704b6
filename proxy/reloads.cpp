#include "proxy/reloads.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "core/difference.hpp"
#include "core/text_hash.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {
namespace {

std::string hash_of(const std::string& text) {
  return text.empty() ? std::string() : core::text_hash(text);
}

}  // namespace

Denial settings_refused(std::vector<Problem> problems) {
  const Problem& first = problems.front();
  std::string detail =
      "nothing was changed; " + (first.where.empty() ? "" : first.where + ": ") + first.what;
  if (problems.size() > 1) {
    detail += " And " + std::to_string(problems.size() - 1) + " more.";
  }
  return {422, "Settings not acceptable", std::move(detail), std::move(problems)};
}

Reloads::Reloads(Parts parts)
    : io_(parts.io),
      notices_(parts.notices),
      ground_(parts.ground),
      read_(std::move(parts.read)),
      start_text_(std::move(parts.text)),
      read_hash_(hash_of(start_text_)),
      history_(parts.state_dir.empty() ? "" : parts.state_dir + "/settings"),
      timer_(parts.io),
      rewrite_timer_(parts.io) {}

void Reloads::start() {
  last_taken_ms_ = wall_clock_ms();
  follows_ = !ground_.state_held_by().empty();
  auto loaded = load_history();
  if (loaded) {
    history_.begin_with(std::move(*loaded));
  } else {
    put_aside(loaded.error());
  }
  const ReloadRecords& records = history_.records();
  if (!records.empty()) last_on_disk_ = records.back()->number;
  if (!records.empty() && records.back()->text == start_text_) return;
  const auto changes =
      records.empty() ? std::vector<SettingsChange>{} : changes_since(*records.back());
  Next first;
  first.text = std::move(start_text_);
  first.why = "start";
  note(first, {own_name, "", ""}, changes);
  keep_then([](const auto&) {});
}

void Reloads::stop() {
  is_stopped_ = true;
  timer_.cancel();
  rewrite_timer_.cancel();
  pending_.reset();
  history_.close();
}

void Reloads::reload(ReloadOrder order, const Actor& actor, Done<ReloadStatus> done) {
  if (!read_) {
    return answer(done, Denial{501, "Nothing to read",
                               "the program around this proxy gives it settings by "
                               "Proxy::reload(); ask that program"});
  }
  if (order.unless_read && order.unless_read == read_hash_) return answer(done, present_status());
  if (auto denial = obstacle(order)) return answer(done, std::move(*denial));
  SettingsSource source = read(std::nullopt);
  if (!order.dry_run) read_hash_ = hash_of(source.text);
  if (!source.problems.empty()) {
    return refuse(settings_refused(std::move(source.problems)), order, actor, std::move(done));
  }
  put({std::move(source.settings), std::move(source.text), "reload"}, order, actor,
      std::move(done));
}

/// The reader is the embedding program's: what it throws is a problem of its settings.
SettingsSource Reloads::read(const std::optional<std::string>& text) const {
  SettingsSource source;
  try {
    return read_(text);
  } catch (const std::exception& error) {
    source.problems.push_back({"", std::string("they cannot be read: ") + error.what()});
  } catch (...) {
    source.problems.push_back({"", "they cannot be read: the reader has thrown something unknown"});
  }
  return source;
}

void Reloads::roll_back(const std::string& which, ReloadOrder order, const Actor& actor,
                        Done<ReloadStatus> done) {
  const auto wanted = record(which);
  if (!wanted) return answer(done, wanted.error());
  if (!read_ || wanted->text.empty()) {
    return answer(done, Denial{409, "No text to go back to",
                               "record " + std::to_string(wanted->number) +
                                   " has no text: a program gave it, or its file is gone; choose "
                                   "one that GET /v1/reloads shows with a hash"});
  }
  if (auto denial = obstacle(order)) return answer(done, std::move(*denial));
  SettingsSource source = read(wanted->text);
  if (!source.problems.empty()) {
    return refuse(settings_refused(std::move(source.problems)), order, actor, std::move(done));
  }
  const std::string text_now = read(std::nullopt).text;
  if (!order.dry_run) read_hash_ = hash_of(text_now);
  const bool file_differs = text_now != wanted->text;
  put({std::move(source.settings), wanted->text, "rollback to " + std::to_string(wanted->number),
       file_differs},
      order, actor, std::move(done));
}

void Reloads::take(Settings next, const Actor& actor, Done<ReloadStatus> done) {
  if (auto denial = obstacle({})) return answer(done, std::move(*denial));
  put({std::move(next), "", "library", static_cast<bool>(read_), true}, {}, actor, std::move(done));
}

void Reloads::put(Next next, const ReloadOrder& order, const Actor& actor,
                  Done<ReloadStatus> done) {
  adopt_history();
  std::vector<SettingsChange> changes =
      core::difference(ground_.configured_settings(), next.settings);
  if (order.confirm) {
    if (auto denial = no_way_back(next)) return answer(done, std::move(*denial));
  }
  if (order.dry_run) return try_out(next, std::move(changes), std::move(done));
  if (changes.empty() && !next.is_forced) {
    return note_same(std::move(next), order, actor, std::move(done));
  }
  auto denial = put_in_force(next, std::move(changes), order, actor, done);
  if (denial) refuse(std::move(*denial), order, actor, std::move(done));
}

/// Or says why nothing has changed, and then `done` is not called.
std::optional<Denial> Reloads::put_in_force(Next& next, std::vector<SettingsChange> changes,
                                            const ReloadOrder& order, const Actor& actor,
                                            Done<ReloadStatus> done) {
  Pending pending;
  if (order.confirm) {
    const ReloadRecord& present = *history_.records().back();
    pending.record_before = present.number;
    pending.text_before = present.text;
    pending.before = ground_.configured_settings();
    pending.overrides_before = ground_.overrides();
  }
  const auto status = std::make_shared<ReloadStatus>();
  auto denial = ground_.put_settings(
      {std::move(next.settings), changes, std::move(next.overrides)}, actor,
      [this, status, done = std::move(done)](ReloadStatus put) {
        status->generation = put.generation;
        status->notices = std::move(put.notices);
        keep_then([status, done](const std::vector<std::string>& notices) {
          status->notices.insert(status->notices.end(), notices.begin(), notices.end());
          done(*status);
        });
      });
  if (denial) return denial;
  note(next, actor, changes);
  if (order.confirm) await_confirmation(std::move(pending), *order.confirm);
  *status = present_status();
  status->changes = std::move(changes);
  return std::nullopt;
}

void Reloads::try_out(const Next& next, std::vector<SettingsChange> changes,
                      Done<ReloadStatus> done) {
  auto notices = ground_.try_settings(next.settings);
  if (!notices) return answer(done, notices.error());
  ReloadStatus status = present_status();
  status.notices = std::move(*notices);
  status.changes = std::move(changes);
  status.is_dry_run = true;
  status.file_differs = next.file_differs;
  answer(done, std::move(status));
}

/// The settings are those in force. Their text may be another one, and then it is kept.
void Reloads::note_same(Next next, const ReloadOrder& order, const Actor& actor,
                        Done<ReloadStatus> done) {
  notices_.log(LogLevel::info, "reload by " + actor.who + ": nothing changed");
  if (history_.records().back()->text != next.text) {
    note(next, actor, {});
  } else {
    is_last_ok_ = true;
    last_taken_ms_ = wall_clock_ms();
    file_differs_ = next.file_differs;
  }
  ReloadStatus status = present_status();
  if (order.confirm) {
    status.notices = {"nothing changed, so nothing waits for a confirmation"};
  }
  keep_then([done = std::move(done),
             status = std::move(status)](const std::vector<std::string>& notices) mutable {
    status.notices.insert(status.notices.end(), notices.begin(), notices.end());
    done(std::move(status));
  });
}

void Reloads::refuse(Denial denial, const ReloadOrder& order, const Actor& actor,
                     Done<ReloadStatus> done) {
  const bool is_obstacle = denial.status == 409;
  if (is_obstacle) read_hash_.reset();
  const bool is_tried_again = is_obstacle && order.unless_read;
  if (!order.dry_run && !is_tried_again) tell_refused(denial, actor);
  answer(done, std::move(denial));
}

void Reloads::tell_refused(const Denial& denial, const Actor& actor) {
  is_last_ok_ = false;
  ReloadNotice notice;
  notice.generation = ground_.generation();
  notice.problems = denial.problems;
  if (notice.problems.empty()) notice.problems.push_back({"", denial.detail});
  notice.who = actor.who;
  notice.server = ground_.configured_settings().server;
  notice.log = ground_.configured_settings().log;
  notices_.reload(notice);
}

SettingsStatus Reloads::status() const {
  SettingsStatus status;
  status.file_differs = file_differs_;
  if (pending_) status.confirm_by_ms = pending_->until_ms;
  if (history_.records().empty()) return status;
  const ReloadRecord& present = *history_.records().back();
  status.record = present.number;
  status.hash = present.hash;
  status.since = {present.who, present.at_ms};
  return status;
}

ReloadStatus Reloads::present_status() const {
  const SettingsStatus present = status();
  ReloadStatus status;
  status.generation = ground_.generation();
  status.record = present.record;
  status.file_differs = present.file_differs;
  status.confirm_by_ms = present.confirm_by_ms;
  return status;
}

/// From here on the history says that these settings are in force.
void Reloads::note(Next& next, const Actor& actor, const std::vector<SettingsChange>& changes) {
  is_last_ok_ = true;
  last_taken_ms_ = wall_clock_ms();
  file_differs_ = next.file_differs;
  ReloadRecord record;
  record.at_ms = last_taken_ms_;
  record.who = actor.who;
  record.from = actor.from;
  record.why = std::move(next.why);
  record.hash = hash_of(next.text);
  record.changes = core::in_words(changes);
  record.text = std::move(next.text);
  history_.add(std::move(record));
}

void Reloads::answer(const Done<ReloadStatus>& done, Outcome<ReloadStatus> outcome) {
  boost::asio::post(io_, [done, outcome = std::move(outcome)] { done(outcome); });
}

}  // namespace sluice::proxy
