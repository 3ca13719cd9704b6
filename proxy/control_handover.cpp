#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "proxy/backend_sums.hpp"
#include "proxy/drain_watch.hpp"

/// The control side of a hand-over from one process to the next.
namespace sluice::proxy {
namespace {

/// As if one worker had counted it all.
WorkerReport merged(const std::vector<WorkerReport>& reports) {
  WorkerReport sum;
  PlaceMap<std::size_t> known;
  for (const WorkerReport& report : reports) {
    sum.tally.merge(report.tally);
    sum.sessions += report.sessions;
    for (std::size_t index = 0; index < report.backends.size(); ++index) {
      const core::Backend& backend = report.backends[index];
      const auto [at, is_new] = known.add(backend.pool, backend.address);
      if (is_new) {
        at = sum.backends.size();
        sum.backends.push_back(backend);
        sum.gone.push_back(report.gone[index]);
        continue;
      }
      add_counts(sum.backends[at], backend);
      sum.gone[at] = sum.gone[at] && report.gone[index];
    }
  }
  return sum;
}

}  // namespace

void LocalControl::upgrade(UpgradeOrder order, Actor actor, Done<UpgradeStatus> done) {
  if (upgrade_) return upgrade_(std::move(order), std::move(actor), std::move(done));
  boost::asio::post(io_, [done = std::move(done)] {
    done(Denial{501, "Nothing to upgrade to",
                "the program that embeds this proxy has not said how it is started anew"});
  });
}

/// What is known before the first plan is made.
void LocalControl::seed(const HandoverState& state) {
  seed_health(state.health);
  for (const HandedRevision& one : state.revisions) {
    revisions_[one.route] = {one.revision, one.since};
  }
}

/// Until the first check of its own.
void LocalControl::seed_health(const std::vector<HandedHealth>& health) {
  for (const HandedHealth& one : health) {
    const bool is_verdict = one.state == HealthState::up || one.state == HealthState::down;
    if (!is_verdict || health_of(one.pool, one.backend) != HealthState::unknown) continue;
    kept_verdicts_[Place{one.pool, one.backend}] = one.state;
  }
}

void LocalControl::handover_state(std::function<void(const HandoverState&)> done) {
  counts([this, done = std::move(done)](const HandoverCounts& counted) {
    HandoverState state;
    state.overrides = overrides_;
    if (!rollouts_.is_following()) state.overrides.rollouts = rollouts_.records();
    state.decided = decides() || was_decider_;
    state.generation = plan_->generation;
    for (const auto& [place, member] : members_) {
      state.health.push_back({place.first, place.second, health_of(place.first, place.second)});
    }
    const std::size_t routes = plan_->topology->routes.size();
    for (const RouteStatus& status : route_statuses()) {
      state.revisions.push_back({status.name, status.revision, status.since});
    }
    for (const auto& [route, revision] : revisions_) {
      const bool is_gone = core::route_index(*plan_->topology, route) == routes;
      if (is_gone) state.revisions.push_back({route, revision.number, revision.since});
    }
    const TimePoint now = Clock::now();
    for (const auto& [place, watch] : watches_) {
      HandedDrain drain{watch->order.pool, watch->order.backend, std::nullopt};
      if (watch->deadline != TimePoint::max()) {
        drain.deadline =
            std::max(std::chrono::ceil<milliseconds>(watch->deadline - now), milliseconds(0));
      }
      if (!watch->is_removal) state.drains.push_back(std::move(drain));
    }
    state.events = notices_.events().since(0);
    state.counts = counted;
    done(state);
  });
}

void LocalControl::counts(std::function<void(const HandoverCounts&)> done) {
  fleet_.ask_all<WorkerReport>(
      [](Worker& worker) { return worker.report(); },
      [this, done = std::move(done)](Reports reports) { done(merged_counts(std::move(reports))); });
}

HandoverCounts LocalControl::merged_counts(Reports reports) const {
  return {merged(with_predecessor(std::move(reports))), rollouts_.totals(),
          access_log_.dropped() + inherited_dropped_};
}

/// The workers come behind it: what they say of a backend's condition is the newer word.
LocalControl::Reports LocalControl::with_predecessor(Reports reports) const {
  reports.insert(reports.begin(), inherited_counts_);
  return reports;
}

LocalControl::BackendLists LocalControl::with_predecessor(BackendLists counts) const {
  counts.push_back(inherited_counts_.backends);
  return counts;
}

void LocalControl::freeze(const std::string& successor, bool takes_lock,
                          std::function<void()> then) {
  was_decider_ = decides();
  const unsigned number = ++freezes_;
  // It may be called off at any moment, and then nothing may be given away any more.
  const auto is_wanted = [this, number] { return number == freezes_; };
  rollouts_.collect([this, successor, takes_lock, is_wanted, then = std::move(then)] {
    if (!is_wanted()) return;
    const auto stand_by = [this, successor, then] {
      standby_for_ = successor;
      if (!rollouts_.is_following()) {
        overrides_.rollouts = rollouts_.records();
        rollouts_.follow(overrides_.rollouts);
      }
      then();
    };
    if (!state_.is_kept() || !decides()) return stand_by();
    if (!takes_lock) return hand_over(stand_by, is_wanted);
    part_with([this] { passed_lock_ = state_.pass_on(); }, stand_by, is_wanted);
  });
}

void LocalControl::thaw() {
  ++freezes_;
  was_decider_ = false;
  passed_lock_ = OwnedDescriptor();
  if (std::exchange(standby_for_, {}).empty() || is_stopped_) return;
  if (!state_.held_by().empty()) {
    // What could not be written is known here alone.
    if (!write_problem_.empty()) last_words_ = overrides_;
    next_look_ = {};
    decide_now();
    last_words_.reset();
    return;
  }
  rollouts_.restore(std::exchange(overrides_.rollouts, {}));
  plan_ = with_splits();
  post_plan(true, [] {});
}

void LocalControl::take_over(HandoverState last, bool has_committed, OwnedDescriptor lock) {
  standby_for_.clear();
  const PlaceSet known_drains = places_of(last.overrides.drains);
  // With a folder of its own, or none, nothing is on disk that says more than these last words; and
  // with the predecessor's, they say it, too, when that could not be written. Words that were not
  // the last are older than the file.
  const bool is_newest = has_committed && last.decided;
  if (is_newest || state_.held_by().empty()) last_words_ = std::move(last.overrides);
  seed_health(last.health);
  notices_.go_on_from(last.events);
  rollouts_.add_totals(last.counts.rollouts);
  for (const HandedRevision& one : last.revisions) {
    SplitRevision& revision = revisions_[one.route];
    if (revision.number < one.revision) revision = {one.revision, one.since};
  }
  const bool may_adopt = !is_stopped_ && !is_retired_ && !is_leaving_;
  const bool has_adopted = may_adopt && state_.adopt_lock(std::move(lock));
  if (has_adopted || decides()) {
    begin_to_decide();
  } else {
    // Of several processes on the folder another one may have been faster: then it decides.
    decide_now();
  }
  last_words_.reset();
  take_over_drains(last.drains, known_drains);
}

/// What the predecessor has known of and followed no more was drained there.
void LocalControl::take_over_drains(const std::vector<HandedDrain>& under_way,
                                    const PlaceSet& known) {
  has_taken_over_ = true;
  for (const HandedDrain& drain : under_way) {
    if (!is_in_force(drain.pool, drain.backend)) continue;
    watch_for({drain.pool, drain.backend, drain.deadline}, members_of(drain.pool, drain.backend),
              false);
  }
  for (const core::DrainOverride& drain : overrides_.drains) {
    if (!known.contains(PlaceView{drain.pool, drain.backend})) watch_in_force(drain);
  }
}

void LocalControl::note_predecessor(const PredecessorStatus& predecessor,
                                    const HandoverCounts& counts) {
  predecessor_ = predecessor;
  predecessor_->connections = counts.report.sessions;
  inherited_counts_ = counts.report;
  // Who is there is what the plan of this process says.
  inherited_counts_.gone.assign(inherited_counts_.backends.size(), true);
  inherited_dropped_ = counts.access_log_dropped;
}

/// Its counters stay, what it had under way is over.
void LocalControl::predecessor_is_gone() {
  if (!predecessor_) return;
  notices_.log(LogLevel::info,
               "the process before this one, " + std::to_string(predecessor_->pid) + ", is gone");
  predecessor_.reset();
  inherited_counts_.tally.forget_present();
  inherited_counts_.sessions = 0;
  for (core::Backend& backend : inherited_counts_.backends) {
    backend.in_flight = backend.upgraded = backend.open = backend.idle = 0;
  }
}

}  // namespace sluice::proxy
