#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

#include "core/freeze.hpp"
#include "core/quoted.hpp"
#include "core/rollout_text.hpp"
#include "core/status_set.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

constexpr double alpha_most = 0.1;
constexpr std::array<unsigned, 3> known_quantiles = {50, 90, 99};

/// The shortest text that is this number again: a bound must not look like what lies beyond it.
std::string exact_text(double number) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), written.ptr};
}

/// A number of the policy: `is_right` when it is one of those that `allowed` names.
struct CheckedNumber {
  const char* key;
  double value;
  bool is_right;
  const char* allowed;
};

bool is_at_least(double value, double least) {
  return std::isfinite(value) && value >= least;
}

bool is_between(double value, double above, double below) {
  return value > above && value < below;
}

bool is_share(double value) {
  return value >= 0 && value <= 1;
}

void check_numbers(const RolloutSettings& rollout, const std::string& where,
                   std::vector<Problem>& problems) {
  const double alpha = rollout.alpha;
  const double error_tolerance = rollout.errors.tolerance;
  const double max_rate = rollout.errors.max_rate;
  const double max_error_rate = rollout.guard.max_error_rate.value_or(0.5);
  const double latency_tolerance = rollout.latency.tolerance;
  const double share = rollout.mirror.share;
  for (const CheckedNumber& number : {
           CheckedNumber{"alpha", alpha, alpha > 0 && alpha <= alpha_most,
                         "numbers above 0 up to 0.1"},
           {"shield_budget", rollout.shield_budget, is_share(rollout.shield_budget), "0 to 1"},
           {"errors.tolerance", error_tolerance, is_at_least(error_tolerance, 1),
            "1, which lets NEW fail as often as OLD, and more"},
           {"errors.max_rate", max_rate, is_between(max_rate, 0, 1), "numbers above 0 and below 1"},
           {"latency.tolerance", latency_tolerance, is_at_least(latency_tolerance, 0),
            "0 and more; 0.2 lets NEW take 20 % longer than OLD"},
           {"guard.max_error_rate", max_error_rate, is_between(max_error_rate, 0, 1),
            "numbers above 0 and below 1; leave it out for no guard"},
           {"mirror.share", share, share > 0 && share <= 1, "numbers above 0 up to 1"},
       }) {
    if (number.is_right) continue;
    problems.push_back({where + "." + number.key, "The number is " + exact_text(number.value) +
                                                      "; allowed are " + number.allowed + "."});
  }
}

void check_steps(const std::vector<std::uint32_t>& steps, const std::string& where,
                 std::vector<Problem>& problems) {
  if (steps.empty()) {
    problems.push_back({where,
                        "There is no step; at least one is needed, the last one is the "
                        "bake."});
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string at = where + "[" + std::to_string(i) + "]";
    if (steps[i] == 0 || steps[i] >= percent_100) {
      problems.push_back({at, "The step is " + percent_text(steps[i]) +
                                  "; allowed are steps above 0 and below 100 %: the last one is "
                                  "the bake, which needs OLD as control."});
    } else if (i > 0 && steps[i] <= steps[i - 1]) {
      problems.push_back({at, "The step is " + percent_text(steps[i]) + " and comes after " +
                                  percent_text(steps[i - 1]) +
                                  "; each step must be above the one "
                                  "before it."});
    }
  }
}

/// All durations but those of gates, hooks and queries.
void check_durations(const RolloutSettings& rollout, const std::string& where,
                     std::vector<Problem>& problems) {
  constexpr milliseconds zero{0};
  constexpr milliseconds one{1};
  check_duration(rollout.step_time, zero, where + ".step_time", problems);
  check_duration(rollout.step_timeout, one, where + ".step_timeout", problems);
  check_duration(rollout.bake, zero, where + ".bake", problems);
  check_duration(rollout.retain_old, zero, where + ".retain_old", problems);
  check_duration(rollout.deadline, one, where + ".deadline", problems);
  check_duration(rollout.latency.slack, zero, where + ".latency.slack", problems);
  check_duration(rollout.guard.max_p99.value_or(one), one, where + ".guard.max_p99", problems);
  check_duration(rollout.mirror.time, zero, where + ".mirror.time", problems);
}

/// The least time from the first request on NEW to the promotion, and the mirror before it.
/// Requires steps, and durations that check_durations() accepts.
milliseconds least_time(const RolloutSettings& rollout) {
  const auto steps = static_cast<std::int64_t>(rollout.steps.size());
  milliseconds ramp{0};
  if (rollout.slew > 0) {
    ramp = milliseconds(std::int64_t{60'000} * rollout.steps.back() / rollout.slew);
  }
  return rollout.mirror.time + std::max(rollout.step_time * (steps - 1), ramp) + rollout.bake;
}

/// What does not go together. Requires durations that check_durations() accepts.
void check_times(const RolloutSettings& rollout, const std::string& where,
                 std::vector<Problem>& problems) {
  if (rollout.step_timeout < rollout.step_time) {
    problems.push_back({where + ".step_timeout",
                        "A step ends after " + duration_text(rollout.step_timeout) +
                            ", but takes at least " + duration_text(rollout.step_time) +
                            " (step_time); allowed is the least time of a step and more."});
  }
  if (rollout.steps.empty() || rollout.deadline >= least_time(rollout)) return;
  problems.push_back(
      {where + ".deadline", "The deadline is " + duration_text(rollout.deadline) +
                                ", but mirror, steps and bake take at least " +
                                duration_text(least_time(rollout)) +
                                ", so that no rollout could ever be promoted; allowed is that "
                                "time and more."});
}

void check_quantiles(const std::vector<unsigned>& quantiles, const std::string& where,
                     std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < quantiles.size(); ++i) {
    const auto here = quantiles.begin() + static_cast<std::ptrdiff_t>(i);
    const std::string at = where + "[" + std::to_string(i) + "]";
    if (std::find(known_quantiles.begin(), known_quantiles.end(), *here) == known_quantiles.end()) {
      problems.push_back({at, "The quantile is " + std::to_string(*here) +
                                  "; allowed are 50, 90 and 99, and no quantile at all: then "
                                  "latency is not judged."});
    } else if (std::find(quantiles.begin(), here, *here) != here) {
      problems.push_back({at, "The quantile " + std::to_string(*here) +
                                  " is named twice; each may be named once."});
    }
  }
}

void check_texts(const RolloutSettings& rollout, const std::string& where,
                 std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < rollout.freeze.size(); ++i) {
    if (parse_freeze(rollout.freeze[i])) continue;
    problems.push_back({where + ".freeze[" + std::to_string(i) + "]",
                        quoted(rollout.freeze[i]) +
                            R"( is not a window of time; allowed are "Fri 16:00 - Mon 07:00", )" +
                            R"(each week, and "22:00 - 06:00", each day, with two different )" +
                            "ends."});
  }
  for (std::size_t i = 0; i < rollout.errors.statuses.size(); ++i) {
    const auto range = parse_status(rollout.errors.statuses[i]);
    if (range) continue;
    problems.push_back({where + ".errors.statuses[" + std::to_string(i) + "]", range.error()});
  }
}

}  // namespace

bool check_duration(milliseconds value, milliseconds least, const std::string& where,
                    std::vector<Problem>& problems) {
  constexpr milliseconds most = std::chrono::hours{8760};
  if (value >= least && value <= most) return true;
  const char* allowed = least.count() == 0 ? "0" : "durations above 0";
  if (least >= std::chrono::seconds{1}) allowed = "1 s";
  problems.push_back({where, "The duration is " + duration_text(value) + "; allowed are " +
                                 allowed + " up to a year."});
  return false;
}

void check_rollout(const RolloutSettings& rollout, const std::string& where,
                   std::vector<Problem>& problems) {
  // That of most routes.
  static const RolloutSettings defaults;
  if (rollout == defaults) return;
  check_steps(rollout.steps, where + ".steps", problems);
  check_numbers(rollout, where, problems);
  const std::size_t before = problems.size();
  check_durations(rollout, where, problems);
  if (problems.size() == before) check_times(rollout, where, problems);
  check_quantiles(rollout.latency.quantiles, where + ".latency.quantiles", problems);
  check_texts(rollout, where, problems);
  check_rollout_contacts(rollout, where, problems);
}

}  // namespace sluice::core
