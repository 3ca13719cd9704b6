#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/rollout.hpp"
#include "proxy/control.hpp"
#include "proxy/deadline.hpp"
#include "proxy/fleet.hpp"
#include "proxy/notices.hpp"
#include "proxy/rollout_hooks.hpp"
#include "proxy/rollout_queries.hpp"

namespace sluice::proxy {

/// By whom audits and drains say that something was changed.
inline const std::string rollout_actor_name = "rollout";

/// What a rollout does to the proxy and needs to know of it. Control thread.
class RolloutGround {
 public:
  virtual ~RolloutGround() = default;

  /// Backends of a pool, and how many of them take requests.
  struct PoolCondition {
    std::size_t size = 0;
    std::size_t up = 0;
    std::size_t healthy = 0;  ///< up, or it would be if it did not drain
    std::size_t unknown = 0;  ///< not checked or not looked up yet
  };
  virtual PoolCondition pool_condition(const std::string& pool) const = 0;
  /// The shares in force; none when there is no such route.
  virtual std::optional<std::vector<ShareSettings>> split_in_force(
      const std::string& route) const = 0;
  virtual const RouteSettings* route_settings(const std::string& route) const = 0;
  /// Puts weights, and what the rollout asks of requests, in force in every worker; before that the
  /// change is on disk, unless it is `urgent`. `done` afterwards.
  virtual void put_weights(const std::string& route, std::vector<ShareSettings> weights,
                           bool is_urgent, std::function<void()> done) = 0;
  /// The same weights, but other wishes of the rollout.
  virtual void refresh_trial(const std::string& route, std::function<void()> done) = 0;
  /// `done` when nothing is left, when what was left after `deadline` was cut, or when somebody
  /// took the drain back.
  virtual void drain_pool(const std::string& pool, milliseconds deadline,
                          std::function<void()> done) = 0;
  /// Another route whose split in force gives this pool a weight; "" when there is none.
  virtual std::string other_user(const std::string& route, const std::string& pool) const = 0;
  virtual void undrain_pool(const std::string& pool, std::function<void()> done) = 0;
  /// Who drains a pool; "" when it does not drain.
  virtual std::string drained_by(const std::string& pool) const = 0;
  /// Takes a backend out of service, or lets all of a pool that were taken out back in.
  virtual void eject(const std::string& pool, const std::string& backend) = 0;
  virtual void readmit(const std::string& pool) = 0;
  /// False while the decision goes to another process: what was decided now would not be in what
  /// that one reads.
  virtual bool may_decide() const = 0;
  /// Writes the state file; `done` when it is written.
  virtual void keep(std::function<void()> done) = 0;
  /// The same for what is counted all the time; nobody waits, and nobody hears of it twice when it
  /// fails.
  virtual void keep_counts() = 0;
};

/// All rollouts of the proxy: asks the workers every 100 ms, lets each rollout judge, and does what
/// it decides. Control thread.
class Rollouts {
 public:
  struct Parts {
    boost::asio::io_context& io;
    Fleet& fleet;
    Notices& notices;
    RolloutGround& ground;
  };
  explicit Rollouts(Parts parts);
  Rollouts(const Rollouts&) = delete;
  Rollouts& operator=(const Rollouts&) = delete;
  ~Rollouts();

  /// Goes on with what was kept on disk, in place of what there was. Before the first plan is made,
  /// or when this process begins to decide.
  void restore(std::vector<core::RolloutRecord> records);
  /// Another process decides: shows what it has kept, and draws as it does, but judges nothing,
  /// moves nothing and calls nobody. True when requests have to be asked for something else now.
  bool follow(const std::vector<core::RolloutRecord>& records);
  bool is_following() const { return is_following_; }
  /// A backend that a rollout took out may serve again.
  void readmitted(const std::string& pool, const std::string& backend);
  /// Nothing advances by itself until somebody resumes it; detectors stay armed.
  void pause_all(const std::string& why);
  /// A reload took some away: those that are not in `kept` end.
  void retain(const std::vector<core::RolloutRecord>& kept);
  void stop();
  /// To be called often; does its work every 100 ms.
  void tick();

  /// What the requests of a route are asked for now; null without a rollout.
  std::shared_ptr<const core::Trial> trial(const std::string& route) const;
  /// The rollout that moves the weights of this route; nullptr when an operator may.
  const core::RolloutRecord* steering(const std::string& route) const;
  /// An operator has set weights while a rollout only observes.
  void split_changed(const std::string& route);
  std::vector<core::RolloutRecord> records() const;
  /// For metrics.
  void write_to(Snapshot& snapshot) const;
  std::vector<RolloutTotals> totals() const;
  /// What the process before this one had counted.
  void add_totals(const std::vector<RolloutTotals>& more);
  /// Counts what the workers have seen until now; `then` when it is counted.
  void collect(std::function<void()> then);

  Outcome<RolloutStatus> status(const std::string& route) const;
  /// Whether the route has, or had, a rollout with this id.
  bool knows(const std::string& route, const std::string& id) const;
  std::vector<RolloutStatus> history(const std::string& route) const;
  /// The order is checked against the configuration; see Control::start_rollout.
  void start(const std::string& route, RolloutOrder order, const Actor& actor,
             Done<RolloutStatus> done);
  void steer(const std::string& route, RolloutVerb verb, std::optional<std::uint64_t> if_match,
             const Actor& actor, Done<RolloutStatus> done);

 private:
  struct Live;
  using LivePtr = std::shared_ptr<Live>;

  // rollouts.cpp
  LivePtr find(const std::string& route) const;
  bool is_present(const LivePtr& live) const;
  void part_with(const LivePtr& live);
  LivePtr enlist(core::RolloutRecord record);
  void end_by_settings(const LivePtr& live);
  bool follow_split(const LivePtr& live);
  void ask_workers(const LivePtr& live);
  void judge(const LivePtr& live);
  void settle(const LivePtr& live);
  core::RolloutSurroundings surroundings(const Live& live) const;
  std::int64_t now_ms() const;
  void set_clock(const std::vector<core::RolloutRecord>& records);

  // rollouts_count.cpp
  void take_reports(const LivePtr& live, std::vector<TrialReport> reports);
  static void set_limits(Live& live, const std::vector<TrialReport>& reports);
  void count(const Live& live, const std::vector<core::Observation>& seen,
             const core::RolloutExtras& extras);

  // rollouts_follow.cpp
  static LivePtr followed(const core::RolloutRecord& record, const std::vector<LivePtr>& before);

  // rollouts_act.cpp
  void carry_out(const LivePtr& live, const core::RolloutSteps& steps);
  void put_weight(const LivePtr& live, std::uint32_t weight, bool is_urgent);
  void weight_is_in_force(const LivePtr& live, std::uint32_t weight);
  void tell(const LivePtr& live, const std::string& event);
  void ask_gate(const LivePtr& live, std::size_t gate);
  void tell_decisions(Live& live);
  bool is_needed_elsewhere(const LivePtr& live) const;
  void drain_old(const LivePtr& live);
  static bool compare_no_more(Live& live);
  void end_trial(const LivePtr& live);
  void forget(const Live& live);

  // rollouts_calls.cpp
  void supersede(const LivePtr& live, RolloutOrder order, const Actor& actor,
                 Done<RolloutStatus> done);
  std::optional<Denial> check_order(const std::string& route, RolloutOrder& order) const;
  void begin(const std::string& route, const RolloutOrder& order, const Actor& actor,
             Done<RolloutStatus> done);
  std::optional<Denial> retry(const LivePtr& live, const Actor& actor);
  void begin_queued(const LivePtr& live);
  std::string make_id(const std::string& to) const;

  Parts parts_;
  struct Totals;
  std::map<std::string, Totals> totals_;                           ///< by route
  std::vector<LivePtr> live_;                                      ///< the newest of each route
  std::map<std::string, std::vector<core::RolloutRecord>> ended_;  ///< by route, newest last
  /// Replaced by newer ones; what was told last is still being told.
  std::vector<std::pair<TimePoint, LivePtr>> parting_;
  std::uint64_t next_key_ = 1;
  TimePoint started_;
  std::int64_t started_ms_;  ///< wall clock at started_, never before what was kept
  TimePoint next_tick_;
  TimePoint next_keep_;
  bool is_following_ = false;
  bool is_stopped_ = false;
};

}  // namespace sluice::proxy
