#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/metrics.hpp"

namespace sluice::metrics::test {

/// Name and labels of one series; labels are unescaped and in any order.
struct Series {
  std::string name;
  std::map<std::string, std::string> labels;
  auto operator<=>(const Series&) const = default;
};

/// The Prometheus text format 0.0.4, read independently of the code that writes it. Throws when a
/// line does not parse or a series comes twice.
class Exposition {
 public:
  explicit Exposition(std::string_view text) {
    while (!text.empty()) {
      const auto end = text.find('\n');
      if (end == text.npos) throw std::runtime_error("the last line has no line break");
      read_line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
  }

  const std::map<Series, double>& all() const { return values_; }
  const std::map<std::string, std::string>& types() const { return types_; }
  const std::map<std::string, std::string>& helps() const { return helps_; }

  /// Throws when there is no such series.
  double value(const std::string& name, std::map<std::string, std::string> labels = {}) const {
    const auto found = values_.find({name, std::move(labels)});
    if (found == values_.end()) throw std::runtime_error("no such series of " + name);
    return found->second;
  }
  bool has(const std::string& name, std::map<std::string, std::string> labels = {}) const {
    return values_.contains({name, std::move(labels)});
  }
  bool has_family(const std::string& name) const { return types_.contains(name); }

 private:
  void read_line(std::string_view line) {
    if (line.starts_with("# HELP ")) return read_comment(line.substr(7), helps_);
    if (line.starts_with("# TYPE ")) return read_comment(line.substr(7), types_);
    Series series;
    const auto name_end = line.find_first_of("{ ");
    series.name = line.substr(0, name_end);
    line.remove_prefix(name_end);
    if (line.starts_with('{')) line = read_labels(line.substr(1), series);
    std::size_t used = 0;
    const double value = std::stod(std::string(line), &used);
    if (used != line.size()) throw std::runtime_error("bad value of " + series.name);
    if (!values_.emplace(series, value).second) {
      throw std::runtime_error("series of " + series.name + " comes twice");
    }
  }

  static void read_comment(std::string_view line, std::map<std::string, std::string>& into) {
    const auto blank = line.find(' ');
    if (!into.emplace(line.substr(0, blank), line.substr(blank + 1)).second) {
      throw std::runtime_error("family comes twice");
    }
  }

  /// Returns what follows the closing brace.
  static std::string_view read_labels(std::string_view text, Series& series) {
    while (!text.starts_with('}')) {
      const auto equals = text.find("=\"");
      if (equals == text.npos) throw std::runtime_error("bad label of " + series.name);
      auto& value = series.labels[std::string(text.substr(0, equals))];
      text.remove_prefix(equals + 2);
      for (; text.at(0) != '"'; text.remove_prefix(1)) {
        if (text[0] == '\\') {
          text.remove_prefix(1);
          value += unescaped(text.at(0));
        } else {
          value += text[0];
        }
      }
      text.remove_prefix(1);
      if (text.starts_with(',')) text.remove_prefix(1);
    }
    return text.substr(1);
  }

  static char unescaped(char c) {
    switch (c) {
      case 'n':
        return '\n';
      case '\\':
      case '"':
        return c;
      default:
        throw std::runtime_error("bad escape");
    }
  }

  std::map<Series, double> values_;
  std::map<std::string, std::string> types_;
  std::map<std::string, std::string> helps_;
};

/// What a new exporter makes of `snapshot`.
inline Exposition exposed(const Snapshot& snapshot) {
  return Exposition(Exporter().render(snapshot, {}));
}

/// A rollout and what it has done, with a value in every place.
inline void add_rollout(Snapshot& s) {
  s.rollouts.push_back({.route = "shop",
                        .id = "build-42",
                        .from = "v1",
                        .to = "v2",
                        .state = "holding",
                        .step = 2,
                        .weight = 0.05,
                        .realised = 0.04,
                        .evidence = {{"errors", 24.5}, {"p99", 0.5}},
                        .error_ratio_lower_bound = 1.5});
  s.rollout_totals.push_back({.route = "shop",
                              .decisions = {{"advance", "", 2}, {"hold", "errors", 1}},
                              .hold_seconds = {{"errors", 2.5}, {"no_traffic", 60}},
                              .bad = {{"v1", "errors", 3}, {"v2", "errors", 14}},
                              .shielded = 13});
}

/// A snapshot that has a value in every place.
inline Snapshot full_snapshot() {
  Snapshot s;
  s.version = "1.2.3";
  s.generation = 7;
  s.access_log_dropped = 4;
  s.routes.push_back({.route = "shop",
                      .pool = "v2",
                      .codes = {{200, 90}, {503, 3}},
                      .duration = {},
                      .response_head = {},
                      .in_flight = 5,
                      .retries = {{"reset", 2}}});
  s.routes[0].duration.counts = {1, 0, 2};
  s.routes[0].duration.sum_ns = 5'500'000;
  s.routes[0].response_head.counts.back() = 4;
  s.routes[0].response_head.sum_ns = 400'000'000'000;
  s.routes.push_back({.route = "shop",
                      .pool = "",
                      .codes = {{503, 1}},
                      .duration = {},
                      .response_head = {},
                      .in_flight = 0,
                      .retries = {}});
  s.spills.push_back({"shop", "v2", "v1", 11});
  s.rejected.push_back({"", "no_route", 12});
  s.backends.push_back({.pool = "v2",
                        .backend = "127.0.0.1:9101",
                        .up = true,
                        .draining = true,
                        .gone = false,
                        .in_flight = 5,
                        .upgraded = 2,
                        .open = 10,
                        .idle = 3,
                        .requests = 95,
                        .failures = {{"reset", 6}, {"connect_refused", 1}}});
  s.listeners.push_back(
      {.listener = "0.0.0.0:8080", .active = 5, .idle = 8, .upgraded = 2, .accepted = 99});
  s.weights.push_back({"shop", "v2", 0.25, 0.1});
  add_rollout(s);
  return s;
}

}  // namespace sluice::metrics::test
