#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/log_sink.hpp"

namespace sluice::proxy::testing {

/// A log that keeps its lines. Outlives its sinks.
class KeptLog {
 public:
  LogSink sink() {
    return
        [this](LogLevel level, std::string line) { lines_.emplace_back(level, std::move(line)); };
  }
  const std::vector<std::pair<LogLevel, std::string>>& lines() const { return lines_; }
  std::vector<std::string> of(LogLevel level) const {
    std::vector<std::string> all;
    for (const auto& [of, line] : lines_) {
      if (of == level) all.push_back(line);
    }
    return all;
  }

 private:
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

}  // namespace sluice::proxy::testing
