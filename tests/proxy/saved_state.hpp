#pragma once

#include <future>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/overrides.hpp"
#include "proxy/state_file.hpp"
#include "tests/support/deadline.hpp"

/// What tests keep in a state file.
namespace sluice::proxy {

/// A state file in a folder that is good for it; else the test ends.
struct PreparedFile : StateFile {
  explicit PreparedFile(std::string folder) : StateFile(std::move(folder)) {
    if (const std::string problem = prepare(); !problem.empty()) throw std::runtime_error(problem);
  }
};

inline core::Overrides drain_of(const std::string& pool) {
  core::Overrides overrides;
  overrides.drains = {{pool, "", {"alice", 1000}}};
  return overrides;
}

/// Saves and waits for the answer.
inline std::string save(StateFile& file, const std::string& text) {
  std::promise<std::string> answer;
  auto said = answer.get_future();
  file.save(text, [&](const std::string& problem) { answer.set_value(problem); });
  if (said.wait_for(support::patience) != std::future_status::ready) return "no answer";
  return said.get();
}

}  // namespace sluice::proxy
