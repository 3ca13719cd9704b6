#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cassert>
#include <map>

#include "core/named.hpp"
#include "proxy/backend_sums.hpp"
#include "proxy/local_control.hpp"
#include "sluice/version.hpp"

namespace sluice::proxy {
namespace {

using Reports = std::vector<WorkerReport>;

std::string_view to_string(Balance balance) {
  switch (balance) {
    case Balance::least_request:
      return "least_request";
    case Balance::round_robin:
      return "round_robin";
  }
  return "";
}

std::vector<LabelledCount> labelled_failures(const core::Backend& backend) {
  std::vector<LabelledCount> result;
  for (std::size_t reason = 0; reason < backend.failures.size(); ++reason) {
    if (backend.failures[reason] == 0) continue;
    result.emplace_back(core::to_string(static_cast<core::FailureReason>(reason)),
                        backend.failures[reason]);
  }
  return result;
}

std::uint64_t all_failures(const core::Backend& backend) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : backend.failures) sum += count;
  return sum;
}

/// Backends summed over the workers. One is gone when no worker has it in its plan.
struct MergedBackend {
  core::Backend counts;
  bool gone = true;
};
std::map<std::pair<std::string, std::string>, MergedBackend> merge(const Reports& reports) {
  std::map<std::pair<std::string, std::string>, MergedBackend> merged;
  for (const WorkerReport& report : reports) {
    for (std::size_t index = 0; index < report.backends.size(); ++index) {
      const core::Backend& backend = report.backends[index];
      MergedBackend& entry = merged[{backend.pool, backend.address}];
      entry.counts.pool = backend.pool;
      entry.counts.address = backend.address;
      entry.counts.up = backend.up;
      entry.counts.draining = backend.draining;
      entry.gone = entry.gone && report.gone[index];
      add_counts(entry.counts, backend);
    }
  }
  return merged;
}

}  // namespace

PoolStatus LocalControl::pool_status(const PoolSettings& pool,
                                     const std::vector<std::vector<core::Backend>>& counts) const {
  PoolStatus status;
  status.name = pool.name;
  status.balance = to_string(pool.balance);
  const PoolSettings* configured = core::find_named(configured_.pools, pool.name);
  assert(configured != nullptr);
  status.overridden = configured->backends != pool.backends;
  std::map<std::string, core::Backend> merged;
  for (const auto& of_worker : counts) {
    for (const core::Backend& backend : of_worker) {
      if (backend.pool == pool.name) add_counts(merged[backend.address], backend);
    }
  }
  for (const BackendSettings& backend : pool.backends) {
    const core::Backend& sum = merged[backend.address];
    BackendStatus entry;
    entry.address = backend.address;
    entry.weight = backend.weight;
    entry.health = health_of(pool.name, backend.address);
    entry.last_check = prober_.last_seen(pool.name, backend.address);
    entry.in_flight = sum.in_flight;
    entry.upgraded = sum.upgraded;
    entry.open = sum.open;
    entry.idle = sum.idle;
    entry.requests = sum.requests;
    entry.failures = all_failures(sum);
    if (is_draining(pool.name, backend.address)) {
      entry.drain = sum.is_quiet() ? DrainState::drained : DrainState::draining;
    }
    status.backends.push_back(std::move(entry));
  }
  return status;
}

void LocalControl::pool(const std::string& name, Done<PoolStatus> done) {
  if (auto denial = check_target(name, "")) {
    boost::asio::post(io_, [done, denial] { done(*denial); });
    return;
  }
  fleet_.ask_all<std::vector<core::Backend>>(
      [name](Worker& worker) { return worker.counts_of(name, ""); },
      [this, name, done](const BackendLists& of_workers) {
        const BackendLists counts = with_predecessor(of_workers);
        // A reload may have taken the pool away meanwhile.
        if (auto denial = check_target(name, "")) return done(*denial);
        done(pool_status(*find_pool(name), counts));
      });
}

void LocalControl::status(Done<Status> done) {
  fleet_.ask_all<WorkerReport>(
      [](Worker& worker) { return worker.report(); },
      [this, done](const Reports& of_workers) {
        const Reports reports = with_predecessor(of_workers);
        Status status;
        status.version = version;
        status.pid = ::getpid();
        status.predecessor = predecessor_;
        status.started_ms = started_ms_;
        status.uptime_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_).count());
        status.generation = plan_->generation;
        status.workers = static_cast<unsigned>(fleet_.size());
        status.readiness = readiness_;
        status.decider = {decides(), state_.held_by(),
                          write_problem_.empty() ? state_.lock_problem() : write_problem_};
        Tally tally;
        std::vector<std::vector<core::Backend>> counts;
        for (const WorkerReport& report : reports) {
          tally.merge(report.tally);
          counts.push_back(report.backends);
        }
        Snapshot snapshot;
        tally.write_to(snapshot);
        status.listeners = std::move(snapshot.listeners);
        status.settings = reloads_.status();
        status.routes = *routes();
        for (const PoolSettings& pool : effective_.pools) {
          status.pools.push_back(pool_status(pool, counts));
        }
        done(std::move(status));
      });
}

void LocalControl::snapshot(Done<Snapshot> done) {
  fleet_.ask_all<WorkerReport>(
      [](Worker& worker) { return worker.report(); },
      [this, done](const Reports& of_workers) {
        const Reports reports = with_predecessor(of_workers);
        Snapshot snapshot;
        snapshot.version = version;
        snapshot.generation = plan_->generation;
        snapshot.last_reload_ok = reloads_.is_last_ok();
        snapshot.last_reload_ms = reloads_.last_taken_ms();
        snapshot.is_decider = decides();
        snapshot.access_log_dropped = access_log_.dropped() + inherited_dropped_;
        Tally tally;
        for (const WorkerReport& report : reports) tally.merge(report.tally);
        tally.write_to(snapshot);
        for (const auto& [key, backend] : merge(reports)) {
          const core::Backend& counts = backend.counts;
          snapshot.backends.push_back({counts.pool, counts.address, counts.up, counts.draining,
                                       backend.gone, counts.in_flight, counts.upgraded, counts.open,
                                       counts.idle, counts.requests, labelled_failures(counts)});
        }
        const auto all_routes = routes();
        for (const RouteStatus& route : *all_routes) {
          double in_force = 0;
          double configured = 0;
          for (const ShareStatus& share : route.shares) {
            in_force += share.in_force;
            configured += share.configured;
          }
          for (const ShareStatus& share : route.shares) {
            snapshot.weights.push_back(
                {route.name, share.pool, share.in_force / in_force, share.configured / configured});
          }
        }
        rollouts_.write_to(snapshot);
        done(std::move(snapshot));
      });
}

}  // namespace sluice::proxy
