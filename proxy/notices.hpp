#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "proxy/event_log.hpp"
#include "proxy/log_sink.hpp"
#include "sluice/observer.hpp"

namespace sluice::proxy {

/// The one place that tells what happens: to the observer, to the readers of the event log, and, as
/// a line, to the operational log. Control thread only, or the thread in Proxy::start(); but see
/// from_any_thread(). An observer that throws ends the program.
class Notices {
 public:
  /// `control`: the loop of the control thread. `observer` may be null.
  Notices(boost::asio::io_context& control, std::shared_ptr<Observer> observer);
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;

  void log(LogLevel level, const std::string& line) noexcept;
  /// log() for those on the control thread. Must not outlive this object.
  LogSink sink();
  /// A sink for any thread: its lines are posted to the control thread.
  LogSink from_any_thread();

  void audit(const Audit& audit) noexcept;
  void split(const SplitChange& change) noexcept;
  void health(const HealthChange& change) noexcept;
  void drain_begun(const DrainChange& change) noexcept;
  void drained(const DrainChange& change) noexcept;
  void undrained(const DrainChange& change) noexcept;
  void membership(const MembershipChange& change) noexcept;
  void rollout(const RolloutNotice& notice) noexcept;
  void reload(const ReloadNotice& notice) noexcept;
  /// Settings that waited for it stay; `record` is their number in the history.
  void reload_confirmed(std::uint64_t record, const std::string& who) noexcept;
  /// An event only: what there is to say about it is logged beside it.
  void decider(const DeciderStatus& decider) noexcept;
  void readiness(const Readiness& readiness) noexcept;
  void stopped(std::size_t cut) noexcept;

  /// Events of the process before this one, under their numbers.
  void go_on_from(const std::vector<Event>& events) { events_.go_on_from(events); }

  const EventLog& events() const { return events_; }
  EventLog& events() { return events_; }

 private:
  boost::asio::io_context& control_;
  std::shared_ptr<Observer> observer_;  ///< never null
  EventLog events_;
};

/// "shop-v1=90 shop-v2=10".
std::string in_words(const std::vector<ShareSettings>& shares);
/// "127.0.0.1:9001@1 127.0.0.1:9002@2".
std::string in_words(const std::vector<BackendSettings>& backends);
/// The pool, or pool and backend.
std::string subject_of(const DrainStatus& status);

}  // namespace sluice::proxy
