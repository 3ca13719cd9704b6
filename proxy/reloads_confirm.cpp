#include <utility>

#include "core/overrides_back.hpp"
#include "proxy/admin_json.hpp"
#include "proxy/reloads.hpp"
#include "proxy/wall_clock.hpp"

/// The wait for a confirmation, and the way back without one.
namespace sluice::proxy {
namespace {

constexpr const char* not_confirmed = "confirmation did not come";

}  // namespace

/// Two ways back at once would be none.
std::optional<Denial> Reloads::obstacle(const ReloadOrder& order) const {
  if (!pending_ || order.dry_run) return std::nullopt;
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
  timer_.expires_after(time);
  timer_.async_wait([this, record = pending.record](const boost::system::error_code& error) {
    if (!error && pending_ && pending_->record == record) go_back();
  });
  pending_ = std::move(pending);
}

void Reloads::go_back() {
  Pending pending = std::move(*pending_);
  pending_.reset();
  notices_.log(LogLevel::warn, "the settings of record " + std::to_string(pending.record) +
                                   " were not confirmed; those of record " +
                                   std::to_string(pending.record_before) + " come back");
  core::OverridesAround around{std::move(pending.overrides_before),
                               std::move(pending.overrides_kept), ground_.overrides()};
  core::Overrides overrides = core::overrides_back(pending.before, around);
  put({std::move(pending.before), std::move(pending.text_before), not_confirmed, true, false,
       std::move(overrides)},
      {}, {own_name, "", not_confirmed}, [this](const Outcome<ReloadStatus>& outcome) {
        if (outcome) return;
        notices_.log(LogLevel::error,
                     "the settings before do not come back: " + outcome.error().detail);
      });
}

void Reloads::confirm(const Actor& actor, const Done<ReloadStatus>& done) {
  if (!pending_) {
    return answer(done, Denial{409, "Nothing to confirm",
                               "no reload waits for confirmation; GET /v1/reloads shows what was "
                               "done"});
  }
  timer_.cancel();
  const std::string record = "record " + std::to_string(pending_->record);
  pending_.reset();
  notices_.audit({"reload", "settings", actor.who, actor.from, record + " unconfirmed",
                  record + " confirmed"});
  notices_.reload_confirmed(history_.records().back()->number, actor.who);
  answer(done, present_status());
}

}  // namespace sluice::proxy
