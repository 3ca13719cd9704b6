#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/overrides.hpp"
#include "core/plan.hpp"
#include "proxy/control.hpp"
#include "proxy/fleet.hpp"
#include "proxy/folder_watch.hpp"
#include "proxy/handover_state.hpp"
#include "proxy/listeners.hpp"
#include "proxy/notices.hpp"
#include "proxy/place_map.hpp"
#include "proxy/posted_plans.hpp"
#include "proxy/prober.hpp"
#include "proxy/reactor_host.hpp"
#include "proxy/reloads.hpp"
#include "proxy/resolver.hpp"
#include "proxy/rollouts.hpp"
#include "proxy/state_file.hpp"
#include "proxy/wall_clock.hpp"

namespace sluice::proxy {

/// The control side of one proxy: knows what is configured, what was changed at run time and how
/// every backend is, makes plans of it and posts them to the workers. Lives on the control thread.
///
/// Of several processes on one state folder one decides; the others follow what it writes.
///
///     following --the folder is free--> deciding --hand_over()--> following
class LocalControl final : public Control, private RolloutGround, private ReloadGround {
 public:
  struct Parts {
    boost::asio::io_context& io;
    Fleet& fleet;
    StateFile& state;
    AccessLog& access_log;
    Notices& notices;
    Listeners& listeners;
    ReadSettings read_settings = {};  ///< see Proxy::Options
    std::string settings_text = {};
    /// Replaces the process; without it nothing can.
    std::function<void(UpgradeOrder, Actor, Done<UpgradeStatus>)> upgrade = {};
    /// Called when this process, which has followed another one, decides.
    std::function<void()> on_deciding = {};
    /// Of a predecessor that still serves: then nothing is decided here before take_over().
    std::shared_ptr<const HandoverState> inherited = {};
  };

  /// Lays what the state file says over `configured`; what it drops is logged.
  LocalControl(Parts parts, Settings configured);
  LocalControl(const LocalControl&) = delete;
  LocalControl& operator=(const LocalControl&) = delete;
  ~LocalControl() override;

  /// Gives the workers their first plan, starts health checks and look-ups. `ready` is called once
  /// every worker has the plan and every backend its first verdict, or after a bound of time.
  void start(std::function<void()> ready);
  /// Ends health checks, look-ups and timers; waiting callers are answered.
  void stop();

  /// Whether this process may change anything at run time; without a state folder it always may.
  bool decides() const { return standby_for_.empty() && state_.held_by().empty(); }
  /// Tries at once, and not only when it is due, to become the one that decides. Whether it is.
  /// After start().
  bool decide_now();
  /// Lets another process decide, and follows it. `then` runs when what was changed here is on disk
  /// and the folder is free. Takes the decision back when nobody else has it two seconds later.
  /// Nothing happens, and `then` is not called, when `is_wanted` says no once everything is
  /// written.
  void hand_over(std::function<void()> then, std::function<bool()> is_wanted = {});
  /// The same for good: this process is about to end, and serves nobody new.
  void leave();

  // The hand-over to another process; see Handover and Succession.

  /// What a successor has to know now.
  void handover_state(std::function<void(const HandoverState&)> done);
  void counts(std::function<void(const HandoverCounts&)> done);
  /// Decides nothing any more; `then` when what was decided is on disk. `successor` is who will,
  /// "process 123"; `takes_lock`: see pass_on_lock().
  void freeze(const std::string& successor, bool takes_lock, std::function<void()> then);
  /// Decides again: the successor has failed.
  void thaw();
  /// Whether a successor gets ready: it has read its settings, so others are refused.
  void note_handover(bool is_under_way) { is_handing_over_ = is_under_way; }
  /// Never decides again.
  void retire() { is_retired_ = true; }
  /// Decides from now on, in place of the process whose last state this is.
  /// `has_committed`: it was told to be the last one; else that process has ended before.
  /// `lock`: what it has passed on of the state folder, see pass_on_lock().
  void take_over(HandoverState last, bool has_committed, OwnedDescriptor lock = {});
  /// The lock on the state folder, for the successor, so that no other process comes in between.
  /// After freeze() for one that takes it; none when this process has not held it.
  OwnedDescriptor pass_on_lock() { return std::exchange(passed_lock_, OwnedDescriptor()); }
  /// The successor decides: what was passed on to it is its own.
  void note_taken() { state_.forget_passed(); }
  /// What the predecessor counts beside this process; none when it is gone.
  void note_predecessor(const PredecessorStatus& predecessor, const HandoverCounts& counts);
  void predecessor_is_gone();
  /// A reload goes back unless it is confirmed: that would be forgotten.
  bool awaits_confirmation() const { return reloads_.status().confirm_by_ms != 0; }
  bool has_predecessor() const { return predecessor_.has_value(); }

  const Settings& settings() const { return effective_; }
  void set_readiness(Readiness readiness);

  void status(Done<Status> done) override;
  Outcome<std::vector<RouteStatus>> routes() override;
  Outcome<RouteStatus> route(const std::string& name) override;
  void pool(const std::string& name, Done<PoolStatus> done) override;
  void snapshot(Done<Snapshot> done) override;
  Readiness readiness() const override { return readiness_; }
  void set_split(const std::string& route, std::vector<ShareSettings> weights,
                 std::optional<std::uint64_t> if_match, Actor actor,
                 Done<RouteStatus> done) override;
  void drain(DrainOrder order, Actor actor, Done<DrainStatus> done) override;
  void undrain(const std::string& pool, const std::string& backend, Actor actor,
               Done<PoolStatus> done) override;
  void set_backends(const std::string& pool, std::vector<BackendSettings> backends, Actor actor,
                    Done<PoolStatus> done) override;
  void add_backend(const std::string& pool, BackendSettings backend, Actor actor,
                   Done<PoolStatus> done) override;
  void remove_backend(DrainOrder order, Actor actor, Done<DrainStatus> done) override;
  Outcome<RolloutStatus> rollout(const std::string& route) override;
  Outcome<std::vector<RolloutStatus>> rollout_history(const std::string& route) override;
  Outcome<RolloutSettings> rollout_policy(const std::string& route) override;
  void start_rollout(const std::string& route, RolloutOrder order,
                     std::optional<std::uint64_t> if_match, Actor actor,
                     Done<RolloutStatus> done) override;
  void steer_rollout(const std::string& route, RolloutVerb verb,
                     std::optional<std::uint64_t> if_match, Actor actor,
                     Done<RolloutStatus> done) override;
  /// Puts other settings in force as one new plan, all or nothing; see Proxy::reload(). Answers
  /// when every worker has taken it and what was changed at run time is on disk. 409, 422.
  void reload(Settings next, const Actor& actor, Done<ReloadStatus> done) {
    reloads_.take(std::move(next), actor, std::move(done));
  }
  void reload_source(ReloadOrder order, Actor actor, Done<ReloadStatus> done) override {
    reloads_.reload(order, actor, std::move(done));
  }
  void confirm_reload(std::optional<std::uint64_t> record, Actor actor,
                      Done<ReloadStatus> done) override {
    reloads_.confirm(record, actor, done);
  }
  void roll_back_settings(const std::string& record, ReloadOrder order, Actor actor,
                          Done<ReloadStatus> done) override {
    reloads_.roll_back(record, order, actor, std::move(done));
  }
  std::vector<ReloadRecord> reload_history() override { return reloads_.history(); }
  Outcome<ReloadRecord> reload_record(const std::string& record) override {
    return reloads_.record(record);
  }
  void upgrade(UpgradeOrder order, Actor actor, Done<UpgradeStatus> done) override;
  std::vector<Event> events_since(std::uint64_t last_id) const override;
  std::shared_ptr<void> subscribe(std::function<void(const Event&)> listener) override;

 private:
  /// The counts of backends, summed over the workers.
  using BackendSums = PlaceMap<DrainStatus>;
  struct DrainWatch;
  /// A backend that is checked and looked up.
  struct Member {
    std::uint64_t round = 0;               ///< the last follow_membership() that saw it
    std::optional<BackendCondition> told;  ///< what the workers know of it
  };
  struct SplitRevision {
    std::uint64_t number = 1;
    Origin since;
  };

  // local_control.cpp
  void tick();
  void check_ready();
  void post_plan(bool with_conditions, std::function<void()> then);
  void post_condition(const std::string& pool, const std::string& address);
  HealthState health_of(const std::string& pool, const std::string& address) const;
  BackendCondition condition_of(const std::string& pool, const std::string& address) const;
  BackendCondition condition_of(const std::string& pool, const std::string& address,
                                bool is_draining) const;
  BackendCondition told(BackendCondition condition);
  std::vector<BackendCondition> new_conditions();
  void follow_membership();
  void on_health(const std::string& pool, const std::string& address, HealthState state,
                 const std::string& seen);
  void on_resolved(const std::string& pool, const std::string& address,
                   const std::vector<SocketAddress>& addresses);
  void audit(const Actor& actor, const std::string& change, const std::string& subject,
             const std::string& before, const std::string& after);
  bool is_draining(const std::string& pool, const std::string& address) const;
  static PlaceSet places_of(const std::vector<core::DrainOverride>& drains);
  const PoolSettings* find_pool(const std::string& name) const;

  // control_decider.cpp
  std::optional<Denial> not_decider() const;
  void look_at_state();
  void look_after_state(TimePoint now);
  void tell_lock_problem();
  bool leaves_it_to_others();
  void stop_deciding();
  void begin_to_follow();
  void begin_to_decide();
  void tell_holder();
  void tell_unusable(const std::string& problem);
  void follow();
  void adopt(core::Overrides saved);
  bool follow_ejections();
  void tell_adopted(const Settings& before, const std::vector<core::DrainOverride>& drains);
  void tell_drains(const std::vector<core::DrainOverride>& before);
  std::shared_ptr<const core::Plan> with_splits() const;
  void keep_then(std::function<void()> then);
  void part_with(std::function<void()> let_go, std::function<void()> then,
                 std::function<bool()> is_wanted);
  void write_state(bool is_change, std::function<void()> then);
  void note_write(const std::string& problem, bool is_change);

  // control_split.cpp
  RouteStatus route_status(std::size_t route) const;
  RouteStatus route_status(std::size_t route, const core::SplitOverride* change) const;
  std::vector<RouteStatus> route_statuses() const;
  const RouteSettings& configured_route(std::size_t route) const;
  std::optional<Denial> check_weights(std::size_t route,
                                      const std::vector<ShareSettings>& weights) const;
  core::SplitOverride& split_override(std::size_t route);
  void note_weights(std::size_t route, const std::vector<ShareSettings>& weights,
                    const Actor& actor);
  void post_split(std::size_t route, std::function<void()> then);
  std::shared_ptr<const core::Plan> with_trials(core::Plan plan) const;

  // control_rollout.cpp
  PoolCondition pool_condition(const std::string& pool) const override;
  std::optional<std::vector<ShareSettings>> split_in_force(const std::string& route) const override;
  const RouteSettings* route_settings(const std::string& route) const override;
  RouteSettings* effective_route(const std::string& route);
  void put_weights(const std::string& route, std::vector<ShareSettings> weights, bool is_urgent,
                   std::function<void()> done) override;
  void post_noted(const std::string& route, const std::function<void()>& done);
  void refresh_trial(const std::string& route, std::function<void()> done) override;
  void drain_pool(const std::string& pool, milliseconds deadline,
                  std::function<void()> done) override;
  std::string other_user(const std::string& route, const std::string& pool) const override;
  void undrain_pool(const std::string& pool, std::function<void()> done) override;
  std::string drained_by(const std::string& pool) const override;
  void eject(const std::string& pool, const std::string& backend) override;
  void readmit(const std::string& pool) override;
  void readmit(const std::string& pool, const std::string& backend);
  bool may_decide() const override;
  void keep(std::function<void()> done) override;
  void keep_counts() override;

  // control_drain.cpp
  std::optional<Denial> check_change(const std::string& pool, const std::string& backend) const;
  std::optional<Denial> check_target(const std::string& pool, const std::string& backend) const;
  std::vector<std::string> members_of(const std::string& pool, const std::string& backend) const;
  std::optional<milliseconds> note_drain(const DrainOrder& order, const Actor& actor);
  void post_conditions(const std::string& pool, std::span<const std::string> addresses,
                       std::function<void()> then);

  // control_drain_watch.cpp
  using WatchPtr = std::shared_ptr<DrainWatch>;
  bool is_in_force(const std::string& pool, const std::string& backend) const;
  WatchPtr watch_for(DrainOrder order, std::vector<std::string> members, bool is_removal);
  static void set_deadline(DrainWatch& watch, std::optional<milliseconds> from_now);
  void watch_in_force(const core::DrainOverride& drain);
  void watch_drain(const DrainOrder& order, std::vector<std::string> members, bool is_removal,
                   const Done<DrainStatus>& done);
  bool is_watched(const WatchPtr& watch) const;
  std::vector<WatchPtr> next_watches();
  void poll_drains();
  void judge_drain(const WatchPtr& watch, const BackendSums& sums, const PlaceSet& drains);
  void cut_drained(const WatchPtr& watch);
  void finish_drain(const WatchPtr& watch, const DrainStatus& status);
  static void answer_waiting(DrainWatch& watch, const DrainStatus& status);
  void forget_removals();

  // control_membership.cpp
  void change_membership(const std::string& pool, std::vector<BackendSettings> backends,
                         const Actor& actor, std::function<void()> then);

  // control_reload.cpp
  const Settings& configured_settings() const override { return configured_; }
  const std::string& state_held_by() const override { return state_.held_by(); }
  std::uint64_t generation() const override { return plan_->generation; }
  const core::Overrides& overrides() const override { return overrides_; }
  std::string ends_rollout(const Settings& next) const override;
  Outcome<std::vector<std::string>> try_settings(const Settings& next) const override;
  std::optional<Denial> put_settings(SettingsDraft draft, const Actor& actor,
                                     std::function<void(ReloadStatus)> done) override;
  void put_in_force(SettingsDraft draft, Listeners::Wanted listeners, const Actor& actor,
                    std::function<void(ReloadStatus)> done);
  Settings take_settings(Settings next);
  ReloadStatus with_write_problem(ReloadStatus status) const;
  void count_revisions(const std::vector<RouteStatus>& before);
  void raise_revisions();
  void tell_drains_back(const std::vector<core::DrainOverride>& before);
  void keep_verdicts(const Settings& before);
  void tell_differences(const Settings& before, const Actor& actor);
  void follow_removals(const PoolSettings& old, const PoolSettings* now);

  // control_handover.cpp
  void seed(const HandoverState& state);
  void seed_health(const std::vector<HandedHealth>& health);
  using Reports = std::vector<WorkerReport>;
  Reports with_predecessor(Reports reports) const;
  using BackendLists = std::vector<std::vector<core::Backend>>;
  BackendLists with_predecessor(BackendLists counts) const;
  HandoverCounts merged_counts(Reports reports) const;
  void take_over_drains(const std::vector<HandedDrain>& under_way, const PlaceSet& known);

  // control_status.cpp
  PoolStatus pool_status(const PoolSettings& pool,
                         const std::vector<std::vector<core::Backend>>& counts) const;

  boost::asio::io_context& io_;
  Fleet& fleet_;
  StateFile& state_;
  AccessLog& access_log_;
  Notices& notices_;
  Listeners& listeners_;
  Settings configured_;
  core::Overrides overrides_;
  Settings effective_;
  std::shared_ptr<const core::Plan> plan_;
  PostedPlans posted_;
  Reactor reactor_;
  ReactorHost host_;
  DeadlineWheel wheel_;
  BlockPool blocks_;
  boost::asio::steady_timer ticker_;
  Prober prober_;
  Resolver resolver_;
  Readiness readiness_{false, "starting"};
  std::function<void()> on_ready_;
  PlaceMap<Member> members_;
  std::uint64_t membership_round_ = 0;
  PlaceSet ejected_;    ///< backends that a rollout took out
  PlaceSet seen_down_;  ///< by their health check
  /// What was known of backends before their checks began anew (a reload, a predecessor), while
  /// those say nothing else.
  SortedPlaceMap<HealthState> kept_verdicts_;
  /// Where the splits stand that no override speaks of, once a reload has changed something; those
  /// of routes that are gone, too.
  std::map<std::string, SplitRevision> revisions_;
  SortedPlaceMap<std::shared_ptr<DrainWatch>> watches_;
  Rollouts rollouts_;
  Reloads reloads_;
  TimePoint started_;
  std::int64_t started_ms_;
  bool has_dropped_overrides_ = false;
  bool is_stopped_ = false;
  bool poll_under_way_ = false;
  Place last_polled_;  ///< the watch that was looked at last
  std::function<void(UpgradeOrder, Actor, Done<UpgradeStatus>)> upgrade_;
  std::function<void()> on_deciding_;
  std::shared_ptr<const HandoverState> inherited_;
  std::optional<core::Overrides> last_words_;  ///< of the predecessor, while they are taken over
  bool is_handing_over_ = false;
  bool is_taking_over_ = false;  ///< gets ready beside a predecessor that serves still
  bool was_decider_ = false;     ///< when it was frozen
  unsigned freezes_ = 0;         ///< and thaws, to tell one from another
  OwnedDescriptor passed_lock_;  ///< between freeze() and what becomes of it
  /// Who decides although the state folder does not say so; "" for nobody.
  std::string standby_for_;
  bool is_retired_ = false;
  bool is_leaving_ = false;   ///< told to stop: decides no more
  unsigned hands_on_ = 0;     ///< hand-overs whose last words are being written: nothing may change
  bool has_left_it_ = false;  ///< to others, because it could not read the state file
  /// From a predecessor, or there was none: drains are followed to their end here.
  bool has_taken_over_ = true;
  std::optional<PredecessorStatus> predecessor_;
  WorkerReport
      inherited_counts_;  ///< of those before this process; present ones only while it is there
  std::uint64_t inherited_dropped_ = 0;
  FolderWatch watch_;                 ///< while another process decides
  std::string holder_;                ///< of the state folder, as it was told last
  PlaceSet taken_out_;                ///< backends that a rollout of the deciding process took out
  std::vector<std::string> dropped_;  ///< notices of overrides that were told last
  std::string lock_problem_;          ///< that was told last
  std::string unusable_;              ///< what was told of the state file last
  std::string write_problem_;         ///< of the last write; "" when it went well
  TimePoint next_look_{};             ///< at the state folder
  TimePoint next_write_{};            ///< after one that failed
};

}  // namespace sluice::proxy
