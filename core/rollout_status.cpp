#include "core/rollout.hpp"
#include "core/rollout_text.hpp"

/// A rollout for people and programs.
namespace sluice::core {
namespace {

StreamCounts counts_of(const VersionCounts& counts, std::size_t stream) {
  return {counts.requests[stream], counts.bad[stream]};
}

/// One row for each weight, whatever the period.
std::vector<EpochStatus> epochs_of(const Ledger& ledger) {
  std::vector<EpochStatus> epochs;
  for (const Observation& entry : ledger.by_weight()) {
    EpochStatus& row = epochs.emplace_back();
    row.weight = entry.weight;
    for (std::size_t stream = 0; stream < stream_count; ++stream) {
      row.old_pool[stream] = counts_of(entry.old_pool, stream);
      row.new_pool[stream] = counts_of(entry.new_pool, stream);
    }
  }
  return epochs;
}

}  // namespace

RolloutStatus Rollout::status() const {
  RolloutStatus status;
  status.route = record_.route;
  status.id = record_.id;
  status.state = record_.state;
  status.mode = record_.policy.mode;
  status.reason = record_.reason;
  status.words = record_.words;
  status.step = record_.step;
  status.steps = record_.policy.steps.size();
  status.from = record_.from;
  status.to = record_.to;
  status.weight = record_.weight;
  status.evidence = evidence_.total();
  status.threshold = threshold();
  for (std::size_t stream = 0; stream < stream_count; ++stream) {
    const auto named = static_cast<Stream>(stream);
    status.streams.push_back({named, counts_of(total_.old_pool, stream),
                              counts_of(total_.new_pool, stream), evidence_.of(named),
                              ratio_lower_bound(record_.ledger, named)});
  }
  status.epochs = epochs_of(record_.ledger);
  for (const BackendBad& one : total_.by_backend) status.backends.push_back({one.backend, one.bad});
  status.requests_old = total_.old_pool.requests[error_stream];
  status.requests_new = total_.new_pool.requests[error_stream];
  status.requests_step = record_.step_new.requests[error_stream];
  status.shielded = record_.shielded;
  status.bad_delivered = record_.bad_delivered;
  status.mirrored = record_.mirrored;
  status.mirror_differences = record_.mirror_differences;
  status.started_ms = record_.started_ms;
  status.since_ms = record_.since_ms;
  status.started_by = record_.started_by;
  status.attempt = record_.attempt;
  status.revision = record_.revision;
  status.decisions = record_.decisions;
  if (record_.queued) status.queued = record_.queued->order.id;
  say_next(status);
  return status;
}

void Rollout::say_next(RolloutStatus& status) const {
  const RolloutSettings& policy = record_.policy;
  const auto next = [&](std::string words, std::int64_t at_ms) {
    status.next = std::move(words);
    status.next_ms = at_ms;
  };
  switch (record_.state) {
    case RolloutState::staged:
      return next("begins when every backend of " + record_.to +
                      " is healthy, or is rolled back when they are not by then",
                  record_.since_ms + policy.step_timeout.count());
    case RolloutState::mirroring:
      return next(percent_text(policy.steps.front()) + " go to " + record_.to,
                  record_.since_ms + policy.mirror.time.count());
    case RolloutState::stepping:
    case RolloutState::baking: {
      const auto least = is_last_step() ? policy.bake : policy.step_time;
      return next(percent_text(next_weight()) + " go to " + record_.to +
                      " once there is enough evidence of health, at the earliest then",
                  record_.step_since_ms + (record_.step == 0 ? 0 : least.count()));
    }
    case RolloutState::holding:
      return next("goes on when what stands against it is over; is rolled back at its deadline",
                  record_.started_ms + policy.deadline.count());
    case RolloutState::paused:
      return next("goes on when somebody resumes it; is rolled back at its deadline",
                  record_.started_ms + policy.deadline.count());
    case RolloutState::promoted:
      return next(record_.from + " drains; until then an undo is instant",
                  record_.since_ms + policy.retain_old.count());
    case RolloutState::draining:
      return next("is done when nothing is left on " + record_.from, 0);
    case RolloutState::rolling_back:
      return next("all traffic goes to " + record_.from, 0);
    case RolloutState::done:
    case RolloutState::rolled_back:
      return next("", 0);
  }
}

void Rollout::query_sample(std::size_t query, bool is_bad) {
  if (query >= record_.query_bad.size()) return;
  unsigned& bad = record_.query_bad[query];
  bad = is_bad ? bad + 1 : 0;
}

void Rollout::hook_failed(const std::string& words) {
  changed_ = changed_ || record_.hook_failure != words;
  record_.hook_failure = words;
}

}  // namespace sluice::core
