#include "proxy/program/demo_release.hpp"

#include <algorithm>

#include "core/rollout_explain.hpp"

namespace sluice::proxy::program {
namespace {

using std::chrono::milliseconds;

/// The newest decision that ended the rollout; null: none did.
const RolloutDecision* verdict_of(const RolloutStatus& status) {
  const auto found = std::find_if(
      status.decisions.rbegin(), status.decisions.rend(),
      [](const auto& one) { return one.decision == "promote" || one.decision == "rollback"; });
  return found == status.decisions.rend() ? nullptr : &*found;
}

std::string count_text(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void write_duration(JsonWriter& json, std::optional<milliseconds> duration) {
  if (duration)
    json.number(static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration->count())));
  else
    json.null();
}

}  // namespace

bool DemoRelease::is_as_told() const {
  if (plot.should_be_promoted()) return end.state == RolloutState::done;
  return end.state == RolloutState::rolled_back && end.reason == plot.reason;
}

std::uint64_t DemoRelease::bad_for_users() const {
  return users.failures + users.slow[plot.new_version];
}

std::optional<milliseconds> DemoRelease::decided_after() const {
  const RolloutDecision* verdict = verdict_of(end);
  if (verdict == nullptr) return std::nullopt;
  return milliseconds{verdict->at_ms - end.started_ms};
}

std::optional<milliseconds> DemoRelease::decided_after_first_bad() const {
  const RolloutDecision* verdict = verdict_of(end);
  if (verdict == nullptr || first_bad_ms == 0) return std::nullopt;
  return milliseconds{verdict->at_ms - first_bad_ms};
}

/// Of an explanation those sentences that carry the verdict: its words, the stream that it came
/// from or the evidence of all.
std::vector<std::string> DemoRelease::reasons() const {
  std::vector<std::string> told;
  if (const RolloutDecision* verdict = verdict_of(end); verdict != nullptr)
    told.push_back(verdict->words + ".");
  const std::string begin = plot.should_be_promoted() ? "All streams together" : end.reason;
  for (const std::string& sentence : core::explain(end))
    if (sentence.starts_with(begin + ":")) told.push_back(sentence);
  return told;
}

std::vector<std::string> DemoRelease::complaints() const {
  std::vector<std::string> all;
  if (!is_as_told()) {
    const std::string should =
        plot.should_be_promoted() ? "promoted" : "rolled back for " + std::string(plot.reason);
    all.push_back(plot.new_pool() + " was not " + should + " but is " +
                  std::string(to_string(end.state)) +
                  (end.words.empty() ? "" : " (" + end.words + ")"));
  }
  if (users.failures > 0)
    all.push_back(count_text(users.failures, "request") + " of users failed while " +
                  plot.new_pool() + " was tried");
  if (is_as_told() && std::string(plot.reason) == "errors" && end.shielded == 0)
    all.push_back("no bad answer of " + plot.new_pool() + " was shielded");
  if (answers_after > 0) {
    const std::string lost = plot.should_be_promoted() ? plot.old_pool() : plot.new_pool();
    all.push_back(lost + " answered " + count_text(answers_after, "request") +
                  " that started after its weight was 0");
  }
  return all;
}

void write(JsonWriter& json, const DemoRelease& release) {
  const RolloutStatus& end = release.end;
  json.open_object();
  json.key("title").text(release.plot.title);
  json.key("from").text(release.plot.old_pool()).key("to").text(release.plot.new_pool());
  json.key("as_told").boolean(release.is_as_told());
  json.key("state").text(to_string(end.state)).key("reason").text(end.reason);
  json.key("decided_after_ms");
  write_duration(json, release.decided_after());
  json.key("decided_after_first_bad_ms");
  write_duration(json, release.decided_after_first_bad());
  json.key("evidence").decimal(end.evidence).key("threshold").decimal(end.threshold);
  json.key("judged_new").number(end.requests_new);
  json.key("bad_answers").number(release.bad_answers);
  json.key("shielded").number(end.shielded);
  json.key("users").open_object();
  json.key("requests").number(release.users.requests());
  json.key("failures").number(release.users.failures);
  json.key("slow").number(release.users.slow[release.plot.new_version]);
  json.key("bad").number(release.bad_for_users());
  json.close_object();
  json.key("answers_after_weight_0").number(release.answers_after);
  json.key("explanation").open_array();
  for (const std::string& sentence : core::explain(end)) json.text(sentence);
  json.close_array().close_object();
}

}  // namespace sluice::proxy::program
