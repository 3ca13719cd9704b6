#pragma once

#include "core/overrides.hpp"

namespace sluice::core {

/// The part of lay_over() about rollouts, after that about splits: `out.kept.splits` are those that
/// hold. See lay_over() for which of `saved.rollouts` are kept. One under way that is dropped takes
/// the weights of its route with it: nobody would judge its traffic any more.
void lay_rollouts(const Settings& configured, const Overrides& saved, Effective& out);

}  // namespace sluice::core
