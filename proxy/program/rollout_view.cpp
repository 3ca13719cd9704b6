#include "proxy/program/rollout_view.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "core/rollout_text.hpp"
#include "proxy/program/json_members.hpp"
#include "proxy/program/table.hpp"

namespace sluice::proxy::program {
namespace {

namespace json = boost::json;
using Cell = Table::Cell;

/// One sign for 5 %.
constexpr int bar_width = 20;

Tone state_tone(const std::string& state) {
  if (state == "rolling_back" || state == "rolled_back") return Tone::bad;
  if (state == "holding" || state == "paused") return Tone::warning;
  const bool is_promoted = state == "promoted" || state == "draining" || state == "done";
  return is_promoted ? Tone::good : Tone::strong;
}

std::string step_text(const json::object& rollout) {
  const std::uint64_t step = count_of(rollout, "step");
  if (step == 0) return "";
  return ", step " + std::to_string(step) + " of " + std::to_string(count_of(rollout, "steps"));
}

/// "holding (no_traffic)"
std::string state_text(const json::object& rollout, bool colour) {
  const std::string state = text_of(rollout, "state");
  const std::string reason = text_of(rollout, "reason");
  return toned(state, state_tone(state), colour) + (reason.empty() ? "" : " (" + reason + ")");
}

/// "2024-05-01T12:00:00.000Z by alice"
std::string started_text(const json::object& rollout) {
  const json::object started = object_of(rollout, "started");
  const std::string by = text_of(started, "by");
  return text_of(started, "at") + (by.empty() ? "" : " by " + by);
}

std::string bar(double percent) {
  const auto filled =
      std::clamp(static_cast<int>(std::lround(percent * bar_width / 100)), 0, bar_width);
  // What gets anything at all shows a sign.
  const int shown = percent > 0 ? std::max(filled, 1) : filled;
  return std::string(static_cast<std::size_t>(shown), '#') +
         std::string(static_cast<std::size_t>(bar_width - shown), '-');
}

std::string head_text(const json::object& rollout, bool colour) {
  std::string text = "rollout " + text_of(rollout, "id") + " on " + text_of(rollout, "route") +
                     ": " + state_text(rollout, colour) + step_text(rollout);
  if (text_of(rollout, "mode") == "observe") text += ", observes only";
  text +=
      "\nstarted " + started_text(rollout) + ", in this state since " + text_of(rollout, "since");
  if (const std::uint64_t attempt = count_of(rollout, "attempt"); attempt > 1)
    text += ", attempt " + std::to_string(attempt);
  text += "\n";
  const std::string words = text_of(rollout, "words");
  return words.empty() ? text : text + words + "\n";
}

std::string weights_table(const json::object& rollout, bool colour) {
  Table table({{"POOL"}, {"SHARE", align_right}, {""}, {"REQUESTS", align_right}});
  const json::object weights = object_of(rollout, "weights");
  const json::object counts = object_of(rollout, "counts");
  for (const char* side : {"from", "to"}) {
    const std::string pool = text_of(rollout, side);
    const double percent = decimal_of(weights, pool);
    const json::object seen = object_of(counts, side[0] == 'f' ? "old" : "new");
    table.add({{pool},
               {decimal_text(percent) + "%"},
               {bar(percent)},
               {std::to_string(count_of(seen, "requests"))}});
  }
  return table.text(colour);
}

std::string ratio_text(double ratio) {
  return ratio > 0 ? core::number_text(ratio) + "x" : "-";
}

std::string streams_table(const json::object& rollout, bool colour) {
  Table table({{"STREAM"},
               {"BAD OLD", align_right},
               {"BAD NEW", align_right},
               {"AT LEAST", align_right},
               {"E", align_right},
               {"ROLLS BACK AT", align_right}});
  const json::object evidence = object_of(rollout, "evidence");
  const json::object ratios = object_of(rollout, "ratio_lower_bound");
  const json::object counts = object_of(rollout, "counts");
  const json::object old_counts = object_of(counts, "old");
  const json::object new_counts = object_of(counts, "new");
  for (const auto& member : evidence) {
    const auto name = member.key();
    if (name == "total" || name == "threshold") continue;
    table.add({{std::string(name.data(), name.size())},
               {std::to_string(count_of(old_counts, name))},
               {std::to_string(count_of(new_counts, name))},
               {ratio_text(decimal_of(ratios, name))},
               {core::number_text(decimal_of(evidence, name))},
               {}});
  }
  const double total = decimal_of(evidence, "total");
  const double threshold = decimal_of(evidence, "threshold");
  table.add({{"all"},
             {},
             {},
             {},
             {core::number_text(total), total >= threshold ? Tone::bad : Tone::plain},
             {core::number_text(threshold)}});
  return table.text(colour);
}

std::string next_text(const json::object& rollout) {
  const json::object next = object_of(rollout, "next");
  const std::string words = text_of(next, "words");
  if (words.empty()) return "";
  const std::string at = text_of(next, "at");
  return "next: " + words + (at.empty() ? "" : " (" + at + ")") + "\n";
}

std::string side_text(const json::object& rollout) {
  std::string text;
  const json::object counts = object_of(rollout, "counts");
  const auto add = [&](json::string_view name, const std::string& words) {
    const std::uint64_t count = count_of(counts, name);
    if (count == 0) return;
    text += (text.empty() ? "" : ", ") + words + ": " + std::to_string(count);
  };
  add("bad_delivered", "errors that reached users");
  add("shielded", "repeated on " + text_of(rollout, "from"));
  add("mirrored", "mirrored");
  add("mirror_differences", "answers that differed");
  if (!text.empty()) text += "\n";
  const std::string queued = text_of(rollout, "queued");
  return queued.empty() ? text : text + "queued: " + queued + "\n";
}

std::string epochs_table(const json::object& explanation, bool colour) {
  constexpr const char* streams[] = {"errors", "p50", "p90", "p99", "client_errors"};
  Table table({{"SHARE OF NEW", align_right},
               {"POOL"},
               {"REQUESTS", align_right},
               {"ERRORS", align_right},
               {"P50", align_right},
               {"P90", align_right},
               {"P99", align_right},
               {"CLIENT ERRORS", align_right}});
  for (const json::object& epoch : list_of(explanation, "epochs")) {
    for (const char* pool : {"old", "new"}) {
      const json::object counts = object_of(epoch, pool);
      const bool is_first = pool[0] == 'o';
      std::vector<Cell> row = {
          {is_first ? decimal_text(decimal_of(epoch, "weight")) + "%" : std::string()},
          {pool},
          {std::to_string(count_of(object_of(counts, "errors"), "requests"))}};
      for (const char* stream : streams)
        row.push_back({std::to_string(count_of(object_of(counts, stream), "bad"))});
      table.add(std::move(row));
    }
  }
  return table.is_empty() ? "" : "\n" + table.text(colour);
}

std::string decisions_table(const json::object& explanation, bool colour) {
  Table table({{"AT"}, {"DECISION"}, {"REASON"}, {"WORDS"}});
  for (const json::object& decision : list_of(explanation, "decisions"))
    table.add({{text_of(decision, "at")},
               {text_of(decision, "decision")},
               {text_of(decision, "reason")},
               {text_of(decision, "words")}});
  return table.is_empty() ? "" : "\n" + table.text(colour);
}

}  // namespace

std::string rollout_view(std::string_view text, bool colour) {
  const auto rollout = parse_object(text);
  if (!rollout) return std::string(text);
  return head_text(*rollout, colour) + "\n" + weights_table(*rollout, colour) + "\n" +
         streams_table(*rollout, colour) + "\n" + side_text(*rollout) + next_text(*rollout);
}

std::string explanation_view(std::string_view text, bool colour) {
  const auto explanation = parse_object(text);
  if (!explanation) return std::string(text);
  std::string shown;
  if (const json::value* words = explanation->if_contains("words");
      words != nullptr && words->is_array())
    for (const json::value& sentence : words->get_array())
      if (const json::string* line = sentence.if_string())
        shown.append(line->data(), line->size()).append("\n");
  return shown + epochs_table(*explanation, colour) + decisions_table(*explanation, colour);
}

std::string rollout_history_view(std::string_view text, bool colour) {
  const auto history = parse_object(text);
  if (!history) return std::string(text);
  Table table({{"ID"},
               {"FROM"},
               {"TO"},
               {"STATE"},
               {"REASON"},
               {"REQUESTS NEW", align_right},
               {"ERRORS TO USERS", align_right},
               {"STARTED"}});
  for (const json::object& rollout : list_of(*history, "rollouts")) {
    const std::string state = text_of(rollout, "state");
    const json::object counts = object_of(rollout, "counts");
    table.add({{text_of(rollout, "id")},
               {text_of(rollout, "from")},
               {text_of(rollout, "to")},
               {state, state_tone(state)},
               {text_of(rollout, "reason")},
               {std::to_string(count_of(object_of(counts, "new"), "requests"))},
               {std::to_string(count_of(counts, "bad_delivered"))},
               {started_text(rollout)}});
  }
  return table.is_empty() ? "no rollout has ended\n" : table.text(colour);
}

std::string rollout_line(std::string_view text) {
  const auto rollout = parse_object(text);
  if (!rollout) return std::string(text);
  const std::string to = text_of(*rollout, "to");
  const json::object seen = object_of(object_of(*rollout, "counts"), "new");
  std::string line = text_of(*rollout, "id") + ": " + state_text(*rollout, false) +
                     step_text(*rollout) + ", " + to + " " +
                     decimal_text(decimal_of(object_of(*rollout, "weights"), to)) + "%, " +
                     std::to_string(count_of(seen, "requests")) + " requests, E " +
                     core::number_text(decimal_of(object_of(*rollout, "evidence"), "total"));
  const std::string words = text_of(*rollout, "words");
  return words.empty() ? line : line + "; " + words;
}

}  // namespace sluice::proxy::program
