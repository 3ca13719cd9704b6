#pragma once

#include "core/rollout_record.hpp"
#include "proxy/state_codec.hpp"

namespace sluice::proxy {

/// A rollout in the state file, complete: what is read equals what was written. Shares in
/// hundredths of a percent, moments and durations in milliseconds, numbers of streams as an array
/// in the order of sluice::Stream. What could lead the rollout astray is refused: a step that the
/// policy has not, weights above everything, a ledger that contradicts itself, moments that no
/// clock shows. Whether policy, route and pools make sense is core::lay_over()'s affair.
template <>
struct StateCodec<core::RolloutRecord> {
  static boost::json::value write(const core::RolloutRecord& rollout);
  static core::RolloutRecord read(const boost::json::value& value);
};

}  // namespace sluice::proxy
