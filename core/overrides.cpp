#include "core/overrides.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/named.hpp"
#include "core/overrides_rollout.hpp"
#include "core/quoted.hpp"
#include "core/result.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

std::vector<ShareSettings> sorted(std::vector<ShareSettings> shares) {
  std::sort(shares.begin(), shares.end(), [](const ShareSettings& a, const ShareSettings& b) {
    return std::tie(a.pool, a.weight) < std::tie(b.pool, b.weight);
  });
  return shares;
}

std::vector<BackendSettings> sorted(std::vector<BackendSettings> backends) {
  std::sort(backends.begin(), backends.end(),
            [](const BackendSettings& a, const BackendSettings& b) {
              return std::tie(a.address, a.weight) < std::tie(b.address, b.weight);
            });
  return backends;
}

/// True when a later one of `all` is about the same thing as `all[index]`.
template <class Override, class Same>
bool is_superseded(const std::vector<Override>& all, std::size_t index, Same same) {
  return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(index) + 1, all.end(),
                     [&](const Override& later) { return same(all[index], later); });
}

std::string of(const Origin& origin) {
  return origin.by.empty() ? std::string() : " by " + quoted(origin.by);
}

/// The shares of `route` with the weights of the override, in configured order; pools that it
/// leaves out get 0. Or a sentence why it cannot be.
Result<std::vector<ShareSettings>, std::string> shares_under(const SplitOverride& change,
                                                             const RouteSettings& route) {
  std::vector<ShareSettings> shares = route.split;
  Names pools;
  for (ShareSettings& share : shares) {
    pools.insert(share.pool);
    share.weight = 0;
  }
  std::vector<Problem> problems;
  check_split(change.weights, pools, "weights", problems);
  if (!problems.empty()) return problems.front().where + ": " + problems.front().what;
  for (const ShareSettings& wanted : change.weights) {
    std::find_if(shares.begin(), shares.end(), [&](const ShareSettings& share) {
      return share.pool == wanted.pool;
    })->weight = wanted.weight;
  }
  return shares;
}

void lay_split(const SplitOverride& change, Effective& out) {
  const std::string what =
      "The weights set at run time for route." + change.route + of(change.origin);
  RouteSettings* route = find_named(out.settings.routes, change.route);
  if (route == nullptr) {
    out.notices.push_back(what + " were dropped: the route is no longer configured.");
    return;
  }
  if (sorted(route->split) != sorted(change.configured)) {
    out.notices.push_back(what +
                          " were dropped: the configured split has changed since, and it wins.");
    return;
  }
  auto shares = shares_under(change, *route);
  if (!shares) {
    out.notices.push_back(what + " were dropped: they cannot be used. " + shares.error());
    return;
  }
  route->split = std::move(*shares);
  out.kept.splits.push_back(change);
}

void lay_membership(const MembershipOverride& change, Effective& out) {
  const std::string what =
      "The backends set at run time for pool." + change.pool + of(change.origin);
  PoolSettings* pool = find_named(out.settings.pools, change.pool);
  if (pool == nullptr) {
    out.notices.push_back(what + " were dropped: the pool is no longer configured.");
    return;
  }
  if (sorted(pool->backends) != sorted(change.configured)) {
    out.notices.push_back(
        what + " were dropped: the configured backends have changed since, and they win.");
    return;
  }
  std::vector<Problem> problems;
  check_backends(change.backends, "backends", problems);
  if (!problems.empty()) {
    out.notices.push_back(what + " were dropped: they cannot be used. " + problems.front().where +
                          ": " + problems.front().what);
    return;
  }
  pool->backends = change.backends;
  out.kept.memberships.push_back(change);
}

void lay_drain(const DrainOverride& drain, Effective& out) {
  const std::string thing = drain.backend.empty()
                                ? "pool." + drain.pool
                                : "backend " + quoted(drain.backend) + " of pool." + drain.pool;
  const PoolSettings* pool = find_named(out.settings.pools, drain.pool);
  const bool is_there =
      pool != nullptr &&
      (drain.backend.empty() ||
       std::any_of(pool->backends.begin(), pool->backends.end(),
                   [&](const BackendSettings& b) { return b.address == drain.backend; }));
  if (is_there) {
    out.kept.drains.push_back(drain);
    return;
  }
  out.notices.push_back("The drain of " + thing + of(drain.origin) +
                        " was dropped: it is no longer configured.");
}

}  // namespace

Effective lay_over(const Settings& configured, const Overrides& saved) {
  Effective out{.settings = configured, .kept = {}, .notices = {}};
  for (std::size_t i = 0; i < saved.splits.size(); ++i) {
    const auto same = [](const auto& a, const auto& b) { return a.route == b.route; };
    if (!is_superseded(saved.splits, i, same)) lay_split(saved.splits[i], out);
  }
  for (std::size_t i = 0; i < saved.memberships.size(); ++i) {
    const auto same = [](const auto& a, const auto& b) { return a.pool == b.pool; };
    if (!is_superseded(saved.memberships, i, same)) lay_membership(saved.memberships[i], out);
  }
  // Last, since a drain may be of a backend that was added at run time.
  for (std::size_t i = 0; i < saved.drains.size(); ++i) {
    const auto same = [](const auto& a, const auto& b) {
      return a.pool == b.pool && a.backend == b.backend;
    };
    if (!is_superseded(saved.drains, i, same)) lay_drain(saved.drains[i], out);
  }
  // Behind the drains: what a rollout drained goes with it, and with a weight that it got since.
  lay_rollouts(configured, saved, out);
  for (const RouteSettings& route : out.settings.routes) {
    for (const ShareSettings& share : route.split) {
      if (share.weight == 0) continue;
      std::erase_if(out.kept.drains, [&](const DrainOverride& drain) {
        return drain.pool == share.pool && drain.origin.by == "rollout";
      });
    }
  }
  return out;
}

}  // namespace sluice::core
