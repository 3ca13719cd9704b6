#include "proxy/program/reload_view.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <vector>

#include "proxy/program/json_members.hpp"
#include "proxy/program/table.hpp"
#include "proxy/program/views.hpp"

namespace sluice::proxy::program {
namespace {

namespace json = boost::json;
constexpr std::size_t longest_summary = 60;

std::vector<std::string> texts_of(const json::object& object, json::string_view name) {
  std::vector<std::string> texts;
  const json::value* list = object.if_contains(name);
  if (list == nullptr || !list->is_array()) return texts;
  for (const json::value& item : list->get_array()) {
    if (const auto* text = item.if_string()) texts.emplace_back(text->data(), text->size());
  }
  return texts;
}

Tone tone_of(const std::string& kind) {
  if (kind == "added") return Tone::good;
  return kind == "removed" ? Tone::bad : Tone::warning;
}

std::string change_lines(const json::object& change, bool colour) {
  const std::string kind = text_of(change, "kind");
  const std::string pad(kind.size() < 8 ? 8 - kind.size() : 0, ' ');
  std::string lines =
      "  " + toned(kind, tone_of(kind), colour) + pad + " " + text_of(change, "subject") + "\n";
  for (const std::string& detail : texts_of(change, "details")) lines += "    " + detail + "\n";
  return lines;
}

std::string headline(const json::object& reload, bool has_changes) {
  const std::string place = "record " + std::to_string(count_of(reload, "record")) +
                            ", generation " + std::to_string(count_of(reload, "generation"));
  const bool is_dry_run = flag_of(reload, "dry_run");
  if (!has_changes)
    return "nothing " + std::string(is_dry_run ? "would change" : "changed") + ": " + place + "\n";
  return is_dry_run ? "dry run, nothing was changed; it would change:\n"
                    : "in force: " + place + "\n";
}

/// The first change, and how many more there are.
std::string summary(const json::object& record) {
  const auto changes = texts_of(record, "changes");
  if (changes.empty()) return "";
  std::string first = changes.front();
  if (first.size() > longest_summary) {
    first.resize(longest_summary - 3);
    first += "...";
  }
  return changes.size() == 1 ? first
                             : first + " and " + std::to_string(changes.size() - 1) + " more";
}

}  // namespace

std::string reload_view(std::string_view text, bool colour) {
  const auto reload = parse_object(text);
  if (!reload) return std::string(text);
  const auto changes = list_of(*reload, "changes");
  std::string out = headline(*reload, !changes.empty());
  for (const json::object& change : changes) out += change_lines(change, colour);
  for (const std::string& notice : texts_of(*reload, "notices")) out += "note: " + notice + "\n";
  if (const std::string by = text_of(*reload, "confirm_by"); !by.empty()) {
    const std::string record = std::to_string(count_of(*reload, "record"));
    out += "goes back at " + by + " unless \"sluice reload confirm --record " + record +
           "\" comes before\n";
  }
  if (flag_of(*reload, "file_differs")) {
    out +=
        "the file on disk says something else; the next reload or start takes what it says "
        "then\n";
  }
  return out;
}

std::string reload_history_view(std::string_view text, bool colour) {
  const auto history = parse_object(text);
  if (!history) return std::string(text);
  Table table({{"RECORD", align_right}, {"SINCE"}, {"WHO"}, {"WHY"}, {"HASH"}, {"CHANGES"}});
  for (const json::object& record : list_of(*history, "reloads")) {
    const std::string hash = text_of(record, "hash");
    table.add({{std::to_string(count_of(record, "number"))},
               {text_of(record, "at")},
               {text_of(record, "who")},
               {text_of(record, "why")},
               {hash.empty() ? "-" : hash},
               {summary(record)}});
  }
  return table.is_empty() ? "no records\n" : table.text(colour);
}

std::string refused_settings_view(unsigned status, std::string_view text) {
  const auto problem = parse_object(text);
  const auto problems = problem ? list_of(*problem, "problems") : std::vector<json::object>{};
  if (problems.empty()) return "sluice: " + problem_view(status, text) + "\n";
  std::string out;
  for (const json::object& one : problems) {
    const std::string where = text_of(one, "where");
    out += (where.empty() ? "" : where + ": ") + text_of(one, "what") + "\n";
  }
  const std::string count = std::to_string(problems.size());
  return out + "sluice: nothing was changed, " + count +
         (problems.size() == 1 ? " problem\n" : " problems\n");
}

}  // namespace sluice::proxy::program
