#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "core/draw.hpp"
#include "core/rollout_text.hpp"
#include "core/split.hpp"
#include "core/validate.hpp"
#include "proxy/json_writer.hpp"
#include "proxy/random.hpp"
#include "proxy/rollout_live.hpp"

/// What operators ask of rollouts.
namespace sluice::proxy {
namespace {

Denial no_rollout(const std::string& route) {
  return {404, "No rollout",
          "route \"" + route + "\" has had no rollout; start one with {\"to\": POOL}"};
}

template <class T>
void answer_later(boost::asio::io_context& io, Done<T> done, Outcome<T> outcome) {
  boost::asio::post(io, [done = std::move(done), outcome = std::move(outcome)] { done(outcome); });
}

std::string largest(const std::vector<ShareSettings>& shares) {
  return std::max_element(
             shares.begin(), shares.end(),
             [](const ShareSettings& a, const ShareSettings& b) { return a.weight < b.weight; })
      ->pool;
}

bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

/// Whether the split of a route is one that a rollout can move.
std::optional<Denial> check_pools(const std::string& route,
                                  const std::vector<ShareSettings>& shares,
                                  const RolloutOrder& order) {
  std::string known;
  for (const ShareSettings& share : shares) known += (known.empty() ? "" : ", ") + share.pool;
  for (const std::string& pool : {order.to, order.from}) {
    const bool is_share =
        std::any_of(shares.begin(), shares.end(),
                    [&](const ShareSettings& share) { return share.pool == pool; });
    if (is_share) continue;
    return Denial{
        422, "Unknown pool",
        "\"" + pool + "\" is not in the split of route \"" + route + "\"; its pools are " + known};
  }
  if (order.to == order.from) {
    return Denial{422, "Nothing to move",
                  "\"" + order.to +
                      "\" has the largest weight already; name another pool as \"to\", "
                      "or the old one as \"from\""};
  }
  for (const ShareSettings& share : shares) {
    if (share.pool == order.to || share.pool == order.from || share.weight == 0) continue;
    return Denial{422, "A third pool has a weight",
                  "\"" + share.pool + "\" has weight " + weight_text(share.weight) +
                      "; a rollout moves the whole split between two pools, so set it to 0 first"};
  }
  core::RolloutRecord place;
  place.from = order.from;
  place.to = order.to;
  const std::vector<std::uint32_t>& steps = order.policy->steps;
  if (!steps.empty() && new_weight(shares, place) >= steps.back()) {
    return Denial{422, "Nothing to move",
                  "\"" + order.to + "\" has " + core::percent_text(new_weight(shares, place)) +
                      " already, as much as the last step gives it"};
  }
  return std::nullopt;
}

}  // namespace

const core::RolloutRecord* Rollouts::steering(const std::string& route) const {
  const LivePtr live = find(route);
  const bool steers =
      live && is_active(live->record().state) && live->record().policy.mode == RolloutMode::act;
  return steers ? &live->record() : nullptr;
}

void Rollouts::split_changed(const std::string& route) {
  const LivePtr live = find(route);
  if (!live || !live->is_judging()) return;
  const auto shares = parts_.ground.split_in_force(route);
  if (!shares) return;
  live->machine.weight_changed(new_weight(*shares, live->record()), now_ms());
  tell_decisions(*live);
}

std::vector<core::RolloutRecord> Rollouts::records() const {
  std::vector<core::RolloutRecord> all;
  for (const auto& [route, records] : ended_) {
    all.insert(all.end(), records.begin(), records.end());
  }
  for (const LivePtr& live : live_) all.push_back(live->record());
  return all;
}

Outcome<RolloutStatus> Rollouts::status(const std::string& route) const {
  const LivePtr live = find(route);
  if (!live) return no_rollout(route);
  return live->machine.status();
}

std::vector<RolloutStatus> Rollouts::history(const std::string& route) const {
  std::vector<RolloutStatus> all;
  const auto ended = ended_.find(route);
  if (ended == ended_.end()) return all;
  for (auto record = ended->second.rbegin(); record != ended->second.rend(); ++record) {
    all.push_back(core::Rollout(*record).status());
  }
  return all;
}

bool Rollouts::knows(const std::string& route, const std::string& id) const {
  const auto all = records();
  return std::any_of(all.begin(), all.end(), [&](const core::RolloutRecord& record) {
    return record.route == route && record.id == id;
  });
}

std::string Rollouts::make_id(const std::string& to) const {
  return to + "-" + std::to_string(now_ms());
}

/// Fills in what the order leaves open; says why it cannot be.
std::optional<Denial> Rollouts::check_order(const std::string& route, RolloutOrder& order) const {
  const RouteSettings* settings = parts_.ground.route_settings(route);
  const auto shares = parts_.ground.split_in_force(route);
  if (settings == nullptr || !shares) {
    return Denial{404, "No such route",
                  "there is no route \"" + route + "\"; GET /v1/routes lists them"};
  }
  if (order.from.empty()) order.from = largest(*shares);
  if (!order.policy) order.policy = settings->rollout;
  if (order.id.empty()) order.id = make_id(order.to);
  if (auto denial = check_pools(route, *shares, order)) return denial;
  if (!is_id(order.id)) {
    return Denial{422, "Unusable id", "an id is 1 to 128 visible ASCII characters"};
  }
  std::vector<Problem> problems;
  core::check_rollout(*order.policy, "policy", problems);
  if (!problems.empty()) {
    const std::string detail = problems.front().where + ": " + problems.front().what;
    return Denial{422, "Policy not acceptable", detail, std::move(problems)};
  }
  for (const std::string& pool : {order.to, order.from}) {
    const std::string by = parts_.ground.drained_by(pool);
    if (by.empty() || (by == rollout_actor_name && pool == order.to)) continue;
    return Denial{409, "The pool drains",
                  "pool \"" + pool + "\" drains (by " + by + "); un-drain it first"};
  }
  return std::nullopt;
}

void Rollouts::start(const std::string& route, RolloutOrder order, const Actor& actor,
                     Done<RolloutStatus> done) {
  const LivePtr live = find(route);
  if (live && !order.id.empty() && live->record().id == order.id) {
    return answer_later<RolloutStatus>(parts_.io, std::move(done), status(route));
  }
  for (const RolloutStatus& ended : history(route)) {
    if (!order.id.empty() && ended.id == order.id) {
      return answer_later<RolloutStatus>(parts_.io, std::move(done), ended);
    }
  }
  if (!live || !is_active(live->record().state)) {
    if (const auto denial = check_order(route, order)) {
      return answer_later<RolloutStatus>(parts_.io, std::move(done), *denial);
    }
    return begin(route, order, actor, std::move(done));
  }
  supersede(live, std::move(order), actor, std::move(done));
}

/// What happens to an order while another rollout of the route is under way.
void Rollouts::supersede(const LivePtr& live, RolloutOrder order, const Actor& actor,
                         Done<RolloutStatus> done) {
  const core::RolloutRecord& under_way = live->record();
  const std::string route = under_way.route;
  const bool has_moved_on =
      under_way.state == RolloutState::promoted || under_way.state == RolloutState::draining;
  const RouteSettings* settings = parts_.ground.route_settings(route);
  const Supersede rule = settings != nullptr ? settings->rollout.supersede : Supersede::reject;
  if (has_moved_on || rule == Supersede::reject) {
    return answer_later<RolloutStatus>(
        parts_.io, std::move(done),
        Denial{409, "Another rollout is under way",
               "rollout " + under_way.id + " of route \"" + route + "\" is " +
                   std::string(to_string(under_way.state)) +
                   (has_moved_on ? "; wait until its old pool is drained, or undo it"
                                 : "; wait for its end or abort it (supersede = \"reject\")")});
  }
  if (order.id.empty()) order.id = make_id(order.to);
  live->machine.queue({std::move(order), actor.who});
  if (rule == Supersede::restart) {
    auto steps =
        live->machine.steer(RolloutVerb::abort, actor.who + " (superseded)", surroundings(*live));
    tell_decisions(*live);
    if (steps) carry_out(live, *steps);
  }
  parts_.ground.keep([this, route, done = std::move(done)] {
    answer_later<RolloutStatus>(parts_.io, done, status(route));
  });
}

void Rollouts::begin(const std::string& route, const RolloutOrder& order, const Actor& actor,
                     Done<RolloutStatus> done) {
  core::RolloutRecord record;
  record.route = route;
  record.id = order.id;
  record.from = order.from;
  record.to = order.to;
  record.started_by = actor.who;
  record.policy = *order.policy;
  record.by_units = parts_.ground.route_settings(route)->sticky.kind != StickyKind::none;
  record.salt = core::sticky_hash(Random().next(), route + " " + order.id);
  record.weight = new_weight(*parts_.ground.split_in_force(route), record);
  const LivePtr live = enlist(std::move(record));
  const core::RolloutSteps steps = live->machine.begin(now_ms());
  tell_decisions(*live);
  const auto go = [this, live, steps, route, done = std::move(done)] {
    parts_.ground.refresh_trial(route, [this, live, steps, done] {
      carry_out(live, steps);
      parts_.ground.keep([live, done] {
        RolloutStatus status = live->machine.status();
        status.is_new = true;
        done(std::move(status));
      });
    });
  };
  if (parts_.ground.drained_by(order.to) != rollout_actor_name) return go();
  parts_.ground.undrain_pool(order.to, go);
}

/// The release that waited for the end of this one. Taken and begun at once, so that what is kept
/// on disk always has it, waiting or under way.
void Rollouts::begin_queued(const LivePtr& live) {
  if (is_stopped_ || find(live->record().route) != live) return;
  const auto next = live->machine.take_queued();
  if (!next) return;
  const std::string route = live->record().route;
  const std::string id = next->order.id;
  start(route, next->order, {next->who, "sluice", "queued rollout"},
        [this, id, route](const Outcome<RolloutStatus>& begun) {
          if (begun) return;
          parts_.notices.log(LogLevel::error,
                             "rollout " + id + " of route " + route +
                                 " waited and cannot begin: " + begun.error().detail);
        });
}

/// A new attempt is a rollout of its own; the one before it becomes history. What has changed since
/// stands in its way as it would in that of a new release.
std::optional<Denial> Rollouts::retry(const LivePtr& live, const Actor& actor) {
  core::RolloutRecord record = live->record();
  RolloutOrder order{record.to, record.from, record.id, record.policy};
  if (auto denial = check_order(record.route, order)) return denial;
  record.weight = new_weight(*parts_.ground.split_in_force(record.route), record);
  core::Rollout attempt(std::move(record));
  const auto steps = attempt.steer(RolloutVerb::retry, actor.who, surroundings(*live));
  if (!steps) return Denial{409, "Not in this state", steps.error()};
  const LivePtr fresh = enlist(attempt.record());
  fresh->machine = std::move(attempt);
  const std::string route = fresh->record().route;
  if (parts_.ground.drained_by(order.to) == rollout_actor_name) {
    parts_.ground.undrain_pool(order.to, [] {});
  }
  parts_.ground.refresh_trial(route, [] {});
  tell_decisions(*fresh);
  carry_out(fresh, *steps);
  return std::nullopt;
}

void Rollouts::steer(const std::string& route, RolloutVerb verb,
                     std::optional<std::uint64_t> if_match, const Actor& actor,
                     Done<RolloutStatus> done) {
  const auto deny = [&](Denial denial) {
    answer_later<RolloutStatus>(parts_.io, std::move(done), std::move(denial));
  };
  const LivePtr live = find(route);
  if (!live) return deny(no_rollout(route));
  const std::uint64_t revision = live->record().revision;
  if (if_match && *if_match != revision) {
    return deny({412, "Someone was faster",
                 "the rollout is at revision " + std::to_string(revision) + ", not " +
                     std::to_string(*if_match) + "; read it again and decide anew"});
  }
  if (verb == RolloutVerb::retry) {
    if (auto denial = retry(live, actor)) return deny(std::move(*denial));
  } else {
    const auto steps = live->machine.steer(verb, actor.who, surroundings(*live));
    if (!steps) return deny({409, "Not in this state", steps.error()});
    // Somebody has looked: a machine that was taken out may show that it is repaired.
    if (verb == RolloutVerb::resume) parts_.ground.readmit(live->record().to);
    tell_decisions(*live);
    carry_out(live, *steps);
  }
  parts_.notices.audit({"rollout", route, actor.who, actor.from, "", std::string(to_string(verb))});
  parts_.ground.keep([this, route, done = std::move(done)] {
    answer_later<RolloutStatus>(parts_.io, done, status(route));
  });
}

}  // namespace sluice::proxy
