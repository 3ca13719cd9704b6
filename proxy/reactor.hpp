#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "proxy/socket_batch.hpp"

struct epoll_event;

namespace sluice::proxy {

/// How long a turn works on what was posted, or on a part of it, while events wait.
inline constexpr std::chrono::milliseconds longest_part{1};

/// What hears of the readiness of a descriptor. Belongs to the thread of its reactor.
///
/// What talks to the kernel and what works on octets are calls of their own, so that a turn makes
/// each for many, one after the other: code and data of the one side stay in the caches meanwhile,
/// and peers are woken for many messages together.
class Polled {
 public:
  Polled() = default;
  Polled(const Polled&) = delete;
  Polled& operator=(const Polled&) = delete;
  virtual ~Polled() = default;

  /// Takes note of EPOLL* bits. Everything that a turn brings is noted before anything acts on it,
  /// so that whoever acts sees all of it. Must not do more than that.
  virtual void note(std::uint32_t events) noexcept = 0;
  /// Takes from the kernel what somebody waits for, and returns how many octets that was. Must not
  /// do more than that: act() comes behind it, perhaps after another receive() that finds it done.
  virtual std::size_t receive() noexcept { return 0; }
  /// The same with others: puts the call into the batch, which is not full, and returns how many
  /// octets it may bring, or what receive() returns when there is nothing to call. received() comes
  /// with what it brought.
  virtual std::size_t receive(SocketBatch& /*batch*/) noexcept { return receive(); }
  /// `result`: how many octets, or a negated errno. Returns what receive() does.
  virtual std::size_t received(std::int32_t /*result*/) noexcept { return 0; }
  /// Acts on what was noted, received or sent, or on what defer() was called for.
  virtual void act() = 0;
  /// Gives to the kernel what gather() was called for. True: that is done, and act() comes behind
  /// it. Must not do more than that.
  virtual bool send() noexcept { return false; }
  /// The same with others: puts the call into the batch, which is not full. sent() comes with what
  /// the kernel took. False: there is nothing to send. Who has send() has this, too.
  virtual bool send(SocketBatch& /*batch*/) noexcept { return false; }
  /// `result`: how many octets, or a negated errno. Returns what send() does.
  virtual bool sent(std::int32_t /*result*/) noexcept { return false; }
  /// The time that add_later() gave has passed: to be registered now.
  virtual void add_now() {}

 private:
  friend class Reactor;
  /// Since when it is unregistered.
  enum class Age : std::uint8_t { none, recent, less_recent };
  bool is_deferred_ = false;
  Age age_ = Age::none;
  std::uint32_t place_ = 0;  ///< among those of its age
};

/// The event loop of one thread, over epoll: edge-triggered, each descriptor registered once for
/// its life, so that the steady state makes no epoll_ctl and no read that finds nothing.
///
///     turn:  wait -> register what has waited for that -> note all -> posted jobs -> groups ->
///            deferred -> delete what was retired
///     group: receive for all -> act on all -> send for all that gathered -> act on those
///
/// A group is as many of the events as bring few enough octets to stay in the caches.
///
/// All but post() and wake() on the thread that runs turn().
class Reactor {
 public:
  /// Throws std::system_error when the process has no descriptors left.
  Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  /// From now on those of a group receive and send in batches. nullptr: one by one.
  void batch_calls(std::unique_ptr<SocketBatch> batch) { batch_ = std::move(batch); }
  bool batches_calls() const { return batch_ != nullptr; }

  /// Registers `descriptor` for `events` (EPOLL* bits), until remove(). False: errno says
  /// why.
  bool add(int descriptor, Polled& polled, std::uint32_t events);
  /// For a connection that has just come: one that lives for a few turns only is never registered,
  /// which spares two system calls. Nothing is told of it until polled.add_now() is called, some
  /// turns or milliseconds later, if drop_later() does not come first. False, and nothing happens,
  /// where nobody would call turn() for it: to be registered at once.
  bool add_later(Polled& polled);
  /// It is registered, or its descriptor closed, before its time. Without effect when it does not
  /// wait for that.
  void drop_later(Polled& polled);
  /// Changes what it is registered for; what holds already is reported anew.
  bool modify(int descriptor, Polled& polled, std::uint32_t events);
  /// Ends the registration, before the descriptor is closed: closing alone does not end it while
  /// another descriptor, of a forked child for example, shares the file.
  void remove(int descriptor);

  /// Has polled.act() called later in this turn, or in the next one, never inside this call.
  void defer(Polled& polled);
  /// Whether what is to be sent now can wait for the end of the group.
  bool gathers() const { return gathers_; }
  /// Has polled.send() called at the end of the group. Requires gathers().
  void gather(Polled& polled) { gathered_.push_back(&polled); }
  /// Deletes `polled` once nothing of the turn can refer to it any more. It must defer no more.
  void retire(Polled* polled);

  /// Runs `job` in a turn of this reactor. Jobs run in the order in which they were posted. Any
  /// thread.
  void post(std::function<void()> job);
  /// The same for what may take longer than events can wait: `part` is called in one turn after
  /// another until it returns true, and should return within `longest_part`. What is posted behind
  /// it waits for its end. Any thread.
  void post_in_parts(std::function<bool()> part);
  /// Ends a wait that is under way. Any thread.
  void wake();

  /// Waits until something is there, `timeout` at most (negative: for ever), and works it off.
  /// Returns how much there was; 0: nothing.
  std::size_t turn(std::chrono::milliseconds timeout);
  /// The number of turns begun.
  std::uint64_t turns() const { return turns_; }
  /// How often a turn has taken all events that were there. What happened on a descriptor before
  /// this number grew has been noted.
  std::uint64_t looks() const { return looks_; }

  /// Readable when a turn would find something; for running this reactor inside another loop,
  /// which then calls be_hosted() once.
  int descriptor() const { return epoll_; }
  void be_hosted() { is_hosted_ = true; }

 private:
  using Age = Polled::Age;
  std::vector<Polled*>& unregistered(Age age) {
    return unregistered_[static_cast<std::size_t>(age) - 1];
  }
  bool has_unregistered() const;
  std::size_t add_those_due(bool is_quiet);
  std::size_t add_some();
  void run_posted();
  std::size_t run_group(std::span<const epoll_event> events);
  std::size_t receive_for(std::span<const epoll_event> events);
  std::size_t receive_in_batches(std::span<const epoll_event> events);
  std::size_t receive_batch(std::span<const epoll_event> events, std::size_t& octets);
  void send_gathered();
  void send_in_batches();
  std::size_t send_batch(std::span<Polled*> gathered);
  std::size_t run_deferred();

  int epoll_ = -1;
  int event_ = -1;  ///< eventfd: something was posted
  std::uint64_t turns_ = 0;
  std::uint64_t looks_ = 0;
  bool is_in_turn_ = false;
  bool gathers_ = false;
  bool is_hosted_ = false;
  std::vector<Polled*> deferred_;
  std::vector<Polled*> retired_;
  std::vector<Polled*> gathered_;
  std::unique_ptr<SocketBatch> batch_;
  std::array<std::vector<Polled*>, 2> unregistered_;  ///< add_later(), by Age
  std::uint64_t recent_since_ = 0;                    ///< the turn since which any are recent
  std::deque<std::function<bool()>> jobs_;  ///< taken from posted_, and not at their end yet
  // Those of this turn; kept for their capacity.
  std::vector<Polled*> running_;
  std::vector<Polled*> retiring_;
  std::mutex mutex_;  ///< guards posted_
  std::vector<std::function<bool()>> posted_;
  std::atomic<bool> is_awake_{false};  ///< event_ was written and not read yet
};

}  // namespace sluice::proxy
