#include "core/overrides.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/name_index.hpp"
#include "core/overrides_rollout.hpp"
#include "core/quoted.hpp"
#include "core/result.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

/// The things in force by name. Only their contents change meanwhile.
struct Lookup {
  explicit Lookup(Settings& settings) : routes(settings.routes), pools(settings.pools) {}
  NameIndex<std::vector<RouteSettings>> routes;
  NameIndex<std::vector<PoolSettings>> pools;
};

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

/// Calls `lay` with each of `all` but for those that a later one with the same key supersedes.
template <class Override, class Key, class Lay>
void lay_each(const std::vector<Override>& all, Key key_of, Lay lay) {
  std::map<decltype(key_of(all.front())), std::size_t> last;
  for (std::size_t i = 0; i < all.size(); ++i) last[key_of(all[i])] = i;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (last[key_of(all[i])] == i) lay(all[i]);
  }
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

std::uint64_t total_of(const std::vector<ShareSettings>& shares) {
  std::uint64_t total = 0;
  for (const ShareSettings& share : shares) total += share.weight;
  return total;
}

/// Whether each pool gets the same part of the requests; one that is not named gets none.
bool split_alike(const std::vector<ShareSettings>& a, const std::vector<ShareSettings>& b) {
  std::map<std::string_view, std::pair<std::uint64_t, std::uint64_t>> weights;
  for (const ShareSettings& share : a) weights[share.pool].first = share.weight;
  for (const ShareSettings& share : b) weights[share.pool].second = share.weight;
  const std::uint64_t of_a = total_of(a);
  const std::uint64_t of_b = total_of(b);
  return std::all_of(weights.begin(), weights.end(), [&](const auto& entry) {
    return entry.second.first * of_b == entry.second.second * of_a;
  });
}

void lay_split(const SplitOverride& change, const Lookup& lookup, Effective& out) {
  const std::string what =
      "The weights set at run time for route." + change.route + of(change.origin);
  RouteSettings* route = lookup.routes.find(change.route);
  if (route == nullptr) {
    out.notices.push_back(what + " were dropped: the route is no longer configured.");
    return;
  }
  const bool is_as_it_was = sorted(route->split) == sorted(change.configured);
  // What a release has reached is written down behind it: that takes nothing back.
  if (!is_as_it_was && !split_alike(route->split, change.weights)) {
    out.notices.push_back(what +
                          " were dropped: the configured split has changed since, and it wins.");
    return;
  }
  auto shares = shares_under(change, *route);
  if (!shares) {
    out.notices.push_back(what + " were dropped: they cannot be used. " + shares.error());
    return;
  }
  out.kept.splits.push_back(change);
  if (!is_as_it_was) out.kept.splits.back().configured = route->split;
  route->split = std::move(*shares);
}

void lay_membership(const MembershipOverride& change, const Lookup& lookup, Effective& out) {
  const std::string what =
      "The backends set at run time for pool." + change.pool + of(change.origin);
  PoolSettings* pool = lookup.pools.find(change.pool);
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

/// Pools and backends in force.
using Places = std::set<std::pair<std::string_view, std::string_view>>;

Places places_of(const Settings& settings) {
  Places places;
  for (const PoolSettings& pool : settings.pools) {
    places.emplace(pool.name, "");
    for (const BackendSettings& backend : pool.backends) places.emplace(pool.name, backend.address);
  }
  return places;
}

void lay_drain(const DrainOverride& drain, const Places& places, Effective& out) {
  if (places.contains({drain.pool, drain.backend})) {
    out.kept.drains.push_back(drain);
    return;
  }
  const std::string thing = drain.backend.empty()
                                ? "pool." + drain.pool
                                : "backend " + quoted(drain.backend) + " of pool." + drain.pool;
  out.notices.push_back("The drain of " + thing + of(drain.origin) +
                        " was dropped: it is no longer configured.");
}

/// Takes back what a rollout drained and what has a weight again.
void drop_drains_of_weighted(Effective& out) {
  std::set<std::string_view> weighted;
  for (const RouteSettings& route : out.settings.routes) {
    for (const ShareSettings& share : route.split) {
      if (share.weight > 0) weighted.insert(share.pool);
    }
  }
  std::erase_if(out.kept.drains, [&](const DrainOverride& drain) {
    return drain.origin.by == "rollout" && weighted.contains(drain.pool);
  });
}

}  // namespace

std::int64_t moment_after(milliseconds deadline, std::int64_t now_ms) {
  return now_ms + std::clamp(deadline, milliseconds(0), longest_deadline).count();
}

std::optional<milliseconds> time_left(const DrainOverride& drain, std::int64_t now_ms) {
  if (!drain.deadline_ms) return std::nullopt;
  const std::int64_t latest = now_ms + longest_deadline.count();
  return milliseconds(std::clamp(*drain.deadline_ms, now_ms, latest) - now_ms);
}

Effective lay_over(const Settings& configured, const Overrides& saved) {
  Effective out{.settings = configured, .kept = {}, .notices = {}};
  const Lookup lookup(out.settings);
  lay_each(
      saved.splits, [](const SplitOverride& split) { return std::string_view(split.route); },
      [&](const SplitOverride& split) { lay_split(split, lookup, out); });
  lay_each(
      saved.memberships,
      [](const MembershipOverride& change) { return std::string_view(change.pool); },
      [&](const MembershipOverride& change) { lay_membership(change, lookup, out); });
  // Last, since a drain may be of a backend that was added at run time.
  const Places places = saved.drains.empty() ? Places{} : places_of(out.settings);
  lay_each(
      saved.drains,
      [](const DrainOverride& drain) {
        return std::pair<std::string_view, std::string_view>(drain.pool, drain.backend);
      },
      [&](const DrainOverride& drain) { lay_drain(drain, places, out); });
  // Behind the drains: what a rollout drained goes with it, and with a weight that it got since.
  lay_rollouts(configured, saved, out);
  if (!out.kept.drains.empty()) drop_drains_of_weighted(out);
  return out;
}

}  // namespace sluice::core
