#include "core/overrides_rollout.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "core/named.hpp"
#include "core/quoted.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

bool has_split(const std::vector<SplitOverride>& splits, const std::string& route) {
  return std::any_of(splits.begin(), splits.end(),
                     [&](const SplitOverride& split) { return split.route == route; });
}

/// Why a rollout cannot go on with `pool`; "" when it can.
std::string obstacle_of_pool(const std::string& pool, const RouteSettings& route,
                             const Settings& configured) {
  if (find_named(configured.pools, pool) == nullptr)
    return "pool." + pool + " is no longer configured";
  const bool is_shared =
      std::any_of(route.split.begin(), route.split.end(),
                  [&](const ShareSettings& share) { return share.pool == pool; });
  return is_shared ? "" : "pool." + pool + " is no longer in the split of the route";
}

/// Why a rollout under way cannot go on, to stand before a full stop; "" when it can.
std::string obstacle(const RolloutRecord& rollout, const Settings& configured,
                     const Overrides& saved, const Effective& out) {
  const RouteSettings* route = find_named(configured.routes, rollout.route);
  if (route == nullptr) return "the route is no longer configured";
  for (const std::string* pool : {&rollout.from, &rollout.to}) {
    std::string why = obstacle_of_pool(*pool, *route, configured);
    if (!why.empty()) return why;
  }
  if (has_split(saved.splits, rollout.route) && !has_split(out.kept.splits, rollout.route)) {
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
void drop_changes(const RolloutRecord& rollout, const Settings& configured, Effective& out) {
  const std::string& route = rollout.route;
  std::erase_if(out.kept.drains, [&](const DrainOverride& drain) {
    return drain.pool == rollout.from && drain.origin.by == "rollout";
  });
  std::erase_if(out.kept.splits, [&](const SplitOverride& split) { return split.route == route; });
  const RouteSettings* before = find_named(configured.routes, route);
  for (RouteSettings& in_force : out.settings.routes) {
    if (in_force.name == route) in_force.split = before->split;
  }
}

void lay_rollout(const RolloutRecord& rollout, const Settings& configured, const Overrides& saved,
                 Effective& out) {
  const bool is_under_way = is_active(rollout.state);
  const std::string what = "The rollout " + quoted(rollout.id) + " of pool." + rollout.to +
                           " on route." + rollout.route +
                           (is_under_way ? " was dropped and has ended: " : " was forgotten: ");
  if (!is_under_way && find_named(configured.routes, rollout.route) == nullptr) return;
  const std::string why = is_under_way ? obstacle(rollout, configured, saved, out) : "";
  const std::string problem = why.empty() ? policy_problem(rollout) : "";
  if (why.empty() && problem.empty()) {
    out.kept.rollouts.push_back(rollout);
    return;
  }
  out.notices.push_back(what + (why.empty() ? "it cannot be used. " + problem : why + "."));
  if (is_under_way) drop_changes(rollout, configured, out);
}

}  // namespace

void lay_rollouts(const Settings& configured, const Overrides& saved, Effective& out) {
  for (const RolloutRecord& rollout : saved.rollouts) {
    lay_rollout(rollout, configured, saved, out);
  }
}

}  // namespace sluice::core
