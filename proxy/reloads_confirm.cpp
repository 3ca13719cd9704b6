#include <chrono>
#include <utility>

#include "core/difference.hpp"
#include "core/overrides_back.hpp"
#include "proxy/admin_json.hpp"
#include "proxy/reloads.hpp"
#include "proxy/wall_clock.hpp"

/// The wait for a confirmation, and the way back without one.
namespace sluice::proxy {
namespace {

constexpr const char* not_confirmed = "confirmation did not come";
/// The way back, when it was refused.
constexpr milliseconds time_to_retry{5000};

}  // namespace

/// Two ways back at once would be none.
std::optional<Denial> Reloads::obstacle(const ReloadOrder& order) const {
  if (!pending_ || order.dry_run) return std::nullopt;
  if (pending_->is_overdue) {
    return Denial{409, "A reload waits for confirmation",
                  "record " + std::to_string(pending_->record) +
                      " was not confirmed in time, and the settings before do not come back: " +
                      pending_->refusal +
                      "; put that right, or confirm the record (POST /v1/reload/confirm, sluice "
                      "reload confirm), then try again"};
  }
  return Denial{409, "A reload waits for confirmation",
                "record " + std::to_string(pending_->record) + " is in force until " +
                    utc_text(pending_->until_ms) +
                    " unless it is confirmed (POST /v1/reload/confirm, sluice reload confirm); "
                    "confirm it or let it go back, then try again"};
}

/// What a rollout has seen is gone with it: no way leads back to its middle.
std::optional<Denial> Reloads::no_way_back(const Next& next) const {
  const std::string rollout = ground_.ends_rollout(next.settings);
  if (rollout.empty()) return std::nullopt;
  return Denial{409, "A rollout would end",
                "nothing was changed; these settings end the rollout " + rollout +
                    ", and going back would not bring it back. Reload without confirm, or when "
                    "the rollout is over"};
}

void Reloads::await_confirmation(Pending pending, milliseconds time) {
  pending.record = history_.records().back()->number;
  pending.until_ms = wall_clock_ms() + time.count();
  pending.overrides_kept = ground_.overrides();
  notices_.log(LogLevel::warn, "the settings of record " + std::to_string(pending.record) +
                                   " wait for confirmation until " + utc_text(pending.until_ms) +
                                   "; without it those of record " +
                                   std::to_string(pending.record_before) + " come back");
  pending_ = std::move(pending);
  go_back_after(time);
}

void Reloads::go_back_after(milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([this](const boost::system::error_code& error) {
    // It may have been on its way already when it was cancelled.
    const bool is_due = timer_.expiry() <= std::chrono::steady_clock::now();
    if (!error && pending_ && is_due) go_back();
  });
}

void Reloads::go_back() {
  adopt_history();
  const std::string before = std::to_string(pending_->record_before);
  if (!pending_->is_overdue) {
    notices_.log(LogLevel::warn, "the settings of record " + std::to_string(pending_->record) +
                                     " were not confirmed; those of record " + before +
                                     " come back");
  }
  core::Overrides overrides = core::overrides_back(
      pending_->before,
      {pending_->overrides_before, pending_->overrides_kept, ground_.overrides()});
  Next next{pending_->before,    pending_->text_before, not_confirmed, true, true,
            std::move(overrides)};
  auto changes = core::difference(ground_.configured_settings(), next.settings);
  const auto denial = put_in_force(next, std::move(changes), {}, {own_name, "", not_confirmed},
                                   [](const Outcome<ReloadStatus>&) {});
  if (denial) return stay_overdue(*denial);
  if (pending_->is_overdue) {
    notices_.log(LogLevel::warn, "the settings of record " + before + " are in force again");
  }
  pending_.reset();
}

/// Whatever stands in the way may go away. Until then it is not forgotten, nor taken for confirmed.
void Reloads::stay_overdue(const Denial& denial) {
  pending_->is_overdue = true;
  go_back_after(time_to_retry);
  if (denial.detail == std::exchange(pending_->refusal, denial.detail)) return;
  tell_refused(denial, {own_name, "", not_confirmed});
  notices_.log(LogLevel::error, "the settings before do not come back: " + denial.detail +
                                    "; it is tried again every 5 s until it works or the reload "
                                    "is confirmed");
}

/// Who confirms late must not confirm what somebody else has brought since.
void Reloads::confirm(std::optional<std::uint64_t> record, const Actor& actor,
                      const Done<ReloadStatus>& done) {
  if (!pending_) {
    return answer(done, Denial{409, "Nothing to confirm",
                               "no reload waits for confirmation; GET /v1/reloads shows what was "
                               "done"});
  }
  const std::string waiting = "record " + std::to_string(pending_->record);
  if (record && *record != pending_->record) {
    return answer(done, Denial{409, "Another reload waits",
                               waiting + " waits for confirmation, and not record " +
                                   std::to_string(*record) +
                                   "; nothing was confirmed. GET /v1/reloads shows what was done"});
  }
  timer_.cancel();
  pending_.reset();
  notices_.audit({"reload", "settings", actor.who, actor.from, waiting + " unconfirmed",
                  waiting + " confirmed"});
  notices_.reload_confirmed(history_.records().back()->number, actor.who);
  answer(done, present_status());
}

}  // namespace sluice::proxy
