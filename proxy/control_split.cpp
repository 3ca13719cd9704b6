#include <algorithm>
#include <boost/asio/post.hpp>
#include <string_view>
#include <unordered_map>

#include "core/rollout_text.hpp"
#include "proxy/json_writer.hpp"
#include "proxy/local_control.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {
namespace {

const ShareSettings* find_share(const std::vector<ShareSettings>& shares, const std::string& pool) {
  const auto found = std::find_if(shares.begin(), shares.end(),
                                  [&](const ShareSettings& share) { return share.pool == pool; });
  return found == shares.end() ? nullptr : &*found;
}

Weight weight_of(const std::vector<ShareSettings>& shares, const std::string& pool) {
  const ShareSettings* share = find_share(shares, pool);
  return share == nullptr ? 0 : share->weight;
}

/// A weight for each of `shares`, in their order; 0 where `weights` says nothing.
std::vector<ShareSettings> over_all_shares(const std::vector<ShareSettings>& shares,
                                           const std::vector<ShareSettings>& weights) {
  std::vector<ShareSettings> result;
  result.reserve(shares.size());
  for (const ShareSettings& share : shares) {
    result.push_back({share.pool, weight_of(weights, share.pool)});
  }
  return result;
}

}  // namespace

/// What the file says of a route; plans keep its order of routes.
const RouteSettings& LocalControl::configured_route(std::size_t route) const {
  return configured_.routes[route];
}

RouteStatus LocalControl::route_status(std::size_t route) const {
  const std::string& name = plan_->topology->routes[route].settings.name;
  const core::SplitOverride* change = nullptr;
  for (const core::SplitOverride& split : overrides_.splits) {
    if (split.route == name) change = &split;
  }
  return route_status(route, change);
}

/// `change`: what was set at run time; null for nothing.
RouteStatus LocalControl::route_status(std::size_t route, const core::SplitOverride* change) const {
  const core::RoutePlan& plan = plan_->topology->routes[route];
  RouteStatus status;
  status.name = plan.settings.name;
  status.host = plan.settings.host;
  status.path = plan.settings.path;
  const auto known = revisions_.find(status.name);
  status.revision = known == revisions_.end() ? 1 : known->second.number;
  status.since =
      known == revisions_.end() ? Origin{"configuration", started_ms_} : known->second.since;
  const RouteSettings& configured = configured_route(route);
  const auto& shares = plan_->splits[route]->shares();
  for (std::size_t index = 0; index < shares.size(); ++index) {
    const std::string& pool = plan.settings.split[index].pool;
    status.shares.push_back({pool, weight_of(configured.split, pool), shares[index].weight});
    status.overridden |= status.shares.back().configured != shares[index].weight;
  }
  if (change != nullptr) {
    status.revision = change->revision;
    status.since = change->origin;
  }
  return status;
}

/// Of all routes, in the order of the plan.
std::vector<RouteStatus> LocalControl::route_statuses() const {
  std::unordered_map<std::string_view, const core::SplitOverride*> changes;
  for (const core::SplitOverride& split : overrides_.splits) changes[split.route] = &split;
  std::vector<RouteStatus> all;
  const auto& routes = plan_->topology->routes;
  all.reserve(routes.size());
  for (std::size_t route = 0; route < routes.size(); ++route) {
    const auto change = changes.find(routes[route].settings.name);
    all.push_back(route_status(route, change == changes.end() ? nullptr : change->second));
  }
  return all;
}

Outcome<std::vector<RouteStatus>> LocalControl::routes() {
  return route_statuses();
}

Outcome<RouteStatus> LocalControl::route(const std::string& name) {
  const std::size_t index = core::route_index(*plan_->topology, name);
  if (index == plan_->topology->routes.size()) {
    return Denial{404, "No such route",
                  "there is no route \"" + name + "\"; GET /v1/routes lists them"};
  }
  return route_status(index);
}

std::optional<Denial> LocalControl::check_weights(std::size_t route,
                                                  const std::vector<ShareSettings>& weights) const {
  const auto& shares = configured_route(route).split;
  std::string known;
  for (const ShareSettings& share : shares) known += (known.empty() ? "" : ", ") + share.pool;
  std::uint64_t sum = 0;
  for (std::size_t index = 0; index < weights.size(); ++index) {
    const ShareSettings& weight = weights[index];
    if (find_share(shares, weight.pool) == nullptr) {
      return Denial{
          422, "Unknown pool",
          "\"" + weight.pool + "\" is not in the split of this route; its pools are " + known};
    }
    if (find_share(weights, weight.pool) != &weight) {
      return Denial{422, "Pool named twice", "\"" + weight.pool + "\" stands in weights twice"};
    }
    if (weight.weight > weight_max) {
      return Denial{422, "Weight too large",
                    "the weight of \"" + weight.pool + "\" is above " + weight_text(weight_max)};
    }
    sum += weight.weight;
  }
  if (sum == 0) {
    return Denial{422, "No weight left",
                  "the weights add up to 0; at least one pool needs a weight above 0"};
  }
  return std::nullopt;
}

core::SplitOverride& LocalControl::split_override(std::size_t route) {
  const RouteStatus now = route_status(route);
  const auto found =
      std::find_if(overrides_.splits.begin(), overrides_.splits.end(),
                   [&](const core::SplitOverride& split) { return split.route == now.name; });
  if (found != overrides_.splits.end()) return *found;
  core::SplitOverride fresh;
  fresh.route = now.name;
  fresh.configured = configured_route(route).split;
  fresh.revision = now.revision;
  return overrides_.splits.emplace_back(std::move(fresh));
}

void LocalControl::set_split(const std::string& route, std::vector<ShareSettings> weights,
                             std::optional<std::uint64_t> if_match, Actor actor,
                             Done<RouteStatus> done) {
  const auto deny = [&](Denial denial) {
    boost::asio::post(io_, [done, denial] { done(denial); });
  };
  const std::size_t index = core::route_index(*plan_->topology, route);
  if (index == plan_->topology->routes.size()) return deny(this->route(route).error());
  if (const auto denial = not_decider()) return deny(*denial);
  const RouteStatus before = route_status(index);
  if (if_match && *if_match != before.revision) {
    return deny({412, "Someone was faster",
                 "the split is at revision " + std::to_string(before.revision) + ", not " +
                     std::to_string(*if_match) + "; read it again and decide anew"});
  }
  if (auto denial = check_weights(index, weights)) return deny(*denial);

  if (const core::RolloutRecord* rollout = rollouts_.steering(route)) {
    return deny({409, "A rollout moves the weights",
                 "rollout " + rollout->id + " of route \"" + route + "\" is " +
                     std::string(to_string(rollout->state)) +
                     (rollout->weight == core::percent_100
                          ? "; undo it, or wait until its old pool is drained"
                          : "; abort it, or send it on with promote")});
  }
  note_weights(index, weights, actor);
  const auto status = std::make_shared<RouteStatus>();
  post_split(index, [this, route, done, status] {
    rollouts_.split_changed(route);
    keep_then([done, status] { done(*status); });
  });
  // As this change has made it, whatever comes meanwhile.
  *status = route_status(index);
}

/// From here on the weights are those that count: the next plan has them, and so has the file.
void LocalControl::note_weights(std::size_t route, const std::vector<ShareSettings>& weights,
                                const Actor& actor) {
  const RouteStatus before = route_status(route);
  const auto all = over_all_shares(configured_route(route).split, weights);
  std::vector<ShareSettings> old;
  for (const ShareStatus& share : before.shares) old.push_back({share.pool, share.in_force});

  core::SplitOverride& change = split_override(route);
  change.weights = all;
  change.revision = before.revision + 1;
  change.origin = {actor.who, wall_clock_ms()};
  if (RouteSettings* settings = effective_route(before.name)) settings->split = all;
  // A pool that a rollout drained takes requests again when somebody gives it a weight.
  for (const ShareSettings& share : all) {
    if (share.weight > 0 && drained_by(share.pool) == rollout_actor_name) {
      undrain_pool(share.pool, [] {});
    }
  }
  audit(actor, "split", before.name, in_words(old), in_words(all));
  notices_.split({before.name, old, all, before.revision + 1, actor.who, actor.why});
}

/// Gives the workers the weights that were noted, and what a rollout asks of requests. `then` runs
/// when every worker has them.
void LocalControl::post_split(std::size_t route, std::function<void()> then) {
  const core::RoutePlan& settings = plan_->topology->routes[route];
  if (const RouteSettings* effective = route_settings(settings.settings.name)) {
    auto plan = std::make_shared<core::Plan>(*plan_);
    ++plan->generation;
    plan->splits.put(route, core::build_split(*plan->topology, route, effective->split,
                                              rollouts_.trial(effective->name)));
    plan_ = std::move(plan);
  }
  post_plan(false, std::move(then));
}

/// The plan with what the rollouts under way ask of requests.
std::shared_ptr<const core::Plan> LocalControl::with_trials(core::Plan plan) const {
  for (std::size_t route = 0; route < plan.topology->routes.size(); ++route) {
    const RouteSettings& settings = plan.topology->routes[route].settings;
    auto trial = rollouts_.trial(settings.name);
    if (!trial) continue;
    plan.splits.put(route,
                    core::build_split(*plan.topology, route, settings.split, std::move(trial)));
  }
  return std::make_shared<const core::Plan>(std::move(plan));
}

}  // namespace sluice::proxy
