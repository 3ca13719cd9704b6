#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/fleet.hpp"
#include "proxy/handover_link.hpp"
#include "proxy/handover_state.hpp"
#include "sluice/upgrade.hpp"

namespace sluice::proxy {

class AdminServer;
class Listeners;
class LocalControl;

/// The side of a hand-over that gives (pitfalls P1, P2, P3). Control thread.
///
///     successor         this process
///     hello       ->                    protocol, version, process
///                 <-    sockets ...     listening sockets, at most 253 in one message
///                 <-    state           what it needs to get ready
///     ready       ->                    configuration checked, backends known; or: failed
///                 <-    commit          nothing is decided here any more; the last state, and
///                                       the lock of the state folder
///     taken       ->                    it decides
///                 <-    go
///     serving     ->                    it accepts: from now on this process only finishes
///                 <-    progress ...    what it still counts, until it is gone
///
/// Until `serving`, whatever goes wrong ends the hand-over, and this process goes on as before.
class Handover : public std::enable_shared_from_this<Handover> {
 public:
  struct Parts {
    boost::asio::io_context& io;
    Fleet& fleet;
    Listeners& listeners;
    LocalControl& control;
    AdminServer* admin;  ///< may be null
    std::string admin_configured;
    bool is_child = false;  ///< of this process: then ended() tells how it ended
  };
  /// What the successor serves, by configured address.
  struct Served {
    UpgradeStatus status;
    std::vector<std::string> listeners;
    bool admin = false;
  };
  struct Callbacks {
    /// Why it came to nothing, a sentence without a full stop.
    std::function<void(const std::string& why)> failed;
    std::function<void(const Served&)> served;
  };

  Handover(Parts parts, HandoverChannel channel, Callbacks callbacks);

  void start(milliseconds patience);
  /// Ends it, because of something seen elsewhere. Nothing happens once it has ended or is served.
  void fail(const std::string& why);
  /// Ends the conversation; nothing is called any more.
  void close();
  /// The successor has ended; `how` in words.
  void ended(const std::string& how);
  bool is_served() const { return stage_ == Stage::served; }
  /// Tells the successor what is counted by now, at most every 200 ms but for the last word. `then`
  /// once that is on its way; at once when there is nobody to tell.
  void report(bool is_last, std::function<void()> then);

 private:
  enum class Stage { greeting, preparing, freezing, committed, going, served, over };

  void on_message(HandoverMessage message);
  void on_lost(const std::string& why);
  void on_hello(const boost::json::value& body);
  void give_sockets();
  bool put_sockets(std::vector<std::vector<std::pair<std::string, OwnedDescriptor>>> shared);
  void give_state();
  void commit();
  void on_serving(const boost::json::value& body);

  Parts parts_;
  std::shared_ptr<HandoverLink> link_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  UpgradeStatus successor_;
  Stage stage_ = Stage::greeting;
  bool takes_lock_ = false;  ///< the successor; one of an older version locks the folder itself
  bool is_reporting_ = false;
  bool has_ended_ = false;  ///< the successor
  TimePoint next_report_{};
};

}  // namespace sluice::proxy
