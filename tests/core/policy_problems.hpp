#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/validate.hpp"

namespace sluice::core {

using Places = std::vector<std::string>;

/// A policy without a problem that has something of everything.
inline RolloutSettings good_policy() {
  RolloutSettings rollout;
  rollout.freeze = {"Fri 16:00 - Mon 07:00", "22:00 - 06:00"};
  rollout.errors.statuses = {"5xx", "429"};
  rollout.guard = {0.02, milliseconds{800}};
  rollout.mirror.time = milliseconds{60'000};
  rollout.gates = {{.before = 2'500, .hook = "http://127.0.0.1:7000/approve"},
                   {.before = 10'000, .manual = true}};
  rollout.hooks = {{.on = {"started", "step", "held"}, .url = "http://127.0.0.1:7000/event"},
                   {.on = {"rolled_back", "promoted", "drained"}, .command = {"undo", ""}}};
  rollout.queries = {
      {.prometheus = "http://127.0.0.1:9090", .expr = "max(cpu)", .bad_when = "> 0.85"}};
  return rollout;
}

/// The problems of good_policy() after `change`.
template <class Change>
std::vector<Problem> problems_after(Change change) {
  RolloutSettings rollout = good_policy();
  change(rollout);
  std::vector<Problem> problems;
  check_rollout(rollout, "r", problems);
  for (const Problem& problem : problems) {
    EXPECT_TRUE(problem.what.ends_with('.')) << problem.where << ": " << problem.what;
  }
  return problems;
}

/// Where they are, in order.
template <class Change>
Places places_after(Change change) {
  Places places;
  for (const Problem& problem : problems_after(change)) places.push_back(problem.where);
  return places;
}

/// The only one of them.
template <class Change>
std::string sentence_after(Change change) {
  const auto problems = problems_after(change);
  EXPECT_EQ(problems.size(), 1U);
  return problems.empty() ? "" : problems.front().what;
}

}  // namespace sluice::core
