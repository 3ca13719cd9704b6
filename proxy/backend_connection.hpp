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

/// One backend as one worker sees it: its counts, its addresses and its connections. Kept as long
/// as a plan, a ticket or a connection refers to it.
class LiveBackend : public LocalCounted, public core::Backend {
 public:
  LiveBackend(std::string pool, std::string address);
  LiveBackend(const LiveBackend&) = delete;
  ~LiveBackend();

  std::vector<SocketAddress>
      addresses;  ///< what the configured address means now; empty: unresolved
  std::chrono::milliseconds idle_timeout{30'000};
  bool gone = false;  ///< no longer in the plan: nothing is pooled
  TimePoint gone_since;
  bool listed = false;             ///< BackendRegistry looks at it as one that may be gone
  std::uint64_t first_change = 0;  ///< the PlanChange that brought it
  std::uint64_t change = 0;        ///< the last one that had it in the plan

  /// The next address to try.
  const SocketAddress& next_address();

  /// The most recently used idle connection that still stands, or nullptr. What the event loop has
  /// not told of yet is looked for, which costs a system call, with `looks`, for requests that must
  /// not be sent twice, and when the loop had no chance to tell since the connection was pooled:
  /// what a backend sends behind an answer is nobody's answer.
  std::unique_ptr<BackendConnection> take_idle(bool looks);
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
  void drop_idle(const BackendConnection& connection);
  std::vector<std::unique_ptr<BackendConnection>> idle_;
  BackendConnection* in_use_ = nullptr;  ///< head of the list of all connections that are not idle
  std::uint32_t next_address_ = 0;
};

/// A connection to a backend, counted as open from its construction to its destruction. While it is
/// idle it watches for EOF and unexpected octets (pitfall P4).
class BackendConnection {
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
  void link();
  void unlink();
  void on_idle_news();

  LocalPtr<LiveBackend> backend_;
  StreamPtr stream_;
  StreamWatch cut_watch_;
  BackendConnection* previous_ = nullptr;
  BackendConnection* next_ = nullptr;
  std::uint64_t pooled_in_ = 0;  ///< turn of the reactor
  bool linked_ = false;
  bool reused_ = false;
  bool sent_ = false;
  bool cut_ = false;
};

}  // namespace sluice::proxy
