#include <algorithm>
#include <array>
#include <utility>

#include "proxy/exchange.hpp"

namespace sluice::proxy {
using core::FailureReason;
using core::RetryVerdict;

Exchange::Exchange(Worker& worker, ClientSide client, Request& request)
    : worker_(worker),
      client_(client.stream),
      listener_(client.listener),
      out_(client.out),
      request_(request),
      total_(
          worker.wheel(), [](void* self) { static_cast<Exchange*>(self)->on_total_deadline(); },
          this) {}

Exchange::~Exchange() {
  client_.watch({});
  if (counted_in_ != nullptr) --counted_in_->in_flight;
}

void Exchange::begin() {
  has_chosen_ = choose();
  if (has_chosen_) static_cast<LiveBackend&>(ticket_.backend()).prefetch_idle();
}

Task<void> Exchange::forward() {
  total_.arm(request_.timeouts().total);
  while (std::exchange(has_chosen_, false) || choose() ||
         (!was_ever_sent_ && pin_anew() && choose())) {
    count_retry();
    const Fault fault = co_await attempt();
    last_fault_ = fault;
    if (!fault) co_return;
    const bool goes_on = decide_again(fault);
    judge_fault(fault, goes_on);
    if (!goes_on) co_return co_await answer_fault(fault);
  }
  if (last_fault_) {
    // Nobody is left for the attempt that was to go on.
    judge_fault(last_fault_, false);
    co_return co_await answer_fault(last_fault_);
  }
  co_await answer_unavailable();
}

/// Takes the plan in force when the one that was pinned has nobody left: its backends may all have
/// been replaced since.
bool Exchange::pin_anew() {
  const LocalPtr<LivePlan>& in_force = worker_.plan();
  if (in_force->topology.get() == request_.plan->topology.get()) return false;
  const core::Topology& topology = *in_force->plan->topology;
  const RouteSettings& old_route = request_.route_plan().settings;
  const std::size_t route = core::route_index(topology, old_route.name);
  const auto same_pools = [](const ShareSettings& a, const ShareSettings& b) {
    return a.pool == b.pool;
  };
  // Force and sticky were read from a head that is gone: they hold only for the same shares.
  const bool is_same =
      route < topology.routes.size() &&
      std::ranges::equal(topology.routes[route].settings.split, old_route.split, same_pools);
  if (!is_same) return false;
  probe_.leave();
  request_.plan = in_force;
  request_.route = route;
  if (worker_.logs_access()) request_.record.route = request_.route_plan().settings.name;
  request_.record.generation = in_force->plan->generation;
  excluded_ = 0;
  tried_.clear();
  has_share_ = false;
  meant_.reset();
  return true;
}

/// Takes a ticket on a backend: of the pool that was chosen, or, when that one cannot serve, of
/// another drawn among the rest (pitfalls P28 and P29).
bool Exchange::choose() {
  for (;;) {
    if (!has_share_ && !choose_share()) return false;
    LivePool& pool = chosen_pool();
    for (;;) {
      ticket_ = pool.balancer.choose(worker_.random().next(), tried_);
      if (!ticket_ || ticket_.backend().admits()) break;
      // An older plan than the one in force still lists it.
      tried_.push_back(&ticket_.backend());
      ticket_.finish();
    }
    if (ticket_) {
      count_share(share_);
      return true;
    }
    // A request that one version may have worked on is not shown to another.
    if (was_ever_sent_) return false;
    if (!meant_) judge_unserved();
    if (!meant_) meant_ = share_;
    excluded_ |= core::ShareSet{1} << share_;
    has_share_ = false;
  }
}

LivePool& Exchange::chosen_pool() const {
  return *request_.live_route().shares[share_].pool;
}

bool Exchange::choose_share() {
  const auto& split = *request_.plan->plan->splits[request_.route];
  const auto choice =
      core::choose_share(split, request_.steering, worker_.random().next(), excluded_);
  if (!choice) return false;
  share_ = choice->share;
  has_share_ = true;
  request_.record.why = choice->why;
  return true;
}

void Exchange::count_share(core::ShareIndex share) {
  LiveRoute& route = request_.live_route();
  RoutePoolTally* tally = route.shares[share].tally;
  if (tally == counted_in_) return;
  if (counted_in_ != nullptr) --counted_in_->in_flight;
  ++tally->in_flight;
  counted_in_ = request_.served_by = tally;
  if (worker_.logs_access()) request_.record.pool = tally->pool;
  chosen_pool().retries.earn();
  if (meant_ && *meant_ != share) {
    route.tally->count_spill(route.shares[*meant_].tally->pool, tally->pool);
  }
}

bool Exchange::decide_again(const Fault& fault) {
  if (fault.side == Side::client || total_passed_ || client_left_ || !client_.is_open())
    return false;
  if (connection_ != nullptr && connection_->is_cut()) return false;
  was_ever_sent_ = was_ever_sent_ || was_sent_;
  core::FailedAttempt failed;
  failed.reason = fault.reason;
  failed.was_sent = was_sent_;
  failed.answer_begun = answer_begun_ || client_answered_;
  failed.on_reused = connection_ != nullptr && connection_->is_reused();
  failed.is_idempotent = request_.is_idempotent;
  failed.is_replayable = request_.replay.is_complete();
  failed.attempts = request_.record.attempts;
  failed.replays = replays_;
  if (fault.side == Side::proxy && was_sent_) return false;
  const RetryVerdict verdict = core::decide_retry(failed);
  if (verdict != RetryVerdict::fresh_connection && shield(fault)) return true;
  const bool is_replay = was_sent_ && verdict != RetryVerdict::give_up;
  connection_.reset();
  if (verdict == RetryVerdict::give_up) return false;
  if (is_replay && !chosen_pool().retries.has_replay()) return false;
  replays_ += is_replay ? 1 : 0;

  wants_fresh_ = verdict == RetryVerdict::fresh_connection;
  if (!wants_fresh_) tried_.push_back(attempted_.get());
  RetryReason reason = RetryReason::connect;
  if (fault.side == Side::proxy) {
    reason = RetryReason::drained;
  } else if (was_sent_) {
    reason = wants_fresh_ ? RetryReason::stale : RetryReason::reset;
  }
  pending_retry_ = PendingRetry{reason, is_replay, counted_in_};
  return true;
}

/// A further attempt has found its backend. One in another pool is a spill, not a retry.
void Exchange::count_retry() {
  if (!pending_retry_) return;
  if (pending_retry_->pool == counted_in_) {
    count(counted_in_->retries, pending_retry_->reason);
    if (pending_retry_->is_replay) chosen_pool().retries.spend();
  }
  pending_retry_.reset();
}

Task<void> Exchange::answer_fault(Fault fault) {
  connection_.reset();
  Record& record = request_.record;
  record.error = fault.error;
  if (client_left_) fault = {Side::client, {}, 499, "client_left"};
  if (fault.side == Side::client) record.error = fault.error;
  if (total_passed_) {
    record.error = "total_timeout";
    fault = {Side::backend, FailureReason::first_byte_timeout, 504, record.error};
  }
  if (client_answered_) co_return;
  record.status = fault.status;
  if (fault.status == 499 || !client_.is_open()) co_return;
  OwnAnswer answer = answer_for(fault.reason);
  if (fault.side == Side::client) {
    answer = {fault.status, fault.error, {}, {}, false};
  } else if (fault.side == Side::proxy) {
    answer = {503, "the proxy ended the request", "destination_unavailable", {}, true};
  }
  record.status = answer.status;
  if (fault.side == Side::client) {
    count(request_.live_route().tally->rejected, reject_reason_of(answer.status));
  }
  co_await send_own(answer);
}

Task<void> Exchange::answer_unavailable() {
  count(request_.live_route().tally->rejected, RejectReason::none_can_serve);
  request_.record.error = "none_can_serve";
  request_.record.status = 503;
  const OwnAnswer answer{
      503, "no backend can serve this request now", "destination_unavailable", {}, true};
  co_await send_own(answer);
}

Task<void> Exchange::send_own(OwnAnswer answer) {
  keeps_open_ = request_.persists && !leaves_body_unread() && !worker_.is_finishing();
  out_.clear();
  write_own_answer(out_, answer,
                   {request_.accepts_json, request_.is_head, !keeps_open_,
                    request_.record.request_id, worker_.date()});
  std::array<iovec, 1> piece{iovec{out_.data(), out_.size()}};
  const IoError written = co_await client_.write(piece, request_.timeouts().body_idle);
  if (written != IoError::none) keeps_open_ = false;
}

}  // namespace sluice::proxy
