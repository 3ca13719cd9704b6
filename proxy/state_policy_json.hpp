#pragma once

#include "proxy/state_codec.hpp"
#include "sluice/rollout_settings.hpp"

namespace sluice::proxy {

/// The policy of a rollout in the state file: every member under its own name, durations in whole
/// milliseconds. Whether it makes sense is not looked at; core::lay_over() does.
template <>
struct StateCodec<RolloutSettings> {
  static boost::json::value write(const RolloutSettings& policy);
  static RolloutSettings read(const boost::json::value& value);
};

}  // namespace sluice::proxy
