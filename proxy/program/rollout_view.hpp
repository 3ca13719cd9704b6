#pragma once

#include <string>
#include <string_view>

/// What the admin interface answers about rollouts, laid out for people, in the manner of
/// views.hpp.
namespace sluice::proxy::program {

/// A rollout: where it is, weights, evidence per stream, what comes next.
std::string rollout_view(std::string_view json, bool colour);
/// The sentences of an explanation, its counts per weight and its decisions.
std::string explanation_view(std::string_view json, bool colour);
/// The rollouts that ended, one a line.
std::string rollout_history_view(std::string_view json, bool colour);

/// A rollout in one line, without a line feed: "build-42: stepping, step 2 of 5, shop-v2 5%, ...".
std::string rollout_line(std::string_view json);

}  // namespace sluice::proxy::program
