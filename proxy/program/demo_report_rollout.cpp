#include <algorithm>
#include <ostream>

#include "core/rollout_text.hpp"
#include "proxy/program/demo_report.hpp"
#include "proxy/program/demo_text.hpp"
#include "proxy/program/table.hpp"

/// The second act on a terminal.
namespace sluice::proxy::program {
namespace {

constexpr const char* indent = "           ";

/// "5, 25, 50 and 95 %"
std::string steps_text(const RolloutSettings& policy) {
  std::string text;
  for (std::size_t i = 0; i < policy.steps.size(); ++i) {
    if (i > 0) text += i + 1 < policy.steps.size() ? ", " : " and ";
    text += format("%.4g", policy.steps[i] / 100.0);
  }
  return text + " %";
}

std::string policy_text(const RolloutSettings& policy) {
  return "steps of " + steps_text(policy) + ", each at least " +
         core::duration_text(policy.step_time) + " and " + std::to_string(policy.min_requests) +
         " requests;\n" + indent + "on when fewer than " +
         core::number_text(100 * policy.errors.max_rate) +
         " % surely fail, back when evidence of harm E reaches " +
         core::number_text(1 / policy.alpha);
}

/// "0.4 s", "-" for none.
std::string duration_cell(std::optional<std::chrono::milliseconds> duration) {
  return duration ? seconds_text(*duration) : "-";
}

std::string end_text(const RolloutStatus& end) {
  if (end.state == RolloutState::done) return "promoted";
  const bool is_back = end.state == RolloutState::rolled_back;
  return (is_back ? "rolled back" : std::string(to_string(end.state))) +
         (end.reason.empty() ? "" : ", " + end.reason);
}

std::string users_text(const DemoRelease& release) {
  const std::uint64_t slow = release.users.slow[release.plot.new_version];
  std::string text = "Users made " + std::to_string(release.users.requests()) +
                     " requests: " + std::to_string(release.users.failures) + " failed, " +
                     std::to_string(slow) + " were slow.";
  if (release.bad_answers == 0) return text;
  text += " " + release.plot.new_pool() + " gave " + std::to_string(release.bad_answers) +
          " bad answers; ";
  if (release.end.shielded == 0) return text + "what is only slow cannot be shielded.";
  return text + std::to_string(release.end.shielded) + " were shielded: repeated on " +
         release.plot.old_pool() + ".";
}

}  // namespace

void DemoReport::open_rollouts(const std::string& url) {
  out_ << "\n"
       << toned("The second act: the proxy decides", Tone::strong, colour_)
       << ". Three releases of the cart, each by one command\n\n"
       << "  cart     " << url << "\n"
       << "  policy   " << policy_text(demo_policy()) << "\n\n"
       << toned(
              "   time  weights  last second, by version                        new  "
              "requests/s  failed      p99         E",
              Tone::strong, colour_)
       << std::endl;
}

void DemoReport::decision(std::chrono::milliseconds at, const RolloutDecision& decision) {
  // The command is there already, and what goes on is seen by its next step.
  if (decision.decision == "start" || decision.decision == "resume") return;
  const bool is_bad = decision.decision == "rollback" || decision.decision == "step_back";
  const Tone tone = is_bad ? Tone::bad : decision.decision == "promote" ? Tone::good : Tone::strong;
  const std::string reason =
      is_bad || decision.decision == "hold" ? " (" + decision.reason + ")" : "";
  note(at, toned(decision.decision + reason, tone, colour_) + ": " + decision.words);
}

void DemoReport::rollout_second(const DemoSecond& second, const RolloutStatus& rollout) {
  const std::string step = rollout.step == 0 ? "" : format(" %zu/%zu", rollout.step, rollout.steps);
  write_second(second,
               format("  %8s  ", core::number_text(rollout.evidence).c_str()) +
                   (rollout.id.empty() ? "" : std::string(to_string(rollout.state)) + step));
}

void DemoReport::release(const DemoRelease& release) {
  const bool is_good = release.is_as_told();
  std::string headline =
      release.plot.new_pool() + " (" + release.plot.title + ") is " + end_text(release.end);
  if (const auto after = release.decided_after()) {
    headline += ": decided " + seconds_text(*after) + " after the start";
    if (const auto bad = release.decided_after_first_bad())
      headline += ", " + seconds_text(*bad) + " after the first bad answer";
  }
  out_ << indent << toned(headline + ".", is_good ? Tone::good : Tone::bad, colour_) << "\n";
  for (const std::string& reason : release.reasons())
    out_ << indent << "The proxy: " << reason << "\n";
  out_ << indent << users_text(release) << "\n" << std::endl;
}

void DemoReport::close_rollouts(const std::vector<DemoRelease>& releases) {
  Table table({{"release"},
               {"end"},
               {"decided after", align_right},
               {"after first bad", align_right},
               {"bad answers", align_right},
               {"shielded", align_right},
               {"users saw errors", align_right},
               {"slow answers", align_right}});
  for (const DemoRelease& release : releases)
    table.add({{release.plot.title},
               {end_text(release.end), release.is_as_told() ? Tone::good : Tone::bad},
               {duration_cell(release.decided_after())},
               {duration_cell(release.decided_after_first_bad())},
               {std::to_string(release.bad_answers)},
               {std::to_string(release.end.shielded)},
               {std::to_string(release.users.failures),
                release.users.failures == 0 ? Tone::good : Tone::bad},
               {std::to_string(release.users.slow[release.plot.new_version])}});
  out_ << "\n" << table.text(colour_) << "\n";
  bool is_as_told = releases.size() == demo_plots.size();
  for (const DemoRelease& release : releases) {
    for (const std::string& complaint : release.complaints()) {
      out_ << toned("Not as it should be: " + complaint + ".", Tone::bad, colour_) << "\n";
      is_as_told = false;
    }
  }
  if (is_as_told)
    out_ << toned(
                "The good release was promoted, both bad ones were taken back; no request failed.",
                Tone::good, colour_)
         << "\n";
  out_.flush();
}

}  // namespace sluice::proxy::program
