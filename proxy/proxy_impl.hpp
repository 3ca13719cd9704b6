#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/access_log.hpp"
#include "proxy/admin_server.hpp"
#include "proxy/completions.hpp"
#include "proxy/fleet.hpp"
#include "proxy/handover.hpp"
#include "proxy/handover_door.hpp"
#include "proxy/listeners.hpp"
#include "proxy/local_control.hpp"
#include "proxy/notices.hpp"
#include "proxy/state_file.hpp"
#include "proxy/succession.hpp"
#include "proxy/successor.hpp"
#include "sluice/proxy.hpp"

namespace sluice {

/// The parts of a running proxy, and the order in which they start and end.
///
///     idle -> starting -> serving -> lame duck -> draining -> ended
///                                       any of them --stop_now--> ended
///
///     starting, with a predecessor -> ready -> it commits -> serving
///     serving --a successor serves--> draining
///
/// The control thread goes on after the end, until the destructor, so that calls are answered.
class Proxy::Impl {
 public:
  /// `host`: runs the worker, when given; else it has threads.
  Impl(Settings settings, Options options, boost::asio::io_context* host);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  std::vector<Problem> start();
  void stop();
  void stop_now();
  std::size_t wait();
  void reopen_logs() { access_log_.reopen(); }
  std::vector<std::string> listener_addresses() const;
  std::string admin_address() const { return admin_address_; }
  std::string failure() const;

  /// Lets `act` work on the control thread, with the completion that it has to call; without
  /// control there is nothing to act on, and `done` hears of it.
  template <class T>
  void ask(Done<T> done, std::function<void(proxy::LocalControl&, Done<T>)> act);

 private:
  // proxy.cpp
  void meet_predecessor(std::vector<Problem>& problems);
  bool batches_calls();
  void open_files(std::vector<Problem>& problems);
  void open_listeners(std::vector<Problem>& problems);
  void open_admin(const std::string& token, std::vector<Problem>& problems);
  void give_up();
  void begin();

  // proxy_upgrade.cpp, the side that takes
  void serve();
  void offer_to_serve();
  void decide_in_its_place(const proxy::HandoverState& last, proxy::OwnedDescriptor lock);
  void serve_in_its_place(bool is_asked);
  void open_taken_admin();
  void give_up_succession(const std::string& why);
  void open_door();
  void call_off_handover();

  // proxy_upgrade.cpp, the side that gives
  void upgrade(const UpgradeOrder& order, const proxy::Actor& actor, Done<UpgradeStatus> done);
  std::optional<Denial> upgrade_obstacle() const;
  void begin_handover(proxy::OwnedDescriptor socket, bool is_child, milliseconds patience);
  void handover_failed(const std::string& why);
  void retire(const proxy::Handover::Served& served);

  // proxy_stop.cpp
  void end_behind_last_word();
  void run();
  void begin_lame_duck();
  void begin_drain();
  void watch_drain();
  void cut();
  void end();

  Settings settings_;  ///< as they were at the start
  boost::asio::io_context* host_;
  std::function<std::string(const Snapshot&)> render_metrics_;
  ReadSettings read_settings_;
  std::string settings_text_;
  std::vector<std::string> command_;
  proxy::OwnedDescriptor predecessor_;
  proxy::AccessLog access_log_;
  proxy::StateFile state_;
  std::atomic<unsigned> connections_{0};
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  proxy::Notices notices_;
  proxy::Completions completions_;
  std::unique_ptr<proxy::Fleet> fleet_;
  std::unique_ptr<proxy::Listeners> listeners_;
  std::unique_ptr<proxy::LocalControl> control_;
  std::unique_ptr<proxy::AdminServer> admin_;
  std::string admin_address_;
  std::shared_ptr<proxy::Succession> succession_;
  std::vector<std::string> taken_listeners_;  ///< from the predecessor, by configured address
  bool is_admin_taken_ = false;
  bool is_admin_open_ = false;
  bool has_committed_ = false;  ///< the predecessor
  bool serves_ = false;         ///< clients are accepted
  std::unique_ptr<proxy::HandoverDoor> door_;
  std::string door_problem_;  ///< that was told
  bool is_door_tried_ = false;
  std::unique_ptr<proxy::Successor> successor_;
  std::shared_ptr<proxy::Handover> handover_;
  Done<UpgradeStatus> upgrade_done_;
  proxy::TimePoint earliest_end_{};
  std::thread thread_;
  proxy::TimePoint drain_end_;
  std::size_t cut_ = 0;
  bool is_started_ = false;
  bool is_stopping_ = false;
  bool is_ending_ = false;

  mutable std::mutex mutex_;
  std::string failure_;
  std::condition_variable stopped_;
  bool is_running_ = false;
};

template <class T>
void Proxy::Impl::ask(Done<T> done, std::function<void(proxy::LocalControl&, Done<T>)> act) {
  if (!done) done = [](const Outcome<T>&) {};
  boost::asio::post(io_, [this, done = std::move(done), act = std::move(act)]() mutable {
    if (!is_started_ || is_ending_) {
      return done(Denial{
          503, "The proxy does not run",
          is_ending_ ? "the proxy has stopped; ask its successor" : "the proxy was never started"});
    }
    act(*control_, completions_.owe<T>(std::move(done)));
  });
}

}  // namespace sluice
