#include "core/rollout_explain.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

#include "core/evidence.hpp"
#include "core/rollout_text.hpp"

namespace sluice::core {
namespace {

/// More backends than this are counted, not named.
constexpr std::size_t named_backends = 5;

/// At most `decimals`, without zeros at the end.
std::string decimal_text(double value, int decimals) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  std::string shown = text.data();
  shown.erase(shown.find_last_not_of('0') + 1);
  if (shown.ends_with('.')) shown.pop_back();
  return shown;
}

/// 1102 is "1,102".
std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return count_text(count) + " " + (count == 1 ? one : many);
}

std::string rate_text(const StreamCounts& counts) {
  if (counts.requests == 0 || counts.bad == 0) return "0 %";
  const double percent =
      100 * static_cast<double>(counts.bad) / static_cast<double>(counts.requests);
  if (percent < 0.005) return "below 0.01 %";
  return decimal_text(percent, percent < 1 ? 2 : 1) + " %";
}

/// "2024-05-01 12:00:30 UTC"
std::string moment_text(std::int64_t ms) {
  using namespace std::chrono;
  const auto second = floor<seconds>(sys_time<milliseconds>{milliseconds{ms}});
  const auto day = floor<days>(second);
  const year_month_day date{day};
  const hh_mm_ss clock{second - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d UTC",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

/// A sentence that ends as one.
std::string closed(std::string text) {
  if (!text.empty() && !text.ends_with('.') && !text.ends_with('!')) text += '.';
  return text;
}

std::string place_text(const RolloutStatus& status) {
  std::string text =
      status.id + " on " + status.route + " is " + std::string(to_string(status.state));
  if (status.step > 0)
    text += ", step " + std::to_string(status.step) + " of " + std::to_string(status.steps);
  text += ": " + status.to + " gets " + percent_text(status.weight) + " of the requests, " +
          status.from + " the rest";
  if (status.mode == RolloutMode::observe) text += "; it only observes and moves no weight";
  return text + ".";
}

/// "holding (no_traffic): ..."; "" when there is nothing to say.
std::string state_text(const RolloutStatus& status) {
  if (status.words.empty() && status.reason.empty()) return "";
  std::string text(to_string(status.state));
  if (!status.reason.empty()) text += " (" + status.reason + ")";
  if (!status.words.empty()) text += ": " + status.words;
  return closed(std::move(text));
}

/// "6 of 58 requests (10.3 %)"
std::string share_text(const StreamCounts& counts, std::string_view unit) {
  return count_text(counts.bad) + " of " + count_text(counts.requests) + std::string(unit) + " (" +
         rate_text(counts) + ")";
}

/// "at 1000 it rolls back"
std::string threshold_text(const RolloutStatus& status, double threshold, std::string_view what) {
  return "at " + number_text(threshold) + " " + std::string(what) +
         (status.mode == RolloutMode::observe ? " would roll back" : " rolls back");
}

std::string stream_text(const RolloutStatus& status, const StreamStatus& stream) {
  const std::string name(to_string(stream.stream));
  if (stream.new_pool.requests == 0)
    return name + ": no request of " + status.to + " was judged yet.";
  std::string text = name + ": " + status.to + " " + std::string(what_is_bad(stream.stream)) + " " +
                     share_text(stream.new_pool, " requests") + ", " + status.from + " " +
                     share_text(stream.old_pool, "");
  if (stream.ratio_lower_bound > 1)
    text += ": at least " + decimal_text(stream.ratio_lower_bound, 1) + " times as often";
  return text + "; E = " + number_text(stream.evidence) + ", " +
         threshold_text(status, own_threshold(status, stream.stream), "this stream alone") + ".";
}

std::uint64_t bad_of(const BackendEvidence& backend) {
  return std::accumulate(backend.bad.begin(), backend.bad.end(), std::uint64_t{0});
}

std::string backend_text(const BackendEvidence& backend) {
  std::string text;
  for (std::size_t i = 0; i < stream_count; ++i) {
    if (backend.bad[i] == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::string(to_string(static_cast<Stream>(i))) + " " + count_text(backend.bad[i]);
  }
  return backend.backend + " (" + text + ")";
}

/// "" when no backend has any.
std::string backends_text(const RolloutStatus& status) {
  std::vector<BackendEvidence> worst = status.backends;
  std::erase_if(worst, [](const auto& backend) { return bad_of(backend) == 0; });
  if (worst.empty()) return "";
  std::stable_sort(worst.begin(), worst.end(),
                   [](const auto& a, const auto& b) { return bad_of(a) > bad_of(b); });
  std::string text;
  for (std::size_t i = 0; i < std::min(worst.size(), named_backends); ++i)
    text += (i == 0 ? "" : ", ") + backend_text(worst[i]);
  if (worst.size() > named_backends)
    text += " and " + counted(worst.size() - named_backends, "other", "others");
  return "Bad requests of " + status.to + " by backend: " + text + ".";
}

void add_what_users_saw(const RolloutStatus& status, std::vector<std::string>& sentences) {
  if (status.shielded > 0 || status.bad_delivered > 0)
    sentences.push_back(counted(status.bad_delivered, "error", "errors") + " of " + status.to +
                        " reached users; " +
                        counted(status.shielded, "request was", "requests were") + " repeated on " +
                        status.from + " instead.");
  if (status.mirrored > 0)
    sentences.push_back(counted(status.mirrored, "request was", "requests were") + " mirrored to " +
                        status.to + "; " + counted(status.mirror_differences, "answer", "answers") +
                        " differed.");
}

std::string decision_text(const RolloutDecision& decision) {
  std::string text = "Last decision, " + moment_text(decision.at_ms) + ": " + decision.decision;
  if (!decision.reason.empty()) text += " (" + decision.reason + ")";
  if (!decision.words.empty()) text += ": " + decision.words;
  return closed(std::move(text));
}

std::string next_text(const RolloutStatus& status) {
  std::string words = status.next;
  while (words.ends_with('.')) words.pop_back();
  return "Next: " + words +
         (status.next_ms > 0 ? " (" + moment_text(status.next_ms) + ")." : std::string("."));
}

}  // namespace

double own_threshold(const RolloutStatus& status, Stream stream) {
  return status.threshold / stake_of(stream);
}

std::vector<std::string> explain(const RolloutStatus& status) {
  std::vector<std::string> sentences = {place_text(status)};
  if (std::string state = state_text(status); !state.empty()) sentences.push_back(std::move(state));
  for (const StreamStatus& stream : status.streams)
    sentences.push_back(stream_text(status, stream));
  sentences.push_back("All streams together: E = " + number_text(status.evidence) + ", " +
                      threshold_text(status, status.threshold, "it") + ".");
  if (std::string backends = backends_text(status); !backends.empty())
    sentences.push_back(std::move(backends));
  add_what_users_saw(status, sentences);
  if (!status.decisions.empty()) sentences.push_back(decision_text(status.decisions.back()));
  if (!status.next.empty()) sentences.push_back(next_text(status));
  if (!status.queued.empty()) sentences.push_back(status.queued + " waits behind this rollout.");
  return sentences;
}

}  // namespace sluice::core
