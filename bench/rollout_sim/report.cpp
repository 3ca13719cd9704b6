#include "bench/rollout_sim/report.hpp"

#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

namespace sluice::sim {
namespace {

constexpr double doubt = 0.025;

std::string number_text(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

std::string figure_text(const std::optional<double>& figure) {
  if (!figure) return "-";
  const bool is_small = std::fabs(*figure) < 100;
  return number_text(*figure, is_small ? 1 : 0);
}

std::string percent_text(std::uint64_t hits, std::uint64_t tries) {
  if (tries == 0) return "-";
  const double percent = 100.0 * static_cast<double>(hits) / static_cast<double>(tries);
  return number_text(percent, percent == 0 || percent >= 1 ? 1 : 3);
}

std::string interval_text(const Figures& figures) {
  if (figures.runs == 0) return "-";
  const Interval interval = clopper_pearson(figures.rolled_back_on_evidence(), figures.runs, doubt);
  return number_text(100 * interval.low, 3) + " - " + number_text(100 * interval.high, 3);
}

std::string truth_text(Truth truth) {
  switch (truth) {
    case Truth::no_worse:
      return "no worse";
    case Truth::worse:
      return "worse";
    case Truth::either:
      break;
  }
  return "either";
}

std::string reasons_text(const Figures& figures) {
  std::string text;
  for (const auto& [reason, count] : figures.reasons) {
    text += (text.empty() ? "" : ", ") + reason + " " + std::to_string(count);
  }
  return text;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + "\"";
}

std::string json_figure(const std::optional<double>& figure) {
  return figure ? number_text(*figure, 4) : "null";
}

std::string json_reasons(const Figures& figures) {
  std::string text;
  for (const auto& [reason, count] : figures.reasons) {
    text += (text.empty() ? "" : ",") + quoted(reason) + ":" + std::to_string(count);
  }
  return "{" + text + "}";
}

void write_object(std::ostream& out, const Figures& figures) {
  const Interval interval = clopper_pearson(figures.rolled_back_on_evidence(), figures.runs, doubt);
  out << "  {\"scenario\":" << quoted(figures.scenario) << ",\"policy\":" << quoted(figures.policy)
      << ",\"new\":" << quoted(truth_text(figures.truth)) << ",\"runs\":" << figures.runs
      << ",\"rolled_back\":" << figures.rolled_back
      << ",\"rolled_back_on_evidence\":" << figures.rolled_back_on_evidence()
      << ",\"interval_95\":[" << number_text(interval.low, 7) << ","
      << number_text(interval.high, 7) << "],\"promoted\":" << figures.promoted
      << ",\"held\":" << figures.held << ",\"ejected\":" << figures.ejected
      << ",\"detect_median_s\":" << json_figure(figures.detect_median_s)
      << ",\"detect_p90_s\":" << json_figure(figures.detect_p90_s)
      << ",\"promote_median_s\":" << json_figure(figures.promote_median_s)
      << ",\"excess_errors_at_decision_median\":" << json_figure(figures.errors_by_then_median)
      << ",\"excess_errors_median\":" << json_figure(figures.errors_median)
      << ",\"excess_errors_mean\":" << json_figure(figures.errors_mean)
      << ",\"excess_slow_mean\":" << json_figure(figures.slow_mean)
      << ",\"requests_on_new_mean\":" << json_figure(figures.on_new_mean)
      << ",\"reasons\":" << json_reasons(figures) << "}";
}

constexpr const char* line_format =
    "%-56s %-18s %-8s %6s %7s %17s %7s %7s %8s %8s %8s %9s %9s %9s %9s  %s\n";

}  // namespace

void print_head(std::ostream& out) {
  char line[400];
  std::snprintf(line, sizeof line, line_format, "scenario", "policy", "NEW", "runs", "back %",
                "95 % interval", "promo %", "held %", "detect s", "p90 s", "promo s", "err then",
                "errors", "err mean", "slow mean", "reasons");
  out << line;
}

void print_line(std::ostream& out, const Figures& figures) {
  char line[400];
  std::snprintf(
      line, sizeof line, line_format, figures.scenario.c_str(), figures.policy.c_str(),
      truth_text(figures.truth).c_str(), std::to_string(figures.runs).c_str(),
      percent_text(figures.rolled_back, figures.runs).c_str(), interval_text(figures).c_str(),
      percent_text(figures.promoted, figures.runs).c_str(),
      percent_text(figures.held, figures.runs).c_str(),
      figure_text(figures.detect_median_s).c_str(), figure_text(figures.detect_p90_s).c_str(),
      figure_text(figures.promote_median_s).c_str(),
      figure_text(figures.errors_by_then_median).c_str(),
      figure_text(figures.errors_median).c_str(), figure_text(figures.errors_mean).c_str(),
      figure_text(figures.slow_mean).c_str(), reasons_text(figures).c_str());
  out << line << std::flush;
}

void write_json(std::ostream& out, const std::vector<Figures>& all) {
  out << "[\n";
  for (std::size_t index = 0; index < all.size(); ++index) {
    write_object(out, all[index]);
    out << (index + 1 < all.size() ? ",\n" : "\n");
  }
  out << "]\n";
}

}  // namespace sluice::sim
