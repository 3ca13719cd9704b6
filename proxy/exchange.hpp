#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/framing.hpp"
#include "core/retry.hpp"
#include "core/ticket.hpp"
#include "proxy/backend_connection.hpp"
#include "proxy/head_parser.hpp"
#include "proxy/own_answer.hpp"
#include "proxy/request.hpp"
#include "proxy/task.hpp"
#include "proxy/trial_tally.hpp"
#include "proxy/worker.hpp"

namespace sluice::proxy {

/// Octets the head of an answer may have.
inline constexpr std::uint64_t max_answer_head = 256 * 1024;

/// Whose side of the exchange failed.
enum class Side : std::uint8_t {
  none,     ///< nothing failed
  client,   ///< the client left, stalled or sent a broken body
  backend,  ///< `reason` says how
  proxy,    ///< ended from here: a drain began before anything was sent, a deadline cut it
};

/// Why an attempt did not come to a whole answer.
struct Fault {
  Side side = Side::none;
  core::FailureReason reason = core::FailureReason::reset;  ///< of a backend's fault
  unsigned status = 502;  ///< what the client is told when nothing was sent to it yet; 499: nothing
  std::string_view error;  ///< for the log
  explicit operator bool() const { return side != Side::none; }
};

/// The client's side of an exchange, as its session has it.
struct ClientSide {
  Stream& stream;
  ListenerTally& listener;
  std::string& out;  ///< text towards the client; reused
};

/// Carries one request to a backend and its answer to the client:
/// split -> balance (Ticket) -> connection -> send -> answer -> again elsewhere, if it may be.
/// Lives for one request on the session's worker.
class Exchange {
 public:
  Exchange(Worker& worker, ClientSide client, Request& request);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  /// Chooses the first backend, and asks for what will be read of it. The head of the request may
  /// be written between this and forward().
  void begin();
  /// Serves the request. Everything is recorded in request.record. Afterwards keeps_client_open()
  /// says whether the client's connection can carry another request.
  Task<void> forward();
  /// Counts what a rollout wants to know of the end. After forward().
  void conclude();
  bool keeps_client_open() const { return keeps_open_; }
  bool is_tunnel() const { return is_tunnel_; }
  /// The answer ended before it was whole, and only a reset can tell the client.
  bool needs_reset() const { return ends_with_connection_ && last_fault_; }
  /// Octets of the request's body may still be on their way.
  bool leaves_body_unread() const { return !request_.body.is_done(); }

 private:
  // forward.cpp
  bool pin_anew();
  bool choose();
  bool choose_share();
  LivePool& chosen_pool() const;
  bool decide_again(const Fault& fault);
  Task<void> answer_fault(Fault fault);
  Task<void> answer_unavailable();
  Task<void> send_own(OwnAnswer answer);
  void count_share(core::ShareIndex share);
  void count_retry();

  // exchange.cpp
  Task<Fault> attempt();
  Task<Fault> connect();
  Task<Fault> send();
  Sending sending() const;
  Task<void> upload();
  Fault fault_of_upload() const;
  Fault fault_of_total() const;
  void watch_cut();
  void on_cut();
  void end_client();
  void watch_client();
  void on_client_news();
  void on_total_deadline();

  // exchange_answer.cpp
  Task<Fault> receive_answer();
  HeadScan::Found look_for_head(core::ResponseHead& head);
  Task<Fault> forward_interim(const core::ResponseHead& head);
  Fault begin_answer(core::ResponseHead& head, core::BodyFraming& framing);
  Fault end_answer(RelayEnd end);
  void write_answer_head(const core::ResponseHead& head, const core::BodyFraming& towards_client);
  Relay answer_relay(core::BodyKind towards_client);
  bool take_small_body(const core::BodyFraming& framing);
  bool is_request_sent() const;
  TimePoint deadline_for_head() const;
  Fault fault_of_read(IoError error) const;
  Fault fault_of_relay(RelayEnd end) const;

  // exchange_trial.cpp
  const core::Trial* trial() const;
  bool is_on_new() const;
  void begin_trial();
  void judge_unserved();
  void judge_fault(const Fault& fault, bool goes_on);
  bool may_shield(bool has_timed_out) const;
  bool shield(const Fault& fault);

  // exchange_tunnel.cpp
  Task<Fault> tunnel(core::ResponseHead& head);
  Task<Fault> relay_tunnel();
  Task<void> relay_tunnel_upload(TunnelPulse& pulse);
  Stream& backend() { return connection_->stream(); }

  /// A further attempt that was decided and has not found its backend yet.
  struct PendingRetry {
    RetryReason reason;
    bool is_replay;
    const RoutePoolTally* pool;
  };

  Worker& worker_;
  Stream& client_;
  ListenerTally& listener_;
  std::string& out_;
  Request& request_;
  Deadline total_;

  core::ShareSet excluded_ = 0;
  core::ShareIndex share_ = 0;
  bool has_share_ = false;
  std::optional<core::ShareIndex> meant_;  ///< the pool first chosen, when it could not serve
  RoutePoolTally* counted_in_ = nullptr;
  std::vector<core::Backend*> tried_;
  core::Ticket ticket_;
  LocalPtr<LiveBackend> attempted_;  ///< the backend of the present attempt
  std::unique_ptr<BackendConnection> connection_;
  HeadScan scan_;
  BodyReader answer_body_;
  Child upload_;
  RelayEnd upload_end_ = RelayEnd::complete;
  TrialProbe probe_;
  Fault last_fault_;
  TimePoint waiting_since_;  ///< for the response head
  TimePoint head_begun_;     ///< its first octet was there
  std::optional<PendingRetry> pending_retry_;
  unsigned replays_ = 0;
  bool wants_fresh_ = false;
  bool refuses_answer_ = false;  ///< an error of NEW that the client need not see
  bool was_sent_ = false;        ///< in the present attempt
  bool was_ever_sent_ = false;   ///< in an earlier one
  bool awaits_head_ = false;
  bool head_has_begun_ = false;  ///< something of the present head was there
  bool backend_persists_ = false;
  bool answer_begun_ = false;     ///< the backend sent something
  bool client_answered_ = false;  ///< the client was sent something of a final answer
  bool sends_interim_ = false;
  bool ends_with_connection_ = false;  ///< the end of the connection is the end of the answer
  bool client_left_ = false;
  bool total_passed_ = false;
  bool keeps_open_ = false;
  bool is_tunnel_ = false;
  bool has_chosen_ = false;  ///< ticket_ is for the attempt that comes
};

}  // namespace sluice::proxy
