#include "core/overrides_rollout.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/name_index.hpp"
#include "core/quoted.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

/// What is looked up for each of many rollouts.
struct RolloutLookup {
  RolloutLookup(const Settings& configured, const Overrides& saved, Effective& out)
      : routes(configured.routes), pools(configured.pools), in_force(out.settings.routes) {
    for (const SplitOverride& split : saved.splits) lost_splits.insert(split.route);
    for (const SplitOverride& split : out.kept.splits) lost_splits.erase(split.route);
  }
  NameIndex<const std::vector<RouteSettings>> routes;
  NameIndex<const std::vector<PoolSettings>> pools;
  NameIndex<std::vector<RouteSettings>> in_force;
  std::set<std::string_view> lost_splits;  ///< routes whose weights were saved and are not kept
};

/// Why a rollout cannot go on with `pool`; "" when it can.
std::string obstacle_of_pool(const std::string& pool, const RouteSettings& route,
                             const RolloutLookup& lookup) {
  if (lookup.pools.find(pool) == nullptr) return "pool." + pool + " is no longer configured";
  const bool is_shared =
      std::any_of(route.split.begin(), route.split.end(),
                  [&](const ShareSettings& share) { return share.pool == pool; });
  return is_shared ? "" : "pool." + pool + " is no longer in the split of the route";
}

/// Why a rollout under way cannot go on, to stand before a full stop; "" when it can.
std::string obstacle(const RolloutRecord& rollout, const RolloutLookup& lookup) {
  const RouteSettings* route = lookup.routes.find(rollout.route);
  if (route == nullptr) return "the route is no longer configured";
  for (const std::string* pool : {&rollout.from, &rollout.to}) {
    std::string why = obstacle_of_pool(*pool, *route, lookup);
    if (!why.empty()) return why;
  }
  if (lookup.lost_splits.contains(rollout.route)) {
    return "its weights hold no longer, and the configured split wins";
  }
  return "";
}

/// What is wrong with the policy of a rollout, such as a damaged state file has it; "" when
/// nothing.
std::string policy_problem(const RolloutRecord& rollout) {
  std::vector<Problem> problems;
  check_rollout(rollout.policy, "policy", problems);
  return problems.empty() ? "" : problems.front().where + ": " + problems.front().what;
}

/// What is configured for the route is in force again, and an old pool that it drained is no longer
/// draining: traffic goes there now.
void drop_changes(const RolloutRecord& rollout, RolloutLookup& lookup, Effective& out) {
  const std::string& route = rollout.route;
  std::erase_if(out.kept.drains, [&](const DrainOverride& drain) {
    return drain.pool == rollout.from && drain.origin.by == "rollout";
  });
  const auto dropped = std::erase_if(
      out.kept.splits, [&](const SplitOverride& split) { return split.route == route; });
  if (dropped > 0) lookup.lost_splits.insert(route);
  RouteSettings* in_force = lookup.in_force.find(route);
  if (in_force != nullptr) in_force->split = lookup.routes.find(route)->split;
}

void lay_rollout(const RolloutRecord& rollout, RolloutLookup& lookup, Effective& out) {
  const bool is_under_way = is_active(rollout.state);
  const std::string what = "The rollout " + quoted(rollout.id) + " of pool." + rollout.to +
                           " on route." + rollout.route +
                           (is_under_way ? " was dropped and has ended: " : " was forgotten: ");
  if (!is_under_way && lookup.routes.find(rollout.route) == nullptr) return;
  const std::string why = is_under_way ? obstacle(rollout, lookup) : "";
  const std::string problem = why.empty() ? policy_problem(rollout) : "";
  if (why.empty() && problem.empty()) {
    out.kept.rollouts.push_back(rollout);
    return;
  }
  out.notices.push_back(what + (why.empty() ? "it cannot be used. " + problem : why + "."));
  if (is_under_way) drop_changes(rollout, lookup, out);
}

}  // namespace

void lay_rollouts(const Settings& configured, const Overrides& saved, Effective& out) {
  if (saved.rollouts.empty()) return;
  RolloutLookup lookup(configured, saved, out);
  for (const RolloutRecord& rollout : saved.rollouts) lay_rollout(rollout, lookup, out);
}

}  // namespace sluice::core
