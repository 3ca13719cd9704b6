#pragma once

#include <memory>
#include <string>

#include "proxy/exchange.hpp"
#include "proxy/head_parser.hpp"
#include "proxy/request.hpp"
#include "proxy/stream.hpp"
#include "proxy/task.hpp"
#include "proxy/worker.hpp"

namespace sluice::proxy {

/// One client connection, from accept to close. Frees itself when serve() has ended.
class Session {
 public:
  /// Starts serving `client`. `listener`: counters of the listener it came through.
  static void start(Worker& worker, StreamPtr client, const SocketAddress& peer,
                    ListenerTally& listener);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* session, std::size_t size) noexcept {
    FramePool::release(session, size);
  }

  /// Breaks the connection. True when a request or a tunnel was under way.
  bool cut();
  /// The worker finishes: a connection that waits for a request ends after `wait` without one.
  void end_idle(std::chrono::milliseconds wait);

 private:
  friend class SessionList;
  enum class Phase : std::uint8_t { none, idle, active };

  Session(Worker& worker, StreamPtr client, const SocketAddress& peer, ListenerTally& listener);
  ~Session();

  Task<void> serve();
  Task<bool> receive_head();
  bool begins_request();
  Task<bool> answer_request();
  std::optional<OwnAnswer> read_request();
  std::optional<OwnAnswer> read_route();
  void find_route();
  void prefetch_pools() const;
  void prefetch_members() const;
  std::optional<OwnAnswer> limit_forwards();
  void read_ids();
  void prepare_backend_head();
  void take_small_body();
  void assign_cookie();
  Task<bool> refuse(OwnAnswer answer);
  Task<void> refuse_head(OwnAnswer answer);
  Task<void> close_gently();
  void conclude();
  bool may_say_more();
  RoutePoolTally& tally_of_request();
  void count_rejected(unsigned status);
  void become(Phase phase);
  std::uint64_t* counter_of(Phase phase);

  Worker& worker_;
  StreamPtr client_;
  ListenerTally& listener_;
  std::string client_ip_;
  bool is_trusted_ = false;
  std::unique_ptr<Request> request_;  ///< from its first octet to its record
  std::uint64_t octets_sent_before_ = 0;
  TimePoint concluded_;  ///< the last request
  Phase phase_ = Phase::none;
  bool is_first_ = true;
  bool is_waiting_ = false;  ///< for the first octet of a request
  bool reset_on_close_ = false;
  bool is_awaited_ = true;  ///< something of the client may still be on its way at the end
  Session* previous_ = nullptr;
  Session* next_ = nullptr;
};

template <class Visit>
void SessionList::for_each(Visit visit) {
  for (Session* session = head_; session != nullptr;) {
    Session* next = session->next_;
    visit(*session);
    session = next;
  }
}

}  // namespace sluice::proxy
