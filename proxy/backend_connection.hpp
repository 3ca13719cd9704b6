#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/backend.hpp"
#include "proxy/local_ptr.hpp"
#include "proxy/stream.hpp"

namespace sluice::proxy {

class BackendConnection;

/// Connections to one backend, and what each request asks about them.
struct BackendConnections {
  /// Up to 49 days in four octets.
  using IdleTimeout = std::chrono::duration<std::uint32_t, std::milli>;

  BackendConnection* idle_head = nullptr;  ///< the most recently used; owned
  BackendConnection* in_use_head = nullptr;
  IdleTimeout idle_timeout{30'000};
  bool gone = false;  ///< no longer in the plan: nothing is pooled
};

/// One backend as one worker sees it: its counts, its addresses and its connections. Kept as long
/// as a plan, a ticket or a connection refers to it. What a request touches of it is one cache
/// line, and the order of the bases makes it so: with thousands of backends each line is waited
/// for.
class alignas(64) LiveBackend : public LocalCounted,
                                public BackendConnections,
                                public core::Backend {
 public:
  LiveBackend(std::string pool, std::string address);
  LiveBackend(const LiveBackend&) = delete;
  ~LiveBackend();

  std::vector<SocketAddress>
      addresses;  ///< what the configured address means now; empty: unresolved
  TimePoint gone_since;
  bool listed = false;             ///< BackendRegistry looks at it as one that may be gone
  std::uint64_t first_change = 0;  ///< the PlanChange that brought it
  std::uint64_t change = 0;        ///< the last one that had it in the plan

  /// The next address to try.
  const SocketAddress& next_address();

  /// The most recently used idle connection that still stands, or nullptr. What the event loop has
  /// not told of yet is looked for, which costs a system call, with `looks`, for requests that must
  /// not be sent twice, and when the loop had no chance to tell since the connection was pooled:
  /// what a backend sends behind an answer is nobody's answer. Without `looks`, one that needs no
  /// such look comes before those that do.
  std::unique_ptr<BackendConnection> take_idle(bool looks);
  /// Asks for the memory of the connection that take_idle() most probably gives.
  void prefetch_idle() const;
  /// Keeps a connection for the next request, or closes it when nothing may be pooled here.
  void give_idle(std::unique_ptr<BackendConnection> connection);
  /// Closes all idle connections, as a drain does at its start (pitfall P5).
  void close_idle();
  /// Closes the connections on which no request was sent yet: a drain lets nothing new in.
  void close_unsent();
  /// Breaks all connections in use. Returns how many.
  std::size_t cut();

 private:
  friend class BackendConnection;
  std::unique_ptr<BackendConnection> leave_idle(BackendConnection& connection);
  BackendConnection& best_idle() const;
  std::uint32_t next_address_ = 0;
};

/// A connection to a backend, counted as open from its construction to its destruction. While it is
/// idle it watches for EOF and unexpected octets (pitfall P4).
class alignas(64) BackendConnection {
 public:
  BackendConnection(LocalPtr<LiveBackend> backend, StreamPtr stream);
  BackendConnection(const BackendConnection&) = delete;
  BackendConnection& operator=(const BackendConnection&) = delete;
  ~BackendConnection();

  Stream& stream() { return *stream_; }
  LiveBackend& backend() { return *backend_; }
  /// Served a request before: its failure may mean no more than that it was stale.
  bool is_reused() const { return reused_; }
  /// Who hears that the connection was cut. Until it is pooled again.
  void on_cut(StreamWatch watch) { cut_watch_ = watch; }
  /// From now on a request is on it.
  void mark_sent() { sent_ = true; }
  /// The deadline of a drain or of the proxy's stop broke it.
  bool is_cut() const { return cut_; }

 private:
  friend class LiveBackend;
  /// The list of its backend that it stands in.
  enum class Place : std::uint8_t { none, in_use, idle };
  void link(Place place);
  void unlink();
  /// The event loop has not looked at all streams since this one was pooled.
  bool is_unseen() const { return pooled_at_ == stream_->looks(); }
  BackendConnection*& head();
  void on_idle_news();

  LocalPtr<LiveBackend> backend_;
  StreamPtr stream_;
  StreamWatch cut_watch_;
  BackendConnection* previous_ = nullptr;
  BackendConnection* next_ = nullptr;
  std::uint64_t pooled_at_ = 0;  ///< after so many looks of the reactor
  Place place_ = Place::none;
  bool reused_ = false;
  bool sent_ = false;
  bool cut_ = false;
};

}  // namespace sluice::proxy
