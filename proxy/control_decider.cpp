#include <algorithm>
#include <boost/asio/post.hpp>
#include <map>
#include <string_view>
#include <utility>

#include "proxy/local_control.hpp"
#include "proxy/state_json.hpp"

/// Who decides among the processes on one state folder, and what is kept there.
namespace sluice::proxy {
namespace {

/// A lock that is free tells nobody: it has to be tried.
constexpr std::chrono::milliseconds look_interval{200};
/// For whom the decision is handed to.
constexpr std::chrono::seconds time_to_take_over{2};
constexpr std::chrono::seconds rewrite_interval{5};

using Drains = std::map<std::pair<std::string_view, std::string_view>, const core::DrainOverride*>;

/// By pool and backend.
Drains by_place(const std::vector<core::DrainOverride>& drains) {
  Drains all;
  for (const core::DrainOverride& drain : drains) all[{drain.pool, drain.backend}] = &drain;
  return all;
}

bool same_drains(const std::vector<core::DrainOverride>& a,
                 const std::vector<core::DrainOverride>& b) {
  const Drains before = by_place(a);
  const Drains after = by_place(b);
  return std::equal(before.begin(), before.end(), after.begin(), after.end(),
                    [](const auto& one, const auto& other) {
                      return one.first == other.first &&
                             one.second->deadline_ms == other.second->deadline_ms;
                    });
}

}  // namespace

/// Why nothing can be changed here; none when this process decides.
std::optional<Denial> LocalControl::not_decider() const {
  if (is_leaving_) {
    return Denial{409, "The proxy stops",
                  "this process is about to end; ask the one that takes its place"};
  }
  if (decides() && hands_on_ == 0) return std::nullopt;
  if (!standby_for_.empty()) {
    return Denial{409, "Another process takes over",
                  standby_for_ + " decides; ask again in a second"};
  }
  const std::string& holder = state_.held_by();
  if (holder.empty() || holder == StateFile::nobody_yet) {
    return Denial{409, "No process decides",
                  "the decision goes from one process to another; ask again in a second"};
  }
  const std::size_t comma = holder.find(", ");
  std::string detail = holder.substr(0, comma) + " decides; ask it";
  if (comma != std::string::npos) detail += " (" + holder.substr(comma + 2) + ")";
  return Denial{409, "Another process decides", std::move(detail)};
}

/// What is due between the processes on one folder.
void LocalControl::look_at_state() {
  const TimePoint now = Clock::now();
  if (!state_.is_kept() || now < next_look_) return;
  next_look_ = now + look_interval;
  if (decides()) return look_after_state(now);
  if (decide_now()) return;
  if (is_retired_ || is_leaving_) state_.look_who_holds();
  tell_holder();
  tell_lock_problem();
  // Where the kernel does not say so.
  if (state_.has_changed()) follow();
}

/// Who decides makes sure that it still may, and that what it decided is there to be read.
void LocalControl::look_after_state(TimePoint now) {
  if (!state_.check_lock()) {
    notices_.log(LogLevel::error, state_.folder() + "/lock was removed or taken back, and " +
                                      state_.held_by() + " decides now: this process follows it");
    return stop_deciding();
  }
  tell_lock_problem();
  const bool is_due = !write_problem_.empty() || state_.is_gone();
  if (!is_due || now < next_write_) return;
  next_write_ = now + rewrite_interval;
  if (write_problem_.empty()) {
    notices_.log(LogLevel::error, "somebody removed " + state_.path() +
                                      ": it is written again from what is in force");
  }
  write_state(false, [] {});
}

/// Once for each problem.
void LocalControl::tell_lock_problem() {
  if (state_.lock_problem() == std::exchange(lock_problem_, state_.lock_problem())) return;
  if (lock_problem_.empty()) return;
  notices_.log(LogLevel::error,
               lock_problem_ +
                   "; it is tried again all the time; make the file one that this user "
                   "may open and write");
}

bool LocalControl::decide_now() {
  if (decides()) return true;
  if (is_stopped_ || is_retired_ || is_leaving_ || !standby_for_.empty()) return false;
  if (!state_.retry_lock()) return false;
  if (!last_words_ && leaves_it_to_others()) return false;
  begin_to_decide();
  return true;
}

/// Who cannot read what was decided last lets others go first, once: another version may.
bool LocalControl::leaves_it_to_others() {
  const auto saved = state_.load();
  if (saved || state_.is_gone() || std::exchange(has_left_it_, true)) return false;
  tell_unusable(saved.error());
  state_.release();
  next_look_ = Clock::now() + time_to_take_over;
  return true;
}

/// The process that held the state folder is gone, or has let go of it: what it left under way goes
/// on here.
void LocalControl::begin_to_decide() {
  watch_.stop();
  holder_.clear();
  unusable_.clear();
  if (last_words_) {
    notices_.log(LogLevel::info, "this process decides from now on");
  } else {
    notices_.log(LogLevel::warn, "the state folder is free: this process decides from now on");
  }
  notices_.decider({true, ""});
  auto saved =
      last_words_ ? core::Result<core::Overrides, std::string>(*last_words_) : state_.load();
  if (saved) {
    adopt(std::move(*saved));
  } else {
    tell_unusable(saved.error());
  }
  reloads_.begin_to_decide();
  taken_out_.clear();
  has_left_it_ = false;
  const bool is_known = saved || state_.is_gone();
  rollouts_.restore(std::exchange(overrides_.rollouts, {}));
  if (!is_known) rollouts_.pause_all("the state file cannot be read, and may say more");
  plan_ = with_splits();
  post_plan(true, [] {});
  // What cannot be read stays where it is until there is something new to write.
  if (is_known) keep_then([] {});
  if (on_deciding_) on_deciding_();
}

void LocalControl::begin_to_follow() {
  const std::string problem =
      watch_.start(state_.folder(), state_.path().substr(state_.folder().size() + 1));
  if (!problem.empty()) {
    notices_.log(LogLevel::warn, problem + "; it is looked at five times a second instead");
  }
  tell_holder();
}

void LocalControl::hand_over(std::function<void()> then, std::function<bool()> is_wanted) {
  part_with([this] { state_.release(); }, std::move(then), std::move(is_wanted));
}

/// As hand_over(); `let_go` is how the folder is parted with.
void LocalControl::part_with(std::function<void()> let_go, std::function<void()> then,
                             std::function<bool()> is_wanted) {
  // What is decided from here on would not be in what is written.
  ++hands_on_;
  keep_then(
      [this, let_go = std::move(let_go), then = std::move(then), is_wanted = std::move(is_wanted)] {
        --hands_on_;
        if (is_wanted && !is_wanted()) return;
        // What could never be locked cannot be let go of either.
        if (is_stopped_ || !state_.is_locked() || !decides()) return then();
        let_go();
        next_look_ = Clock::now() + time_to_take_over;
        stop_deciding();
        then();
      });
}

void LocalControl::leave() {
  if (is_leaving_ || !state_.is_kept()) return;
  if (decides()) hand_over([] {});
  is_leaving_ = true;
}

/// The state folder is another's, or will be.
void LocalControl::stop_deciding() {
  overrides_.rollouts = rollouts_.records();
  rollouts_.follow(overrides_.rollouts);
  follow_ejections();
  plan_ = with_splits();
  post_plan(true, [] {});
  begin_to_follow();
}

void LocalControl::tell_holder() {
  if (holder_ == state_.held_by()) return;
  holder_ = state_.held_by();
  if (holder_ == StateFile::nobody_yet) {
    notices_.log(LogLevel::info, "this process no longer decides");
  } else {
    notices_.log(LogLevel::info, "follows " + holder_ + ", which decides on weights, drains, " +
                                     "backends and rollouts");
  }
  notices_.decider({false, holder_});
}

/// Once for each problem, for a file may be looked at again and again.
void LocalControl::tell_unusable(const std::string& problem) {
  if (problem == std::exchange(unusable_, problem)) return;
  notices_.log(LogLevel::error,
               "the state file " + state_.path() + " is not used: " + problem +
                   (plan_ ? "; what is in force stays" : "; the configured values are in force"));
  if (!decides() || state_.aside().empty()) return;
  notices_.log(LogLevel::error,
               "it is moved to " + state_.aside() + " before anything else is written");
}

/// The process that decides has written something.
void LocalControl::follow() {
  if (is_stopped_ || decides()) return;
  auto saved = state_.load();
  if (!saved) return tell_unusable(saved.error());
  unusable_.clear();
  has_left_it_ = false;
  // Of the time when this process decided: what another one wrote is newer.
  write_problem_.clear();
  adopt(std::move(*saved));
}

/// Puts in force what another process has kept, as one plan. Nothing happens where that is in force
/// already.
void LocalControl::adopt(core::Overrides saved) {
  core::Effective effective = core::lay_over(configured_, saved);
  if (effective.notices != std::exchange(dropped_, effective.notices)) {
    for (const std::string& notice : effective.notices) notices_.log(LogLevel::warn, notice);
  }
  const std::vector<RouteStatus> routes_before = *routes();
  const Settings before = std::exchange(effective_, std::move(effective.settings));
  const core::Overrides changed = std::exchange(overrides_, std::move(effective.kept));
  const bool asks_others = rollouts_.follow(overrides_.rollouts);
  const bool takes_others_out = follow_ejections();
  if (before == effective_ && same_drains(changed.drains, overrides_.drains) && !asks_others &&
      !takes_others_out) {
    return;
  }
  if (before.pools == effective_.pools) {
    plan_ = with_splits();
  } else {
    plan_ = with_trials(core::build_plan(plan_->generation + 1, effective_));
    follow_membership();
  }
  count_revisions(routes_before);
  tell_adopted(before, changed.drains);
  post_plan(true, [] {});
}

/// What the rollouts of the deciding process took out is out here, too. True when something
/// changed.
bool LocalControl::follow_ejections() {
  PlaceSet wanted;
  for (const core::RolloutRecord& record : overrides_.rollouts) {
    if (!is_active(record.state)) continue;
    for (const std::string& backend : record.ejected) wanted.insert({record.to, backend});
  }
  if (wanted == taken_out_) return false;
  for (const Place& key : taken_out_) {
    if (!wanted.contains(key)) ejected_.erase(key);
  }
  for (const Place& key : wanted) {
    if (!taken_out_.contains(key)) ejected_.insert(key);
  }
  taken_out_ = std::move(wanted);
  return true;
}

void LocalControl::tell_adopted(const Settings& before,
                                const std::vector<core::DrainOverride>& drains) {
  for (std::size_t index = 0; index < effective_.routes.size(); ++index) {
    const RouteSettings& route = effective_.routes[index];
    const RouteSettings& old = before.routes[index];
    if (old.split == route.split) continue;
    const RouteStatus status = route_status(index);
    notices_.split(
        {route.name, old.split, route.split, status.revision, status.since.by, "another process"});
  }
  for (std::size_t index = 0; index < effective_.pools.size(); ++index) {
    const PoolSettings& pool = effective_.pools[index];
    const PoolSettings& old = before.pools[index];
    if (old.backends == pool.backends) continue;
    notices_.membership(
        {pool.name, old.backends, pool.backends, "another process", "another process"});
  }
  forget_removals();
  tell_drains(drains);
}

void LocalControl::tell_drains(const std::vector<core::DrainOverride>& before) {
  const Drains old = by_place(before);
  const Drains now = by_place(overrides_.drains);
  for (const auto& [place, drain] : now) {
    const auto known = old.find(place);
    const bool is_new = known == old.end();
    if (!is_new && known->second->deadline_ms == drain->deadline_ms) continue;
    if (is_new) notices_.drain_begun({DrainStatus{drain->pool, drain->backend}, drain->origin.by});
    if (has_taken_over_) watch_in_force(*drain);
  }
  for (const auto& [place, drain] : old) {
    if (now.contains(place)) continue;
    notices_.undrained(
        {DrainStatus{drain->pool, drain->backend, DrainState::none}, "another process"});
  }
}

/// The plan with the weights in force and what the rollouts ask of requests, over the same pools.
std::shared_ptr<const core::Plan> LocalControl::with_splits() const {
  auto plan = std::make_shared<core::Plan>(*plan_);
  ++plan->generation;
  core::SplitList splits;
  for (std::size_t route = 0; route < plan->splits.size(); ++route) {
    const RouteSettings& settings = effective_.routes[route];
    splits.push_back(
        core::build_split(*plan->topology, route, settings.split, rollouts_.trial(settings.name)));
  }
  plan->splits = std::move(splits);
  return plan;
}

/// `then` runs when the overrides are on disk. A failed write is shouted about and does not stop
/// the change: it is in force, and is written as soon as that is possible.
void LocalControl::keep_then(std::function<void()> then) {
  write_state(true, std::move(then));
}

void LocalControl::write_state(bool is_change, std::function<void()> then) {
  // Only who decides writes.
  if (!state_.is_kept() || !decides()) return then();
  overrides_.rollouts = rollouts_.records();
  state_.save(to_state_text(overrides_),
              [this, is_change, then = std::move(then)](const std::string& problem) {
                boost::asio::post(io_, [this, is_change, problem, then] {
                  note_write(problem, is_change);
                  then();
                });
              });
}

/// Each change that is not on disk is told; what is written all the time anyway only once.
void LocalControl::note_write(const std::string& problem, bool is_change) {
  if (!problem.empty() && (is_change || write_problem_.empty())) {
    notices_.log(LogLevel::error,
                 problem +
                     "; what was changed is in force in this process alone: other processes on the "
                     "folder do not follow, and a restart loses it, until it can be written");
  }
  if (problem.empty() && !write_problem_.empty()) {
    notices_.log(LogLevel::warn, "the state file " + state_.path() + " is written again: what " +
                                     "was changed meanwhile is kept");
  }
  write_problem_ = problem;
  if (!problem.empty()) next_write_ = Clock::now() + rewrite_interval;
}

}  // namespace sluice::proxy
