#include "proxy/exchange.hpp"
#include "proxy/mirror.hpp"

/// What a rollout sees of a request, and how a user is spared a failure of the new version.
namespace sluice::proxy {
using core::FailureReason;
using core::Why;

namespace {

/// Forced and spilled requests say nothing about a version.
bool is_chosen_by_weight(Why why) {
  return why == Why::draw || why == Why::sticky;
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace

const core::Trial* Exchange::trial() const {
  return request_.split().trial();
}

bool Exchange::is_on_new() const {
  return trial() != nullptr && has_share_ && share_ == trial()->new_share &&
         is_chosen_by_weight(request_.record.why);
}

/// The first attempt is judged, later ones neither hide nor charge anybody's errors.
void Exchange::begin_trial() {
  const core::Trial* asked = trial();
  if (asked == nullptr || !is_chosen_by_weight(request_.record.why)) return;
  if (share_ != asked->old_share && share_ != asked->new_share) return;
  TrialTally* tally = worker_.trials().find(asked->key);
  if (tally == nullptr) return;
  const Arm arm = share_ == asked->new_share ? Arm::new_pool : Arm::old_pool;
  probe_.begin(*tally, *asked, {arm, attempted_->address, request_.steering.unit});
}

/// The pool that was drawn could not serve: its failure, whoever serves now (pitfall P12).
void Exchange::judge_unserved() {
  const core::Trial* asked = trial();
  if (asked == nullptr || request_.record.attempts != 0) return;
  if (!is_chosen_by_weight(request_.record.why)) return;
  TrialTally* tally = worker_.trials().find(asked->key);
  const bool is_new = share_ == asked->new_share;
  if (tally == nullptr || (!is_new && share_ != asked->old_share)) return;
  tally->count_unserved(*asked, is_new ? Arm::new_pool : Arm::old_pool, request_.steering.unit);
}

void Exchange::judge_fault(const Fault& fault, bool goes_on) {
  // A connection that was stale says nothing: the attempt goes on over a fresh one.
  if (goes_on && wants_fresh_) return;
  if (fault.side == Side::backend && !client_left_) {
    probe_.failed();
  } else {
    probe_.leave();
  }
}

/// Whether this failure on NEW can be repeated on OLD without anybody noticing.
bool Exchange::may_shield(bool has_timed_out) const {
  if (!is_on_new() || !trial()->shields || client_answered_ || sends_interim_) return false;
  if (!request_.is_idempotent || !request_.replay.is_complete()) return false;
  // A backend that is late is still at work.
  if (has_timed_out && !is_safe(request_.record.method)) return false;
  const TrialTally* tally = worker_.trials().find(trial()->key);
  const std::uint32_t old_pool = request_.split().shares()[trial()->old_share].pool;
  return tally != nullptr && tally->has_shield() &&
         request_.plan->topology->pools[old_pool]->balancer.can_serve();
}

bool Exchange::shield(const Fault& fault) {
  const bool has_timed_out = fault.reason == FailureReason::first_byte_timeout ||
                             fault.reason == FailureReason::idle_timeout ||
                             fault.reason == FailureReason::connect_timeout;
  if (fault.side != Side::backend || !may_shield(has_timed_out)) return false;
  TrialTally* tally = worker_.trials().find(trial()->key);
  if (!tally->spend_shield()) return false;
  tally->count_shielded();
  connection_.reset();
  share_ = trial()->old_share;
  request_.record.why = Why::shield;
  request_.record.error = {};
  meant_.reset();
  tried_.clear();
  wants_fresh_ = false;
  return true;
}

void Exchange::conclude() {
  if (trial() != nullptr && !last_fault_) {
    Mirror::maybe_start(worker_, request_, {request_.record.status});
  }
  if (!is_on_new() || client_left_) return;
  const bool has_failed = last_fault_.side == Side::backend && last_fault_;
  if (!has_failed && !trial()->errors.contains(request_.record.status)) return;
  if (TrialTally* tally = worker_.trials().find(trial()->key)) tally->count_delivered();
}

}  // namespace sluice::proxy
