#include "sluice/rollout.hpp"

namespace sluice {

std::string_view to_string(RolloutState state) {
  switch (state) {
    case RolloutState::staged:
      return "staged";
    case RolloutState::mirroring:
      return "mirroring";
    case RolloutState::stepping:
      return "stepping";
    case RolloutState::holding:
      return "holding";
    case RolloutState::paused:
      return "paused";
    case RolloutState::baking:
      return "baking";
    case RolloutState::promoted:
      return "promoted";
    case RolloutState::draining:
      return "draining";
    case RolloutState::done:
      return "done";
    case RolloutState::rolling_back:
      return "rolling_back";
    case RolloutState::rolled_back:
      return "rolled_back";
  }
  return "rolled_back";
}

bool is_active(RolloutState state) {
  return state != RolloutState::done && state != RolloutState::rolled_back;
}

std::string_view to_string(Stream stream) {
  switch (stream) {
    case Stream::errors:
      return "errors";
    case Stream::p50:
      return "p50";
    case Stream::p90:
      return "p90";
    case Stream::p99:
      return "p99";
    case Stream::client_errors:
      return "client_errors";
  }
  return "errors";
}

std::string_view to_string(RolloutVerb verb) {
  switch (verb) {
    case RolloutVerb::pause:
      return "pause";
    case RolloutVerb::resume:
      return "resume";
    case RolloutVerb::promote:
      return "promote";
    case RolloutVerb::promote_full:
      return "promote_full";
    case RolloutVerb::abort:
      return "abort";
    case RolloutVerb::undo:
      return "undo";
    case RolloutVerb::approve:
      return "approve";
    case RolloutVerb::retry:
      return "retry";
  }
  return "pause";
}

}  // namespace sluice
