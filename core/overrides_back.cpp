#include "core/overrides_back.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/named.hpp"

namespace sluice::core {
namespace {

std::string key_of(const SplitOverride& split) {
  return split.route;
}

std::string key_of(const MembershipOverride& change) {
  return change.pool;
}

std::pair<std::string, std::string> key_of(const DrainOverride& drain) {
  return {drain.pool, drain.backend};
}

template <class Override>
const Override* find_like(const std::vector<Override>& all, const Override& one) {
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const Override& other) { return key_of(other) == key_of(one); });
  return found == all.end() ? nullptr : &*found;
}

/// None when it does not fit.
std::optional<SplitOverride> moved_to(const Settings& settings, SplitOverride split) {
  const RouteSettings* route = find_named(settings.routes, split.route);
  if (route == nullptr) return split;
  split.configured = route->split;
  const auto is_unknown = [&](const ShareSettings& share) {
    return std::none_of(route->split.begin(), route->split.end(),
                        [&](const ShareSettings& one) { return one.pool == share.pool; });
  };
  for (const ShareSettings& share : split.weights) {
    if (share.weight > 0 && is_unknown(share)) return std::nullopt;
  }
  std::erase_if(split.weights, is_unknown);
  return split;
}

std::optional<MembershipOverride> moved_to(const Settings& settings, MembershipOverride change) {
  const PoolSettings* pool = find_named(settings.pools, change.pool);
  if (pool != nullptr) change.configured = pool->backends;
  return change;
}

std::optional<DrainOverride> moved_to(const Settings&, DrainOverride drain) {
  return drain;
}

template <class Override>
std::vector<Override> merged(const Settings& settings, const std::vector<Override>& before,
                             const std::vector<Override>& kept, const std::vector<Override>& now) {
  std::vector<Override> out;
  for (const Override& one : before) {
    const bool is_dropped_by_reload = find_like(kept, one) == nullptr;
    // What held then, and no longer does, was taken back since.
    if (is_dropped_by_reload || find_like(now, one) != nullptr) out.push_back(one);
  }
  for (const Override& one : now) {
    auto moved = moved_to(settings, one);
    if (!moved) continue;
    std::erase_if(out, [&](const Override& other) { return key_of(other) == key_of(one); });
    out.push_back(std::move(*moved));
  }
  return out;
}

/// A pool that is none of its two has a weight.
bool has_third(const RolloutRecord& rollout, const RouteSettings& route) {
  return std::any_of(route.split.begin(), route.split.end(), [&](const ShareSettings& share) {
    return share.weight > 0 && share.pool != rollout.from && share.pool != rollout.to;
  });
}

bool goes_on(const RolloutRecord& rollout, const Effective& effective) {
  const auto& kept = effective.kept.rollouts;
  const bool is_kept = std::any_of(kept.begin(), kept.end(), [&](const RolloutRecord& one) {
    return one.route == rollout.route && one.id == rollout.id && one.attempt == rollout.attempt;
  });
  if (!is_kept || rollout.policy.mode == RolloutMode::observe) return is_kept;
  const RouteSettings* route = find_named(effective.settings.routes, rollout.route);
  return route != nullptr && !has_third(rollout, *route);
}

}  // namespace

Overrides overrides_back(const Settings& settings, const OverridesAround& around) {
  const auto& [before, kept, now] = around;
  return {merged(settings, before.splits, kept.splits, now.splits),
          merged(settings, before.drains, kept.drains, now.drains),
          merged(settings, before.memberships, kept.memberships, now.memberships), now.rollouts};
}

std::string ended_rollout(const Settings& settings, const Overrides& now) {
  const Effective effective = lay_over(settings, now);
  for (const RolloutRecord& rollout : now.rollouts) {
    if (is_active(rollout.state) && !goes_on(rollout, effective)) return rollout.id;
  }
  return {};
}

}  // namespace sluice::core
